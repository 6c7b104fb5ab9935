import { section } from './parts/section.ts'
import { strict, text } from './parts/values.ts'

/** The team's record of which version ran when. */
export type Deployments = {
  /** A file with one line per deployment: `DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS`. */
  readonly history: string
}

export const deployments = section({
  about: 'How the team records which version ran when, so that the one before can be chosen.',
  schema: strict({
    history: text.describe(
      'A file with one line for each deployment: `DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS`.',
    ),
  }),
  example: { history: 'deployments.txt' },
  resolve: ({ history }, { path }): Deployments => ({ history: path(history) }),
})

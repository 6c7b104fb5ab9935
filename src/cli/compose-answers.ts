import type { ComposeAnswers } from '../adapters/docker/compose.ts'
import type { Scope } from '../drivers/scope.ts'

/**
 * What Compose answers holds as long as a run only looks, as its preflight and its dry run do: each answer takes two
 * programs and a tenth of a second. A step that may act ends that, since it may change the answers.
 */
export function answersOfLooks(): (scope: Pick<Scope, 'run' | 'ahead'>) => ComposeAnswers | null {
  let answers: ComposeAnswers = new Map()
  let looking = ''
  return ({ run, ahead = false }) => {
    if (!ahead || run !== looking) answers = new Map()
    looking = run
    return ahead ? answers : null
  }
}

import { section } from './parts/section.ts'
import { texts } from './parts/values.ts'

export const duties = section({
  about:
    'Names of runbooks that also ask a person for what the program cannot know, such as the post-mortem of `full-db-rollback`. Without a terminal, `--answer` or `--skip` must give the answers. Without this section no one is asked.',
  schema: texts,
  example: ['full-db-rollback'],
  resolve: (names): readonly string[] => names,
})

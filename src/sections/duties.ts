import { section } from './parts/section.ts'
import { texts } from './parts/values.ts'

export const duties = section({
  about:
    'Names of runbooks that also ask a person for what the program cannot know, such as the post-mortem of `full-db-rollback`. Where nobody is at a terminal, `--answer` or `--skip` must answer. Without it nobody is asked.',
  schema: texts,
  example: ['full-db-rollback'],
  resolve: (names): readonly string[] => names,
})

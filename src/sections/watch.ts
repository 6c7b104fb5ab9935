import { section } from './parts/section.ts'
import { duration, oneOf, strict } from './parts/values.ts'

/** What `runbook watch` does with a run whose process died. */
export type Watch = {
  readonly policy: 'tell' | 'rollback' | 'resume'
  /** How long people have before it acts. */
  readonly afterSeconds: number
}

export const watch = section({
  about:
    'What `runbook watch` does with a run whose process died: it tells the operators, and may roll the run back or resume it. Without the section it only tells them.',
  schema: strict({
    policy: oneOf('tell', 'rollback', 'resume').describe(
      'One attempt is made, with the locks and checks of the command of that name; if it fails, people are called. A run that was rolling back goes on rolling back under both; one past its point of no return is left to people by `rollback`.',
    ),
    after: duration.prefault('0s').describe('Time that people have before it acts.'),
  }),
  example: { policy: 'rollback', after: '1m' },
  resolve: ({ policy, after }): Watch => ({ policy, afterSeconds: after }),
})

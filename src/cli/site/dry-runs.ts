import type { Clock } from '../../kernel/clock.ts'
import type { Planned } from '../../model/plan.ts'
import { foretell } from '../../run/dry-run/look-ahead.ts'
import { StopButton } from '../../run/engine/stop.ts'
import type { Stored } from '../../run/journal/entry.ts'
import { doctorScope } from '../../run/readiness/examine.ts'
import { foldersAhead } from '../../run/record/evidence-folder.ts'
import { remembered } from '../../run/readiness/remembered.ts'
import type { CliContext } from '../context.ts'
import { withSurroundings } from '../examination.ts'
import { readJournal } from '../journal.ts'

/** Seconds; the server closes a connection on which nothing was sent for 60 s. */
export const mostSeconds = 45

/** `busy`: another one goes on, or has not ended yet after it was cut off. */
export type Answer = readonly Stored[] | 'busy' | 'late'

type Look = (planned: Planned, stop: StopButton, cut: AbortSignal) => Promise<readonly Stored[]>

/** Dry runs that nobody records, one at a time, since each starts programs. */
export class DryRuns {
  readonly #look: Look
  readonly #clock: Clock
  #busy = false

  constructor(look: Look, clock: Clock) {
    this.#look = look
    this.#clock = clock
  }

  /** @param left whoever asked does not wait any more */
  async of(planned: Planned, left: AbortSignal): Promise<Answer> {
    if (this.#busy) return 'busy'
    this.#busy = true
    const stop = new StopButton()
    const cut = new AbortController()
    const looking = this.#look(planned, stop, cut.signal).finally(() => {
      this.#busy = false
    })
    // Thrown after it was cut off, which nobody waits for.
    looking.catch(() => undefined)
    const waiting = new AbortController()
    const late = this.#clock
      .sleep(mostSeconds * 1000, AbortSignal.any([waiting.signal, left]))
      .catch(() => undefined)
      .then(() => 'late' as const)
    let answer: Answer | null = null
    try {
      answer = await Promise.race([looking, late])
      return answer
    } finally {
      waiting.abort()
      if (answer === 'late') {
        for (const signal of ['SIGTERM', 'SIGTERM'] as const) stop.ask(signal)
        cut.abort()
      }
    }
  }
}

/** With drivers that can only look; whatever they started has ended afterwards. */
export const lookWithoutRecord =
  (context: CliContext): Look =>
  (planned, stop, cut) =>
    withSurroundings(context, null, async ({ drivers, locks, mask, clock, host: { artifacts } }) => {
      const { scope, end } = doctorScope()
      cut.addEventListener('abort', end, { once: true })
      try {
        const { look } = remembered(drivers(scope), null)
        return await readJournal(context, (journal) =>
          foretell({ look, clock, mask, stop, evidenceOf: foldersAhead(artifacts, clock) }, planned, {
            journal,
            locks,
          }),
        )
      } finally {
        end()
      }
    })

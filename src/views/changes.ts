import { oneLine } from '../kernel/sanitize.ts'
import { timeOfDay } from './amounts.ts'
import { packed } from './fit.ts'
import { wordsOf, type OpenRun } from './status.ts'

/** With plain lines, the situation of a run is repeated this often where nothing else changes. */
const everyMilliseconds = 60_000

/** What is new about runs that are watched, a line each, for output that cannot be redrawn. */
export class Changes {
  readonly #known = new Map<string, Map<string, string>>()
  readonly #said = new Map<string, { readonly at: number; readonly standing: string }>()

  /** @returns nothing where nothing has changed since the last call */
  linesOf(open: OpenRun, now: Date): readonly string[] {
    const { run, state, situation = [] } = open
    const known = this.#known.get(run) ?? new Map<string, string>()
    this.#known.set(run, known)
    const steps = state.plan.steps.flatMap((step) => {
      const words = wordsOf(open, step)
      if (known.get(step.id) === words || (words === '' && !known.has(step.id))) return []
      known.set(step.id, words)
      return [`${oneLine(step.title)}:${words === '' ? ' waiting' : words}`]
    })
    return [...steps, ...this.#situation(open, now, situation)].map(
      (text) => `${timeOfDay(now)}  ${run}  ${text}`,
    )
  }

  #situation({ run, standing, state }: OpenRun, now: Date, situation: readonly string[]): readonly string[] {
    const standingNow = JSON.stringify([standing.down, standing.unconfirmedSince, state.way, state.pivoted])
    const before = this.#said.get(run)
    if (
      situation.length === 0 ||
      (before?.standing === standingNow && now.getTime() < before.at + everyMilliseconds)
    )
      return []
    this.#said.set(run, { at: now.getTime(), standing: standingNow })
    return packed(situation, null)
  }
}

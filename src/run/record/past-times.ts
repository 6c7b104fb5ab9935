import type { Stored } from '../journal/entry.ts'
import { actedOutcomes, type JournalView } from '../journal/journal.ts'

/** Enough for a ninetieth percentile; older runs say less about the host and the data of today. */
const most = 20

/** How long the parts of one past run took, in milliseconds. */
export type PastTimes = {
  /** From the opening of the run to the end of its preflight; null if that is unknown. */
  readonly preflight: number | null
  /** By step: all attempts until it succeeded, and the waits between them. */
  readonly forward: ReadonlyMap<string, number>
  readonly skipped: ReadonlySet<string>
  /** By step: all attempts until it was undone. */
  readonly undo: ReadonlyMap<string, number>
}

/** A step that was interrupted is left out: nobody knows how long it would have taken. */
export function pastTimesOf(entries: readonly Stored[]): PastTimes {
  const first = entries[0]
  const steps = first?.entry.type === 'opened' ? first.entry.plan.steps : []
  const delays = new Map(steps.map(({ id, retry }) => [id, retry.delaySeconds * 1000]))
  const forward = new Sums((step) => delays.get(step) ?? 0)
  const undo = new Sums(() => 0)
  const skipped = new Set<string>()
  let preflight: number | null = null
  for (const { at, entry } of entries) {
    if (entry.type === 'preflighted' && first !== undefined)
      preflight ??= Math.max(0, Date.parse(at) - Date.parse(first.at))
    else if (entry.type === 'intent') forward.begin(entry.step)
    else if (entry.type === 'undo-intent') undo.begin(entry.step)
    else if (entry.type === 'skipped') skipped.add(entry.step)
    else if (entry.type === 'ended')
      forward.end(
        entry.step,
        entry.result === 'recovered' ? null : entry.milliseconds,
        entry.failure === null ? 'done' : entry.again === true ? 'again' : 'lost',
      )
    else if (entry.type === 'undo-ended')
      undo.end(
        entry.step,
        entry.milliseconds,
        entry.result === 'undone' ? 'done' : entry.again === true ? 'again' : 'lost',
      )
    else if (entry.type === 'resumed') {
      forward.interrupt()
      undo.interrupt()
    }
  }
  return { preflight, forward: forward.complete, skipped, undo: undo.complete }
}

class Sums {
  readonly complete = new Map<string, number>()
  readonly #delay: (step: string) => number
  /** Null: a part of it is unknown. */
  readonly #open = new Map<string, number | null>()

  constructor(delay: (step: string) => number) {
    this.#delay = delay
  }

  begin(step: string): void {
    if (!this.#open.has(step)) this.#open.set(step, 0)
  }

  end(step: string, milliseconds: number | null, how: 'done' | 'again' | 'lost'): void {
    const before = this.#open.get(step) ?? (this.#open.has(step) ? null : 0)
    const sum = before === null || milliseconds === null ? null : before + milliseconds
    if (how === 'again') {
      this.#open.set(step, sum === null ? null : sum + this.#delay(step))
      return
    }
    this.#open.delete(step)
    if (how === 'done' && sum !== null) this.complete.set(step, sum)
  }

  interrupt(): void {
    for (const step of this.#open.keys()) this.#open.set(step, null)
  }
}

/**
 * Times of the latest real runs of the same runbook on the same target and host as this run, newest first. Leaves
 * out those that were refused, are open or cannot be read.
 * @param entries of this run, which is left out
 */
export async function pastTimesOfRun(
  journal: JournalView,
  entries: readonly Stored[],
): Promise<readonly PastTimes[]> {
  const first = entries[0]
  if (first?.entry.type !== 'opened') return []
  const { plan, host } = first.entry
  const lines = await journal.runs({
    mode: 'run',
    outcomes: actedOutcomes,
    runbook: plan.runbook,
    target: String(plan.target['name']),
    newest: most + 1,
  })
  const found: PastTimes[] = []
  for (const { run } of lines.filter((line) => line.run !== first.run).slice(0, most)) {
    const past = await journal.read(run).catch(() => [])
    const opened = past[0]?.entry
    if (opened?.type === 'opened' && opened.host === host) found.push(pastTimesOf(past))
  }
  return found
}

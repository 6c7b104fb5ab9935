import type { Plan } from '../../model/plan.ts'
import type { Entry, Stored } from './entry.ts'

/** Times of a run that the measurements need. */
export interface Times {
  readonly plan: Plan
  readonly mode: 'run' | 'dry-run'
  readonly openedAt: string
  /** An entry is dated more than 1 s before the previous one. */
  readonly rewound: boolean
  /** Time at which each step last succeeded. */
  readonly endedWell: ReadonlyMap<string, string>
  readonly skipped: ReadonlySet<string>
  readonly turned: boolean
  readonly outages: readonly { readonly from: string; readonly to: string | null }[]
  /** When the run itself last did or saw anything: what people write into its journal later says nothing of the service. */
  readonly seenAt: string
  /** Whether data to restore was chosen. */
  readonly chosen: boolean
  /** The data restored last and not undone. */
  readonly data: { readonly asOf: string } | null
}

/** Entries beside a run, during which nothing is done or looked at. */
const beside: ReadonlySet<Entry['type']> = new Set([
  'announcing',
  'announced',
  'attempting',
  'attempted',
  'acknowledged',
  'resumed',
  'released',
  'sealed',
])

/**
 * The service is down from the start of the first `downFrom` step to the end of an `upAfter` step. During a
 * rollback it is down once any step from that `downFrom` step on is being undone, and up when that step is. It is down
 * as well from when a server last answered that died, until the run goes on, which it does only once that answers.
 */
export function timesOf(entries: readonly Stored[]): Times {
  const first = entries[0]
  if (first?.entry.type !== 'opened') throw new TypeError('the first entry is not the opening of a run')
  const { plan, mode } = first.entry
  const marks = new Map(plan.steps.map((step, position) => [step.id, { ...step.marks, position }]))
  const endedWell = new Map<string, string>()
  const skipped = new Set<string>()
  let turned = false
  const data = new Map<string, string>()
  const undone = new Set<string>()
  const outages: { from: string; to: string | null }[] = []
  let stopper: string | null = null
  const position = (step: string): number => marks.get(step)?.position ?? -1
  const down = (at: string): void => {
    if (outages.at(-1)?.to !== null) outages.push({ from: at, to: null })
  }
  const up = (at: string): void => {
    const last = outages.at(-1)
    if (last?.to === null) last.to = at
  }
  const begins = (step: string, at: string): void => {
    if (marks.get(step)?.downFrom !== true) return
    stopper ??= step
    down(at)
  }
  let died = false
  const goesOn = (at: string): void => {
    if (died) up(at)
    died = false
  }
  let rewound = false
  let previous = first.at
  let seenAt = first.at
  for (const { at, entry } of entries) {
    // Time synchronisation sets clocks back by fractions of a second.
    rewound ||= Date.parse(at) < Date.parse(previous) - 1000
    previous = at
    if (!beside.has(entry.type)) seenAt = at
    switch (entry.type) {
      case 'settled':
        if (entry.down === undefined || outages.at(-1)?.to === null) break
        died = true
        down(entry.down.since)
        break
      case 'intent':
        goesOn(at)
        begins(entry.step, at)
        break
      case 'ended':
        if (entry.failure !== null) break
        // A step that was already done has no intent.
        if (!endedWell.has(entry.step) && entry.result === 'already') begins(entry.step, at)
        endedWell.set(entry.step, at)
        undone.delete(entry.step)
        if (typeof entry.dataAsOf === 'string') data.set(entry.step, entry.dataAsOf)
        if (marks.get(entry.step)?.upAfter === true) up(at)
        break
      case 'skipped':
        skipped.add(entry.step)
        break
      case 'undo-intent':
        goesOn(at)
        if (stopper !== null && position(entry.step) >= position(stopper)) down(at)
        break
      case 'turned':
        turned = true
        break
      case 'undo-ended':
        if (entry.result === 'failed') break
        data.delete(entry.step)
        undone.add(entry.step)
        if (entry.step === stopper) up(at)
        break
      default:
        break
    }
  }
  const newest = [...data].findLast(([step]) =>
    isRestored(plan, step, (id) => endedWell.has(id) && !undone.has(id), skipped),
  )?.[1]
  return {
    plan,
    mode,
    openedAt: first.at,
    rewound,
    endedWell,
    skipped,
    turned,
    outages,
    seenAt,
    chosen: data.size > 0,
    data: newest === undefined ? null : { asOf: newest },
  }
}

/** A backup that was chosen is restored once every change for which it was chosen is made: until then its age says nothing. */
function isRestored(
  { steps }: Plan,
  chosen: string,
  isDone: (id: string) => boolean,
  skipped: ReadonlySet<string>,
): boolean {
  const from = new Set([chosen])
  const uses: Plan['steps'][number][] = []
  for (const step of steps) {
    if (step.id !== chosen && !step.needs.some((id) => from.has(id))) continue
    from.add(step.id)
    const changes = step.effect !== 'observe' && step.effect !== 'decide'
    if (changes && step.phase === 'reversible' && !skipped.has(step.id)) uses.push(step)
  }
  return uses.length > 0 && uses.every(({ id }) => isDone(id))
}

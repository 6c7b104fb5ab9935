import type { PostgresDatabase } from '../../drivers/databases.ts'
import type { ServiceGroup } from '../../drivers/services.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { composeLine } from '../../model/compose-line.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { servicesIn } from '../../model/services-in.ts'
import { startLines, stateLines } from '../../model/start-lines.ts'
import type { FoundDown, Stored } from './entry.ts'
import { stateOf, type RunState } from './state.ts'
import { timesOf } from './times.ts'

/** What a run has done so far and not taken back, as far as its journal shows. */
export type Standing = JsonObject & {
  /**
   * Services that it stopped and has not started again, and since when. `died`: a server that stopped answering
   * during the run, which the run has not stopped; then `since` is when it last answered.
   */
  readonly down: readonly { readonly service: string; readonly since: string; readonly died?: true }[]
  /** Commands that start those again, where the plan shows how; the data must be looked at before. */
  readonly starts: readonly string[]
  /** Since when no health check has found the service up; null if none is due. */
  readonly unconfirmedSince: string | null
  /** Commands that show which of the services that may be down run, and change nothing. */
  readonly looks: readonly string[]
  /** Titles of steps whose effect is there. */
  readonly changed: readonly string[]
  /** Titles of steps whose effect may be there, in part or in full. */
  readonly unsure: readonly string[]
}

/** Folds the entries of one run; looks at nothing. */
export function standingOf(entries: readonly Stored[]): Standing {
  const state = stateOf(entries)
  const { outages } = timesOf(entries)
  const open = state.plan.steps.some(({ marks }) => marks.upAfter) ? outages.at(-1) : undefined
  const unconfirmedSince = open?.to === null ? open.from : null
  const died = diedIn(state, entries)
  const stopped = downOf(state, entries)
  const down = [
    ...(died === null ? [] : [{ service: died.place, since: died.since, died: true as const }]),
    ...stopped,
  ]
  const names = stopped.map(({ service }) => service)
  const perhaps = down.length > 0 || unconfirmedSince === null ? [] : touchedIn(state)
  return {
    down,
    starts: [
      ...(died === null ? [] : startOfServer(state, died.place)),
      ...startsOf(touchedIn(state, stops), names),
      ...startsOf(perhaps),
    ],
    unconfirmedSince,
    looks: [...new Set(perhaps.flatMap(stateLines))],
    ...effectsOf(state),
  }
}

/** Kinds of steps whose surveys and outputs name services. */
const stops = 'services.stop'
const starts = 'services.start'

/** Whether entries of this step, on the way forward, can change what is down or not confirmed. */
export const changesWhatIsDown = ({ kind, marks }: Pick<PlannedStep, 'kind' | 'marks'>): boolean =>
  kind === stops || kind === starts || marks.downFrom || marks.upAfter

function downOf(state: RunState, entries: readonly Stored[]): Standing['down'] {
  const kinds = new Map(state.plan.steps.map(({ id, kind }) => [id, kind]))
  const down = new Map<string, string>()
  /** By step: what it stopped or started, to be reversed when it is undone. */
  const touched = new Map<string, readonly string[]>()
  for (const { at, entry } of entries) {
    const step = 'step' in entry && typeof entry.step === 'string' ? entry.step : ''
    const kind = kinds.get(step)
    if (entry.type === 'intent' && kind === stops) {
      const running = namesIn(entry.before, 'running')
      touched.set(step, [...new Set([...(touched.get(step) ?? []), ...running])])
      for (const name of running) if (!down.has(name)) down.set(name, at)
    } else if (entry.type === 'ended' && entry.failure === null && kind === starts) {
      const started = namesIn(entry.output, 'names').filter((name) => down.delete(name))
      touched.set(step, [...new Set([...(touched.get(step) ?? []), ...started])])
    } else if (entry.type === 'undo-intent' && kind === starts) {
      for (const name of touched.get(step) ?? []) if (!down.has(name)) down.set(name, at)
    } else if (entry.type === 'undo-ended' && entry.result !== 'failed' && kind === stops) {
      for (const name of touched.get(step) ?? []) down.delete(name)
    }
  }
  return [...down].map(([service, since]) => ({ service, since }))
}

/** A server that the run, as it ended, had found dead; null once it goes on. */
function diedIn({ settled }: RunState, entries: readonly Stored[]): FoundDown | null {
  if (settled?.outcome !== 'needs-human') return null
  const end = entries.findLast(({ entry }) => entry.type === 'settled')?.entry
  if (end?.type === 'settled' && end.down !== undefined) return end.down
  const undos = entries.flatMap(({ at, entry }) => (entry.type === 'undo-ended' ? [{ at, entry }] : []))
  const place = undos.at(-1)?.entry.down
  if (place === undefined) return null
  const before = undos.findLastIndex(({ entry }) => entry.down !== place)
  return { place, since: undos[before + 1]?.at ?? '' }
}

/** Of the target's database, where it is a service. */
function startOfServer({ plan }: RunState, place: string): readonly string[] {
  const { database } = plan.target as {
    readonly database?: { readonly via?: Partial<PostgresDatabase['via']> }
  }
  const via = database?.via
  if (via?.kind !== 'compose' || via.stack === undefined || via.service === undefined) return []
  return place === `${via.stack.project}/${via.service}`
    ? [composeLine(via.stack, `start ${shellWord(via.service)}`)]
    : []
}

/** Services that began steps have stopped, started or recreated, unless that is undone. */
function touchedIn({ plan, steps }: RunState, only?: string): readonly ServiceGroup[] {
  return plan.steps
    .filter(({ kind }) => only === undefined || kind === only)
    .filter(({ id, kind, marks }) => {
      const now = steps.get(id)
      const begun = now !== undefined && now.attempts > 0 && now.undo !== 'undone'
      return begun && (kind === stops || kind === starts || marks.downFrom)
    })
    .flatMap(({ id, kind, input }) => {
      const { input: resolved, before } = steps.get(id) ?? { input: null, before: null }
      const ran = kind === stops ? namesIn(before, 'running') : null
      return servicesIn(resolved ?? input).map(({ stack, names }) => ({
        stack,
        names: ran === null ? names : names.filter((name) => ran.includes(name)),
      }))
    })
}

const startsOf = (groups: readonly ServiceGroup[], only?: readonly string[]): readonly string[] => [
  ...new Set(
    groups.flatMap(({ stack, names }) =>
      startLines({ stack, names: only === undefined ? names : names.filter((name) => only.includes(name)) }),
    ),
  ),
]

function namesIn(value: Json, field: string): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const names = (value as JsonObject)[field]
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

function effectsOf({ plan, steps }: RunState): Pick<Standing, 'changed' | 'unsure'> {
  const acting = plan.steps.filter((step) => step.phase !== 'lastly' && step.reversal !== 'not needed')
  const effect = ({ id }: PlannedStep): 'none' | 'changed' | 'unsure' => {
    const now = steps.get(id)
    if (now === undefined || now.attempts === 0 || now.undo === 'undone') return 'none'
    return now.status === 'done' && now.undo === 'none' ? 'changed' : 'unsure'
  }
  const titles = (is: 'changed' | 'unsure'): readonly string[] =>
    acting.filter((step) => effect(step) === is).map(({ title }) => title)
  return { changed: titles('changed'), unsure: titles('unsure') }
}

import type { Failure } from '../../kernel/errors.ts'
import { exits, RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Plan } from '../../model/plan.ts'
import type { Finding } from '../../model/step.ts'
import type { Entry, EarlierRun, Outcome, Stored, StoredEstimate } from '../journal/entry.ts'
import type { Provenance, UsedImage } from '../journal/provenance.ts'
import { measuresOf, type Measures } from './measures.ts'
import { stateOf } from '../journal/state.ts'
import { timesOf } from '../journal/times.ts'
import { codeOfState } from '../journal/code.ts'
import { takenSeconds, type ScoredEstimate } from './estimate.ts'
import { stepRecord, type StepRecord } from './step-record.ts'

/**
 * Must be raised with every change to what is rendered from a journal: this record, report.md, report.html,
 * junit.xml.
 * Evidence with an older number cannot be rendered again, so only its signature can be verified.
 */
export const rendering = 7

/** Contents of `run.json`: the complete record of one run, computed from its journal alone. */
export type RunRecord = JsonObject & {
  readonly schema: 1
  readonly rendering: number
  readonly run: string
  readonly mode: 'run' | 'dry-run'
  readonly runbook: string
  readonly target: string
  readonly by: string
  readonly host: string
  readonly engine: string
  readonly node: string
  readonly story: string | null
  readonly reason: string | null
  /** The newest dry run of the same plan, whose evidence shows what could be known before the run. */
  readonly foretoldBy: string | null
  /** Path of the folder at the start of the run; it may have been moved since. */
  readonly evidence: string
  readonly startedAt: string
  readonly endedAt: string | null
  readonly outcome: Outcome | 'open'
  /** Exit code of the command that ended the run, once its evidence is sealed; null while it is open. */
  readonly exit: number | null
  readonly failure: Failure | null
  readonly measures: Measures
  /** Earlier runs of the same runbook on the same target, newest first. Missing where they were not read. */
  readonly earlier?: readonly EarlierRun[]
  /** What they said about its duration, and what it took. Missing where they said nothing. */
  readonly estimate?: ScoredEstimate
  /** When the service was down, in order; `to` is null where it was not confirmed up again. */
  readonly outages?: readonly Outage[]
  readonly findings: readonly Finding[]
  /** What it was made from. Missing where the journal does not say. */
  readonly provenance?: RecordedProvenance
  readonly steps: readonly StepRecord[]
  /** Events of the run itself, not of its steps, in order. */
  readonly events: readonly RunHappening[]
  /** What changed outside the effects of the steps, and no undo takes back. Missing if nothing did. */
  readonly remains?: readonly string[]
  /** Those of `remains` that are only data that was put aside. */
  readonly kept?: readonly string[]
  readonly released: { readonly at: string; readonly by: string; readonly reason: string } | null
  readonly plan: Plan
  readonly journal: JournalHead & { readonly hashes: readonly string[] }
}

/** With the images of what the run used, as they were at its end; missing where that was not looked at. */
export type RecordedProvenance = Provenance & { readonly imagesAtEnd?: readonly UsedImage[] }

export type Outage = JsonObject & { readonly from: string; readonly to: string | null }

export type JournalHead = { readonly count: number; readonly seq: number; readonly hash: string }

export type RunHappening = JsonObject & {
  readonly at: string
  readonly what:
    | 'turned'
    | 'pivoted'
    | 'interrupted'
    | 'resumed'
    | 'released'
    | 'announced'
    | 'locked'
    | 'attempting'
    | 'attempted'
    | 'acknowledged'
  readonly says: string
  /** The difference to the opened plan that a person accepted; null if there was none. */
  readonly accepted: string | null
}

/** Entries that a seal covers: all but trailing `sealed` ones, so that sealing again gives the same files. */
export function sealable(entries: readonly Stored[]): readonly Stored[] {
  let end = entries.length
  while (entries[end - 1]?.entry.type === 'sealed') end -= 1
  return entries.slice(0, end)
}

/** @throws RunbookError `journal` if the first entry is not `opened` */
export function recordOf(entries: readonly Stored[]): RunRecord {
  const covered = sealable(entries)
  const first = covered[0]
  const last = covered.at(-1)
  if (first?.entry.type !== 'opened' || last === undefined) {
    throw new RunbookError('journal', 'the journal entries do not begin with the opening of a run', {
      hint: 'keep the state folder as it is',
    })
  }
  const { plan, mode, by, host, engine, node, story, reason, evidence, foretoldBy = null } = first.entry
  const perStep = new Map<string, Stored[]>(plan.steps.map((step) => [step.id, []]))
  const settled: {
    -readonly [K in 'endedAt' | 'outcome' | 'failure' | 'findings' | 'released']: RunRecord[K]
  } = {
    endedAt: null,
    outcome: 'open',
    failure: null,
    findings: [],
    released: null,
  }
  const events: RunHappening[] = []
  let earlier: readonly EarlierRun[] = []
  let estimate: StoredEstimate | null = null
  let provenance: Provenance | null = null
  let imagesAtEnd: readonly UsedImage[] | null = null
  for (const stored of covered) {
    const { at, entry } = stored
    if ('step' in entry && typeof entry.step === 'string') perStep.get(entry.step)?.push(stored)
    const event = happeningOf(stored)
    if (event !== null) events.push(event)
    if (entry.type === 'preflighted') {
      settled.findings = entry.findings
      provenance = entry.provenance ?? provenance
    }
    if (entry.type === 'resumed') Object.assign(settled, { endedAt: null, outcome: 'open', failure: null })
    if (entry.type === 'settled') {
      earlier = entry.earlier ?? []
      estimate = entry.estimate ?? null
      imagesAtEnd = entry.images ?? null
      Object.assign(settled, { endedAt: at, outcome: entry.outcome, failure: entry.failure })
    }
    if (entry.type === 'released') settled.released = { at, by: entry.by, reason: entry.reason }
  }
  const state = stateOf(covered)
  const { remains, kept } = state
  const { outages } = timesOf(covered)
  return {
    schema: 1,
    rendering,
    run: first.run,
    mode,
    runbook: plan.runbook,
    target: String(plan.target['name']),
    by,
    host,
    engine,
    node,
    story,
    reason,
    foretoldBy,
    evidence,
    startedAt: first.at,
    ...settled,
    // The record is part of the evidence, so it is written before that is sealed.
    exit: settled.outcome === 'open' ? null : exits[codeOfState({ ...state, sealed: true })].exit,
    measures: measuresOf(covered),
    ...(earlier.length === 0 ? {} : { earlier }),
    ...(estimate === null ? {} : { estimate: { ...estimate, takenSeconds: takenSeconds(covered) } }),
    ...(provenance === null
      ? {}
      : { provenance: { ...provenance, ...(imagesAtEnd === null ? {} : { imagesAtEnd }) } }),
    ...(outages.length === 0 ? {} : { outages: outages.map(({ from, to }) => ({ from, to })) }),
    steps: plan.steps.map((step) => stepRecord(step, perStep.get(step.id) ?? [])),
    events,
    ...(remains.length === 0 ? {} : { remains }),
    ...(kept.length === 0 ? {} : { kept }),
    plan,
    journal: {
      count: covered.length,
      seq: last.seq,
      hash: last.hash,
      hashes: covered.map(({ hash }) => hash),
    },
  }
}

function happeningOf({ at, entry }: Stored): RunHappening | null {
  switch (entry.type) {
    case 'turned':
      return { at, what: 'turned', says: entry.because, accepted: null }
    case 'pivoted':
      return { at, what: 'pivoted', says: entry.because, accepted: null }
    case 'interrupted':
      return { at, what: 'interrupted', says: entry.signal, accepted: null }
    case 'resumed': {
      const left = entry.orphans
        .map((orphan) => `${String(orphan['what'])} ${String(orphan['id'])}`)
        .join(', ')
      const ended = left === '' ? '' : `; ended first, still active: ${left}`
      const gaps = (entry.locks ?? []).flatMap(({ what, missing }) =>
        missing === null ? [] : [`; not locked: ${what}: ${missing}`],
      )
      return {
        at,
        what: 'resumed',
        says: [
          `${entry.way} by ${entry.by} on ${entry.host}${ended}${gaps.join('')}`,
          ...(entry.remarks ?? []),
        ].join('; '),
        accepted: entry.accepted,
      }
    }
    case 'announced':
      return {
        at,
        what: 'announced',
        says: announcedAs(entry),
        accepted: null,
      }
    case 'locked':
      return {
        at,
        what: 'locked',
        says: `only now, since it was down before: ${entry.locks.map(({ what }) => what).join(', ')}`,
        accepted: null,
      }
    case 'attempting':
      return {
        at,
        what: 'attempting',
        says: `${entry.way} by the watch of ${entry.by} on ${entry.host}`,
        accepted: null,
      }
    case 'attempted':
      return {
        at,
        what: 'attempted',
        says: `the watch left it open: ${entry.problem ?? 'it waits for a person'}`,
        accepted: null,
      }
    case 'acknowledged':
      return {
        at,
        what: 'acknowledged',
        says: `by ${entry.by} on ${entry.host}${entry.note === null ? '' : `: ${entry.note}`}`,
        accepted: null,
      }
    case 'released':
      return { at, what: 'released', says: `by ${entry.by}: ${entry.reason}`, accepted: null }
    default:
      return null
  }
}

function announcedAs({ problem, to }: Extract<Entry, { readonly type: 'announced' }>): string {
  const whom = to === undefined ? 'to the operators' : `to the operators by ${to}`
  return problem === null ? whom : `NOT announced ${whom}: ${problem}`
}

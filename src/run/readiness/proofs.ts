import { failureOf } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { Stored } from '../journal/entry.ts'
import { stateOf, type RunState } from '../journal/state.ts'
import type { Target } from '../../model/target.ts'
import type { JournalFacts } from './journal-facts.ts'
import { ownRuns } from './own-runs.ts'

/** A backup that a run restored, and whose copy met all assertions. */
export type Proof = JsonObject & {
  readonly run: string
  readonly runbook: string
  /** When the run began. */
  readonly at: string
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

/** Kinds of steps that choose a dump and read it; and those that assert on what was restored from it. */
const choosing = ['backups.verify-dump', 'backups.choose-dump']
const asserting = ['databases.assert-copy', 'databases.assert-closed-copy']
/** Tests one backup after the other, so each of its outputs names its own. */
const testing = 'bisection.test-backup'

/** Journals of years hold many runs; the newest proofs are what counts. */
const mostRead = 30

/** What the newest runs on the database of a target proved, newest first. */
export async function proofsIn(journal: JournalFacts, target: Target): Promise<readonly Proof[]> {
  const { damaged } = journal
  const newest = mostRead + damaged.size
  const runs = (await ownRuns(target, journal)({ mode: 'run', outcomes: ['succeeded'], newest }))
    .filter(({ run }) => !damaged.has(run))
    .slice(0, mostRead)
  const proofs: Proof[] = []
  for (const { run } of runs) proofs.push(...proofsOf(run, await entriesOf(journal, run)))
  return proofs
}

/** Only the newest runs were checked, so an older one may turn out damaged: it proves nothing, and hides no other. */
async function entriesOf(journal: JournalFacts, run: string): Promise<readonly Stored[]> {
  try {
    return await journal.read(run)
  } catch (thrown) {
    if (failureOf(thrown).code === 'journal') return []
    throw thrown
  }
}

/** Pure. */
export function proofsOf(run: string, entries: readonly Stored[]): readonly Proof[] {
  if (entries.length === 0) return []
  const state = stateOf(entries)
  const outputs = (kinds: readonly string[]): readonly JsonObject[] => outputsOf(state, kinds)
  const about = { run, runbook: state.plan.runbook, at: state.startedAt }
  const tested = outputs([testing])
    .flatMap(({ tests }) => (Array.isArray(tests) ? (tests as readonly JsonObject[]) : []))
    .filter(({ verdict }) => verdict === 'good')
  const asserted = outputs(asserting).length > 0 ? outputs(choosing) : []
  return [...asserted, ...tested.map(({ backup }) => backup as JsonObject)].flatMap((dump) => {
    const { file, bytes, sha256 } = dump
    return typeof file === 'string' && typeof bytes === 'number' && typeof sha256 === 'string'
      ? [{ ...about, file, bytes, sha256 }]
      : []
  })
}

const outputsOf = ({ plan, steps }: RunState, kinds: readonly string[]): readonly JsonObject[] =>
  plan.steps
    .filter(({ kind }) => kinds.includes(kind))
    .flatMap(({ id }) => {
      const step = steps.get(id)
      return step?.status === 'done' && isObject(step.output) ? [step.output] : []
    })

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

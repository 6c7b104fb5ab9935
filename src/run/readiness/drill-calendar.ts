import { failureOf } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Target } from '../../model/target.ts'
import type { RunFilter, RunSummary } from '../journal/journal.ts'
import type { JournalFacts } from './journal-facts.ts'
import { ownRuns } from './own-runs.ts'

/** One proof that a target owes, and how it stands. */
export type DrillStanding = JsonObject & {
  /** Name of the runbook. */
  readonly drill: string
  readonly everySeconds: number
  /** The latest run that proved it; null if there is none. */
  readonly proof: { readonly run: string; readonly runbook: string; readonly at: string } | null
  /** The latest run of it after that proof that did not succeed; null if there is none. */
  readonly failed: { readonly run: string; readonly at: string; readonly outcome: string } | null
  /** ISO time; null if it was never proven, so that it is due now. */
  readonly dueAt: string | null
  /** `blocked`: it cannot run on the target. */
  readonly state: 'proven' | 'overdue' | 'never' | 'blocked'
  /** Why it cannot run; null where it can. */
  readonly why: string | null
}

/** Of runs that are checked already, `damaged` saves reading again. */
export type DrillJournal = Pick<JournalFacts, 'runs' | 'read'> & Partial<Pick<JournalFacts, 'damaged'>>

const isSqlite = ({ database }: Target): boolean => database?.engine === 'sqlite'

/** How often each proof is due, as the runbooks say, where the target does not. Days. */
const usual: readonly {
  readonly drill: string
  readonly days: number
  /** Left out, of each target that it fits. */
  readonly of?: (target: Target) => boolean
}[] = [
  { drill: 'restore-test', days: 31 },
  // Backups of SQLite need no server to be tested in.
  { drill: 'find-good-backup', days: 31, of: isSqlite },
  { drill: 'find-good-volume-backup', days: 31 },
  { drill: 'monthly-spot-restore', days: 31 },
  { drill: 'quarterly-full-drill', days: 92 },
]

/** Runbooks whose success proves another drill too. */
const alsoProves: { readonly [runbook: string]: readonly string[] } = {
  'full-db-rollback': ['restore-test', 'find-good-backup'],
  'sqlite-restore': ['find-good-volume-backup'],
  'quarterly-full-drill': ['monthly-spot-restore'],
}

const provedBy = (drill: string): readonly string[] => [
  drill,
  ...Object.keys(alsoProves).filter((runbook) => alsoProves[runbook]?.includes(drill)),
]

/**
 * How each proof of a target stands. A run counts only if its entries are intact.
 * @param whyNot why a runbook cannot run on the target; null if it can
 * @throws RunbookError `journal` if the journal cannot be read: then nothing is known
 */
export async function drillCalendar(
  target: Target,
  whyNot: (drill: string) => string | null,
  journal: DrillJournal,
  now: Date,
): Promise<readonly DrillStanding[]> {
  const due =
    target.drills ??
    usual
      .filter(({ drill, of }) => whyNot(drill) === null && of?.(target) !== false)
      .map(({ drill, days }) => ({ drill, everySeconds: days * 86_400 }))
  const own: DrillJournal = {
    runs: ownRuns(target, journal),
    read: (run) => journal.read(run),
    ...(journal.damaged === undefined ? {} : { damaged: journal.damaged }),
  }
  const standings: DrillStanding[] = []
  for (const { drill, everySeconds } of due) {
    const runbooks = provedBy(drill)
    const proof = await newestIntact({ mode: 'run', outcomes: ['succeeded'], runbooks }, own)
    const why = whyNot(drill)
    const [attempt] = await own.runs({ mode: 'run', runbook: drill, newest: 1 })
    const after = attempt !== undefined && (proof === null || attempt.startedAt > proof.startedAt)
    const due = proof === null ? null : Date.parse(proof.startedAt) + everySeconds * 1000
    standings.push({
      drill,
      everySeconds,
      proof: proof === null ? null : { run: proof.run, runbook: proof.runbook, at: proof.startedAt },
      failed:
        after && attempt.outcome !== 'succeeded'
          ? { run: attempt.run, at: attempt.startedAt, outcome: attempt.outcome ?? 'open' }
          : null,
      dueAt: due === null ? null : new Date(due).toISOString(),
      state:
        due !== null && due >= now.getTime()
          ? 'proven'
          : why !== null
            ? 'blocked'
            : due === null
              ? 'never'
              : 'overdue',
      why,
    })
  }
  return standings
}

const dayMilliseconds = 86_400_000

/**
 * Whether a timer should run it now: a little before it is due, so that it is never overdue, and after a run that did
 * not succeed only once its interval has passed again, at most a day later.
 */
export function isTimeFor({ everySeconds, dueAt, failed, state }: DrillStanding, now: Date): boolean {
  if (state === 'blocked') return false
  const interval = everySeconds * 1000
  const again = failed === null ? 0 : Date.parse(failed.at) + Math.min(interval, dayMilliseconds)
  const early = dueAt === null ? 0 : Date.parse(dueAt) - Math.min(interval / 10, dayMilliseconds)
  return now.getTime() >= Math.max(again, early)
}

/** As many as are hardly ever all damaged. */
const few = 20

async function newestIntact(wanted: RunFilter, journal: DrillJournal): Promise<RunSummary | null> {
  const newest = await journal.runs({ ...wanted, newest: few })
  const found = await firstIntact(newest, journal)
  if (found !== null || newest.length < few) return found
  return firstIntact(await journal.runs(wanted), journal)
}

async function firstIntact(runs: readonly RunSummary[], journal: DrillJournal): Promise<RunSummary | null> {
  for (const line of runs) {
    if (journal.damaged?.has(line.run) === true) continue
    try {
      await journal.read(line.run)
      return line
    } catch (thrown) {
      if (failureOf(thrown).code !== 'journal') throw thrown
    }
  }
  return null
}

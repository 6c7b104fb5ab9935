import { partKey } from '../../drivers/locks.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { runsInService } from '../../model/data-volumes.ts'
import { systemOf, type Target } from '../../model/target.ts'
import type { RunFilter, RunSummary } from '../journal/journal.ts'
import { stateOf } from '../journal/state.ts'
import type { JournalFacts } from './journal-facts.ts'

/**
 * Lists the runs that say something about a target: those on its system, without those of another target that were on
 * another database of the same stack. Under another name they count where they were on the same database, since a
 * target may have been renamed, and where that is not known.
 */
export function ownRuns(
  target: Target,
  journal: Pick<JournalFacts, 'runs' | 'read'>,
): (wanted: RunFilter) => Promise<readonly RunSummary[]> {
  const system = systemOf(target)
  // Runs under one name were on one database, so that one of them is read.
  const known = new Map<string, boolean>([[target.name, true]])
  const isOwn = async ({ run, target: name }: RunSummary): Promise<boolean> => {
    const own = known.get(name) ?? (await isAbout(target, run, journal))
    known.set(name, own)
    return own
  }
  return async (wanted) => {
    if (databaseKey(target) === null) return journal.runs({ ...wanted, system })
    const { newest, ...rest } = wanted
    const own: RunSummary[] = []
    for (const line of await journal.runs({ ...rest, system })) {
      if (own.length === newest) break
      if (await isOwn(line)) own.push(line)
    }
    return own
  }
}

async function isAbout(target: Target, run: string, { read }: Pick<JournalFacts, 'read'>): Promise<boolean> {
  try {
    return isOnDatabaseOf(target, stateOf(await read(run)).plan.target)
  } catch (thrown) {
    if (thrown instanceof RunbookError) return true
    throw thrown
  }
}

/** Whether a run on a target, as its plan has it, was not on another database than this target's. */
export function isOnDatabaseOf(target: Target, recorded: JsonObject): boolean {
  const [one, other] = [databaseKey(target), databaseKey(recorded as unknown as Target)]
  return one === null || other === null || one === other
}

/** Null for a database that is a system of its own, and for a target without one. */
const databaseKey = ({ database }: Pick<Target, 'database'>): string | null =>
  database !== undefined && runsInService(database) ? partKey({ kind: 'postgres', database }) : null

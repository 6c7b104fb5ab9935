import { RunbookError, type Attachment, type Database, type Finding, type Look } from '../../../src/index.ts'
import { identifier, literal } from './sql-quote.ts'

type Meaning = Pick<Finding, 'level' | 'hint'> & { readonly becomes: string }

/**
 * What becomes of it when the live database is exchanged for another one. Postgres renames no database with a
 * prepared transaction (CountOtherDBBackends() in procarray.c).
 */
function afterSwap({ what, name, active }: Attachment): Meaning {
  switch (what) {
    case 'prepared transaction':
      return {
        level: 'refuse',
        becomes: 'it blocks the exchange of names',
        hint: `find out whose it is, then end it: COMMIT PREPARED or ROLLBACK PREPARED ${literal(name)}`,
      }
    case 'subscription':
      return active
        ? {
            level: 'refuse',
            becomes: 'it would go on writing to the old database, and the restored one has none',
            hint: `disable it first: ALTER SUBSCRIPTION ${identifier(name)} DISABLE; create it again on the restored data afterwards`,
          }
        : {
            level: 'warn',
            becomes: 'it stays with the old database, and the restored one has none',
            hint: 'create it again on the restored data afterwards, if it is needed',
          }
    case 'replication slot':
      return {
        level: 'warn',
        becomes: active
          ? 'its consumer is disconnected; it stays with the old database, which nobody writes to any more'
          : 'it stays with the old database, which nobody writes to any more, and keeps WAL',
        hint: `tell whoever reads it: the restored database needs a new slot and its consumers a new start; then drop the old one: SELECT pg_drop_replication_slot(${literal(name)})`,
      }
    case 'scheduled jobs':
      return {
        level: 'warn',
        becomes: 'its jobs are those of the dump afterwards, and its worker is disconnected',
        hint: 'compare cron.job before and after, and restart the worker if no job runs',
      }
    case 'background worker':
      return {
        level: 'warn',
        becomes: 'it is disconnected, and one that knows its database by oid goes back to the old one',
        hint: 'check afterwards which database it works on (pg_stat_activity), and restart it if that is the old one',
      }
    case 'security label':
      return {
        level: 'warn',
        becomes: 'it stays with the old database',
        hint: 'set it again with SECURITY LABEL ON DATABASE',
      }
  }
}

/** In place the database stays the same one: only what writes to it or locks its tables matters. */
function inPlace(one: Attachment): Meaning | null {
  if (one.what === 'prepared transaction')
    return { ...afterSwap(one), becomes: 'its locks may block the restore' }
  if (one.what === 'subscription' && one.active)
    return {
      level: 'refuse',
      becomes: 'it would write to the restored data',
      hint: `disable it first: ALTER SUBSCRIPTION ${identifier(one.name)} DISABLE`,
    }
  if (one.what === 'replication slot')
    return {
      level: 'warn',
      becomes: 'its consumer gets every restored row as a change',
      hint: 'tell whoever reads it',
    }
  return null
}

/** Findings before the first effect; a warning where it cannot be looked at. */
export async function attachmentFindings(
  look: Look,
  database: Database,
  how: 'swap' | 'in place',
): Promise<readonly Finding[]> {
  try {
    return (await look.databases.attachments(database)).flatMap((one) => {
      const meaning = how === 'swap' ? afterSwap(one) : inPlace(one)
      if (meaning === null) return []
      const { level, hint, becomes } = meaning
      return [{ level, about: database.name, problem: `${describe(one)}: ${becomes}`, hint }]
    })
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    return [
      {
        level: 'warn',
        about: database.name,
        problem: `replication slots, subscriptions and prepared transactions are unknown: ${thrown.message}`,
        hint: 'check pg_replication_slots, pg_subscription and pg_prepared_xacts by hand',
      },
    ]
  }
}

export const describe = ({ what, name, active }: Attachment): string =>
  `the ${what} ${name} of ${active ? 'the live database, in use' : 'the live database'}`

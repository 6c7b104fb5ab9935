import {
  readTime,
  RunbookError,
  timeSource,
  type Database,
  type Look,
  type Retention,
} from '../../../src/index.ts'
import { asides, runIn, type Aside } from '../../databases/lib/names.ts'
import { folderOf } from '../../files/lib/path.ts'
import { withSizes } from '../../files/lib/chosen-file.ts'
import { filesOnly, type Artifact, type Inventory } from './artifact.ts'

/**
 * Databases that runs put aside: those that a swap replaced, and those that a rollback replaced after they had
 * been live. The newest of each stays. One with open connections is in use.
 */
export async function keptDatabasesOf(
  look: Look,
  database: Database,
  retention: Retention,
): Promise<readonly Inventory[]> {
  const beside = await look.databases.beside(database)
  return Promise.all(asides.map((what) => inventoryOf(look, database, retention, what, beside)))
}

async function inventoryOf(
  look: Look,
  database: Database,
  { keepOldSeconds }: Retention,
  what: Aside,
  beside: readonly string[],
): Promise<Inventory> {
  const names = beside.flatMap((name) => {
    const at = putAside(database.name, name, what)
    return at === null ? [] : [{ name, takenAt: at.toISOString() }]
  })
  const artifacts = await Promise.all(
    names.map(async ({ name, takenAt }): Promise<Artifact> => ({
      ...filesOnly,
      name,
      takenAt,
      files: await withSizes(look, besideFile(database, name)),
      database: {
        name,
        bytes: await look.databases.bytes(database, name),
        instance: await instanceOf(look, database, name),
      },
    })),
  )
  const sessions = await Promise.all(names.map(({ name }) => look.databases.sessions(database, name)))
  return {
    artifacts,
    keep: 1,
    before: look.clock.now().getTime() - keepOldSeconds * 1000,
    inUse: new Map(
      names.flatMap(({ name }, index) => {
        const [session] = sessions[index] ?? []
        return session === undefined
          ? []
          : [[name, `${session.application || session.id} is connected`] as const]
      }),
    ),
    verify: async ({ name }) => {
      const { tables } = await look.databases.fingerprint({ ...database, fingerprint: 'rows' }, name)
      if (tables.length === 0) throw new RunbookError('verification', `${name} has no tables`)
    },
  }
}

/**
 * Differs for two databases that had the same name one after the other. Of a file its version too, since a file system
 * gives the inode of a removed one to the next.
 */
export async function instanceOf(
  look: Pick<Look, 'databases'>,
  database: Database,
  name: string,
): Promise<string> {
  if (database.engine === 'postgres')
    return (await look.databases.listing(database, name))?.instance ?? 'none'
  const { instance } = await look.databases.identity(database, name)
  return `${instance} ${await look.databases.fileVersion(database, name)}`
}

/** The checksum that makes a kept file a backup, as `carryOver` says how to make it. */
const besideFile = (database: Database, name: string): readonly string[] =>
  database.engine === 'sqlite' ? [`${folderOf(database.file)}/${name}.sha256`] : []

/** When a database was put aside; null for a name that no run gives. */
export function putAside(live: string, name: string, what: Aside = 'old'): Date | null {
  const run = runIn(live, name, what)
  return run === null ? null : momentIn(run)
}

/** When a run began, from the time at the start of its id. */
export function momentIn(run: string): Date | null {
  const [moment = ''] = new RegExp(`^${timeSource}`).exec(run) ?? []
  return readTime(moment)
}

import {
  readTime,
  RunbookError,
  timeSource,
  type Database,
  type Look,
  type Retention,
} from '../../../src/index.ts'
import { besideName } from '../../databases/lib/names.ts'
import { filesOnly, type Artifact, type Inventory } from './artifact.ts'

/** Databases that a swap put aside. One with open connections is in use. */
export async function keptDatabasesOf(
  look: Look,
  database: Database,
  { keepOldSeconds }: Retention,
): Promise<readonly Inventory[]> {
  const names = (await look.databases.beside(database)).flatMap((name) => {
    const at = putAside(database.name, name)
    return at === null ? [] : [{ name, takenAt: at.toISOString() }]
  })
  const artifacts = await Promise.all(
    names.map(async ({ name, takenAt }): Promise<Artifact> => ({
      ...filesOnly,
      name,
      takenAt,
      files: [],
      database: { name, bytes: await look.databases.bytes(database, name) },
    })),
  )
  const sessions = await Promise.all(names.map(({ name }) => look.databases.sessions(database, name)))
  return [
    {
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
    },
  ]
}

/** When a database was put aside; null for a name that no swap gives. */
export function putAside(live: string, name: string): Date | null {
  const run = /__old_(\w+)$/.exec(name)?.[1] ?? ''
  return run !== '' && besideName(live, 'old', run) === name ? momentIn(run) : null
}

/** When a run began, from the time at the start of its id. */
export function momentIn(run: string): Date | null {
  const [moment = ''] = new RegExp(`^${timeSource}`).exec(run) ?? []
  return readTime(moment)
}

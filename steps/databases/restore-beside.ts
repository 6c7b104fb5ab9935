import {
  defineStep,
  isPending,
  runsInService,
  say,
  type Copy,
  type Database,
  type Dump,
  type Finding,
  type Look,
  type RestoreRights,
} from '../../src/index.ts'
import { missingRightsFindings } from './lib/missing-rights.ts'
import { besideName } from './lib/names.ts'
import { instanceOf, mustBeOurs } from './lib/ours.ts'
import { rightsSentence } from './lib/restore-rights.ts'
import { identifier } from './lib/sql-quote.ts'
import { reportServerChanges, serverChanges, serverFacts, type ServerFacts } from './lib/server-changes.ts'

type Input = { readonly database: Database; readonly archive: Dump }
/** `instance` tells it from another database of its name. Missing in older journals. */
export type RestoredCopy = Copy & { readonly instance?: string }
type Before = {
  readonly name: string
  readonly liveBytes: number
  readonly freeBytes: number | null
  /** Missing in older journals. */
  readonly server?: ServerFacts
  /** Missing in older journals. */
  readonly rights?: RestoreRights | null
  /** As in `Identity`, of the live database. Missing in older journals. */
  readonly system?: string
}

/**
 * Restores a dump into a new database beside the live one, which stays in service. The copy gets its name
 * only once it is complete. The SQL of the dump has no superuser rights, unless the dump needs them, which the dry run
 * says. Undone by dropping it, unless it has been live: then the swap's undo has given it
 * another name, under which it stays. What somebody else put under its name stays too, and is named.
 */
export const restoreBeside = defineStep<Input, RestoredCopy, Before>({
  kind: 'databases.restore-beside',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  describe: ({ archive, database }) => {
    const dump = isPending(archive) ? say`the dump ${archive}` : archive.file
    const live = isPending(database) ? 'the live database' : database.name
    return `Restores ${dump} beside ${live}, which stays in service.`
  },
  preflight: async (look, { database }) =>
    isPending(database)
      ? []
      : [
          ...(await missingRightsFindings(look, database, { do: 'restore beside' })),
          ...(await roomFindings(look, database)),
        ],
  survey: async (look, { database, archive }) => {
    const name = besideName(database.name, 'rb', look.run.id)
    const { bytes, system } = await look.databases.identity(database)
    return {
      name,
      liveBytes: bytes,
      system,
      freeBytes: await look.databases.freeBytes(database),
      server: await serverFacts(look, database, [name]),
      rights: await look.databases.restoreRights(database, archive, name),
    }
  },
  predict: ({ before, input }) => ({
    output: before === undefined ? null : { name: before.name },
    changes: [
      `a database ${before?.name ?? 'of the run'} beside ${isPending(input.database) ? 'the live one' : input.database.name}`,
    ],
    ...(before === undefined ? {} : { bytes: before.liveBytes }),
  }),
  run: async (io, { input: { database, archive }, before: { name, server, rights } }) => {
    if (rights) io.note(rightsSentence(rights))
    try {
      return {
        ...(await io.databases.restoreBeside(database, archive, name, rights)),
        instance: (await io.databases.identity(database, name)).instance,
      }
    } finally {
      await reportServerChanges(io, database, server, [name])
    }
  },
  probe: async (look, { input: { database }, before: { name, system }, way, output }) => {
    if (await look.databases.exists(database, name)) {
      if (way === 'back' && (await isAnothers(look, database, name, output))) return { is: 'absent' }
      const bytes = await look.databases.bytes(database, name)
      // Once it was checked, it is closed.
      const instance = await instanceOf(look, database, name)
      return { is: 'done', output: { name, bytes, instance } }
    }
    if (await look.databases.leftover(database, name))
      return { is: 'torn', why: `there is an incomplete copy ${name} beside the live database` }
    if (way === 'back' && (await isElsewhere(look, database, system)))
      return {
        is: 'unknown',
        why: `the file of ${database.name} is in another folder than when the run began, so ${name} may still be in the former one: move the file back, or remove ${name} there and close the run with \`runbook unlock ${look.run.id} --reason TEXT\``,
      }
    return { is: 'absent' }
  },
  // The adapter removes an unfinished copy before the next attempt.
  rerunnable: true,
  undoGuards: ({ input: { database }, before: { name }, output }) => {
    const instance = output?.instance
    return [
      {
        of: [{ database, name }],
        check: async (look) =>
          instance === undefined ? undefined : mustBeOurs(look, database, name, [instance]),
      },
    ]
  },
  undo: (io, { input: { database }, before: { name } }) => io.databases.drop(database, name),
  remainsAgain: (look, { input: { database }, before: { name, server } }) =>
    serverChanges(look, database, server, [name]),
  // A killed attempt could not report them, and a swap that was undone has given the copy another name.
  remains: async (look, { input: { database }, before: { name, server }, output }) => [
    ...(await copyLeft(look, database, name, output)),
    ...(await serverChanges(look, database, server, [name, besideName(database.name, 'kept', look.run.id)])),
  ],
})

/** Whether a database is known not to be the copy that the run made: journals of earlier versions do not say which that is. */
const isAnothers = async (
  look: Look,
  database: Database,
  name: string,
  made: RestoredCopy | undefined,
): Promise<boolean> =>
  made?.instance !== undefined && (await instanceOf(look, database, name)) !== made.instance

/** A copy of SQLite is in the folder of the live file, which somebody may have moved and linked. */
async function isElsewhere(look: Look, database: Database, was: string | undefined): Promise<boolean> {
  if (database.engine !== 'sqlite' || was === undefined) return false
  const now = await look.databases.identity(database).catch(() => null)
  return now !== null && now.system !== was
}

/** What stays because it is not of this run, and the copy of this run where somebody gave it another name. */
async function copyLeft(
  look: Look,
  database: Database,
  name: string,
  made: RestoredCopy | undefined,
): Promise<readonly string[]> {
  const anothers =
    (await look.databases.exists(database, name)) && (await isAnothers(look, database, name, made))
  // The inode of a file that was removed may be that of a new one.
  if (made?.instance === undefined || (!anothers && database.engine === 'sqlite')) return []
  const kept = besideName(database.name, 'kept', look.run.id)
  const left = anothers
    ? [`${name} stays: it is not the copy that this run made, but one that somebody else put in its place`]
    : []
  for (const other of await look.databases.beside(database)) {
    if (other === name || other === kept || (await instanceOf(look, database, other)) !== made.instance)
      continue
    return [
      ...left,
      `the copy that this run made is kept: somebody renamed it to ${other}, and nothing drops it there`,
    ]
  }
  return anothers
    ? [...left, 'the copy that this run made was not found beside the live database under any name']
    : []
}

async function roomFindings(look: Look, database: Database): Promise<readonly Finding[]> {
  const { bytes } = await look.databases.identity(database)
  const free = await look.databases.freeBytes(database)
  const room = needed(database, bytes)
  if (free === null)
    return [
      {
        level: 'warn',
        about: database.name,
        problem: `free space on the server is unknown; a second copy needs about ${megabytes(room)}`,
        hint: `check the free space on the server${howToSeeIt(database)}`,
      },
    ]
  if (free >= room) return []
  return [
    {
      level: 'refuse',
      about: database.name,
      problem: `a second copy of ${database.name} needs about ${megabytes(room)}, and ${megabytes(free)} is free`,
      hint: 'make room, or restore in place with --strategy in-place',
    },
  ]
}

/** Its tools run beside the data, so only the path is missing. */
const howToSeeIt = (database: Database): string =>
  runsInService(database)
    ? `; so that preflight can: GRANT pg_read_all_settings TO ${identifier(database.user)}`
    : ''

/**
 * More than the live database, since its pages may be packed otherwise. A server keeps a log of what is restored, in
 * segments of 16 MB; a SQLite file has its own beside it.
 */
const needed = ({ engine }: Pick<Database, 'engine'>, bytes: number): number =>
  Math.ceil(bytes * 1.1) + (engine === 'sqlite' ? 1 : 64) * 1024 * 1024

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1_000_000)} MB`

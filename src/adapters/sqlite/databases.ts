import { constants } from 'node:fs'
import { access, lstat, readdir, stat, statfs } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { basename } from 'node:path'
import Connection from 'better-sqlite3'
import type {
  Database,
  DatabaseObject,
  Databases,
  Dump,
  Session,
  TableRows,
} from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { systemClock } from '../../kernel/clock.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { KeptPrograms } from '../process/kept-programs.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { Unwrap } from '../unwrap/unwrap.ts'
import { keepWorkers, runWork } from './run-work.ts'
import { isSecondName, mustNotBeLink, openDump, relatedFiles, remove, sizeOf } from './database-files.ts'
import { fileVersion, readUnchanged } from './file-version.ts'
import { nameAgain, revertUnfinishedSwap } from './swap-files.ts'
import { headerBytes, readHeader } from './header.ts'
import { header, inspect, readBack } from './inspect.ts'
import { missingRights } from './missing-rights.ts'
import { isCopyName, isNamedByRun, partialOf, placeOf, sqliteOf } from './place.ts'
import type { QueryLimits } from './query.ts'
import { dumpTo, restore, type RestoredPages } from './restore.ts'
import { holdersOf } from './sessions.ts'

export type SqliteOptions = {
  readonly scope: Scope
  readonly unwrap: Unwrap
  readonly queryLimits?: QueryLimits
  /** How long a swap waits for the last process to close the file. */
  readonly patienceMilliseconds?: number
  /** Left out, each attempt starts its own processes. */
  readonly programs?: KeptPrograms
}

const defaultLimits: QueryLimits = { rows: 1_000, bytes: 1 << 20, seconds: 30 }

/**
 * SQLite databases in local files. A copy is a file in the same folder, so that one rename(2) swaps it in.
 * Owner, group and mode are kept; ACLs and other extended attributes are not.
 */
export function sqliteDatabases(options: SqliteOptions): Databases {
  const { scope, programs, unwrap } = options
  if (programs !== undefined) keepWorkers(scope, programs)
  const limits = options.queryLimits ?? defaultLimits

  const existing = async (database: Database, name: string): Promise<string> => {
    const place = await placeOf(database)
    const path = place.of(name)
    if ((await sizeOf(path)) === null)
      throw new RunbookError('failed', `database ${shellWord(path)} not found`, {
        hint: `check: ls -l ${shellWord(place.folder)}`,
      })
    await mustNotBeLink(path)
    return path
  }

  const sessions = async (path: string): Promise<readonly Session[]> => {
    const holders = await holdersOf(path, scope.run)
    if (holders !== null) return holders
    return (await runWork<boolean>({ do: 'lock', file: path }, scope))
      ? []
      : [{ id: 'unknown', application: 'unknown', user: 'unknown' }]
  }

  const waitUntilFree = async (path: string): Promise<void> => {
    const until = systemClock.monotonic() + (options.patienceMilliseconds ?? 5_000)
    for (;;) {
      const open = await sessions(path)
      if (open.length === 0) return
      if (systemClock.monotonic() >= until) {
        const who = open
          .slice(0, 3)
          .map(({ id, application }) => `${id} (${application})`)
          .join(', ')
        throw new RunbookError(
          'failed',
          `${shellWord(path)} is open in ${open.length === 1 ? 'a process' : `${open.length} processes`}: ${who}`,
          { hint: `stop the processes that use it: fuser -v ${shellWord(path)}` },
        )
      }
      await systemClock.sleep(100, scope.signal)
    }
  }

  const inPlace = async (database: Database, dump: Dump, pages: RestoredPages): Promise<void> => {
    const place = await placeOf(database)
    const { staged, aside } = inPlaceNames(place.live)
    // Left by an earlier attempt: a second name of the live file, or the replaced data.
    await databases.drop(database, aside)
    await mustBeCopy(place.of(staged))
    await restore(dump, { live: place.live, to: place.of(staged), unwrap }, pages, scope)
    try {
      await databases.swap(database, { staged, aside })
    } catch (thrown) {
      await databases.drop(database, staged).catch(() => undefined)
      throw thrown
    }
    await databases.drop(database, aside)
  }

  const databases: Databases = {
    async identity(database, name = database.name) {
      const place = await placeOf(database)
      const { folder } = place
      const live = place.of(name)
      // A copy that is a link is known by the link, and so taken for another one.
      const facts = await (place.isLive(name) ? stat : lstat)(live, { bigint: true }).catch(
        (cause: unknown) => {
          const lost = (cause as NodeJS.ErrnoException).code === 'ENOENT' && name === database.name
          throw cannot('open', `database ${name} at ${shellWord(live)}`, null, {
            code: 'preflight',
            cause,
            hint: lost
              ? `check the path in runbook.config.ts; if the file is lost, create an empty one with the owner and mode that the application needs, which a restore replaces: touch ${shellWord(live)}`
              : `check: ls -l ${shellWord(live)}`,
          })
        },
      )
      if (!facts.isFile() && !facts.isSymbolicLink())
        throw new RunbookError('preflight', `${shellWord(live)} is not a regular file`, {
          hint: `check: ls -ld ${shellWord(live)}`,
        })
      const home = await stat(folder, { bigint: true })
      const writable = await Promise.all([live, folder].map((path) => access(path, constants.W_OK))).then(
        () => true,
        () => false,
      )
      return {
        engine: 'sqlite',
        host: hostname(),
        name,
        system: `${home.dev}:${home.ino}:${basename(live)}`,
        major: 3,
        version: sqliteVersion(),
        bytes: Number(facts.size) + ((await sizeOf(`${live}-wal`)) ?? 0),
        acceptsWrites: writable,
        generation: `${facts.dev}:${facts.ino}`,
        instance: `${facts.dev}:${facts.ino}`,
      }
    },

    tableIds: async () => null,
    async exists(database, name) {
      const place = await placeOf(database)
      const path = place.of(name)
      if (path === place.live) return (await sizeOf(path)) !== null
      return (await isSecondName(path, place.live)) === false
    },

    async beside(database) {
      const place = await placeOf(database)
      const entries = await readdir(place.folder, { withFileTypes: true })
      const names = entries
        .filter((entry) => entry.isFile() && isCopyName(entry.name) && !place.isLive(entry.name))
        .map(({ name }) => name)
        .sort()
      const second = await Promise.all(names.map((name) => isSecondName(place.of(name), place.live)))
      return names.filter((_, index) => second[index] === false)
    },

    async bytes(database, name) {
      const path = await existing(database, name)
      return ((await sizeOf(path)) ?? 0) + ((await sizeOf(`${path}-wal`)) ?? 0)
    },

    async leftover(database, name) {
      const place = await placeOf(database)
      const path = place.of(name)
      const anyOf = async (files: readonly string[]): Promise<boolean> =>
        (await Promise.all(files.map(sizeOf))).some((bytes) => bytes !== null)
      if (path === place.live)
        return anyOf(Object.values(inPlaceNames(place.live)).map(place.of).flatMap(relatedFiles))
      // Logs without their file: an interrupted removal.
      return (await sizeOf(path)) === null
        ? anyOf(relatedFiles(path))
        : (await sizeOf(partialOf(path))) !== null || (await isSecondName(path, place.live)) === true
    },

    async fingerprint(database, name) {
      return runWork(
        { do: 'fingerprint', file: await existing(database, name), exact: sqliteOf(database).fingerprint },
        scope,
      )
    },

    async contents(database, name) {
      const { tables } = await databases.fingerprint({ ...database, fingerprint: 'rows' }, name)
      const file = await existing(database, name)
      return {
        objects: await runWork<readonly DatabaseObject[]>({ do: 'objects', file }, scope),
        tables: tables.map(({ table, rows }) => ({ table, rows, estimated: false })),
        schemas: [],
        sequences: [],
        extensions: [],
        largeObjects: 0,
      }
    },

    attachments: async () => [],

    async unreadable(database) {
      const file = (await placeOf(database)).live
      const refused = await access(file, constants.R_OK).then(
        () => false,
        ({ code }: NodeJS.ErrnoException) => code === 'EACCES',
      )
      if (!refused) return []
      const { uid } = await stat(file)
      const cures = [`setfacl -m u:${userInfo().uid}:rw ${shellWord(file)}`]
      return [{ what: 'file', name: file, why: `not readable, owner ${uid}`, cures }]
    },

    missingRights: async (database, change) => missingRights((await placeOf(database)).live, change),

    async query(database, name, sql) {
      const file = await existing(database, name)
      const timeout = AbortSignal.timeout(limits.seconds * 1_000)
      const signal = AbortSignal.any([scope.signal, timeout])
      return runWork<readonly JsonObject[]>({ do: 'query', file, sql, limits }, scope, { signal }).catch(
        (thrown: unknown) => {
          if (!timeout.aborted || scope.signal.aborted) throw thrown
          throw new RunbookError('failed', `query timed out after ${limits.seconds} s: ${sql}`, {
            hint: 'narrow the query',
          })
        },
      )
    },

    async rows(database, name, choices) {
      return runWork<readonly TableRows[]>(
        { do: 'rows', file: await existing(database, name), choices, limits },
        scope,
      )
    },

    async values(database, name, of) {
      return runWork<readonly string[]>({ do: 'values', file: await existing(database, name), of }, scope)
    },

    inspect: async (database, file, opening) =>
      inspect(
        { file, unwrap, ...opening },
        { for: (await placeOf(database)).live, defined: sqliteOf(database).applicationDefines ?? [] },
        scope,
      ),
    readBack: (_database, file) => readBack(file, scope),
    header: (_database, file, opening) => header({ file, unwrap, ...opening }, scope),
    // A file has no server that keeps sessions out.
    listing: async () => null,
    fileVersion: async (database, name) => fileVersion(await existing(database, name)),
    open: async () => undefined,
    restoreRights: async () => null,
    fit: async () => ({ missingRoles: [], missingExtensions: [], needsSuperuser: [] }),
    sessions: async (database, name) => sessions(await existing(database, name)),

    async freeBytes(database) {
      const { bavail, bsize } = await statfs((await placeOf(database)).folder)
      return bavail * bsize
    },

    tools: async () => [{ tool: 'sqlite', version: sqliteVersion() }],

    async restoreBeside(database, dump, name) {
      const place = await placeOf(database)
      if (place.isLive(name)) throw isLive('restore to', name)
      await mustBeCopy(place.of(name))
      return {
        ...(await restore(dump, { live: place.live, to: place.of(name), unwrap }, 'checked', scope)),
        name,
      }
    },

    async readExclusively(database, name, read) {
      const place = await placeOf(database)
      if (place.isLive(name)) throw isLive('keep others out of', name)
      return readUnchanged(await existing(database, name), () => read(databases))
    },

    async drop(database, name) {
      const place = await placeOf(database)
      if (place.isLive(name)) throw isLive('drop', name)
      const path = place.of(name)
      if ((await isSecondName(path, place.live)) === true) revertUnfinishedSwap(place.live, path)
      await mustBeCopy(path)
      await remove(path)
    },

    async swap(database, names) {
      const place = await placeOf(database)
      if (names.aside === null) {
        await waitUntilFree(await existing(database, names.staged))
        nameAgain(place.live, place.of(names.staged))
        return
      }
      if (place.isLive(names.staged) || place.isLive(names.aside) || names.staged === names.aside) {
        throw new RunbookError(
          'usage',
          `cannot swap in ${shellWord(names.staged)} and keep the live database as ${shellWord(names.aside)}: two different names of copies are required`,
          { hint: 'give two names of copies' },
        )
      }
      // A writer left from an earlier swap may still have the staged file open.
      for (const name of [database.name, names.staged]) await waitUntilFree(place.of(name))
      await runWork(
        {
          do: 'swap',
          of: {
            live: place.live,
            staged: place.of(names.staged),
            aside: place.of(names.aside),
            version: names.version,
          },
        },
        scope,
      )
    },

    async dump(database, name, file) {
      return dumpTo(await existing(database, name), file, scope)
    },

    restoreInPlace: (database, dump) => inPlace(database, dump, 'checked'),

    reload: async (database) => {
      throw new RunbookError('failed', `cannot reload the settings of ${database.name}: SQLite has no server`)
    },
    // The file is the complete database, so a restore in place leaves nothing else in it.
    restoreExactly: (database, dump) => inPlace(database, dump, 'as it is'),

    async insertRows(database, batch) {
      await runWork({ do: 'insert', file: await existing(database, database.name), batch }, scope)
    },
    async deleteRows(database, batch) {
      await runWork({ do: 'delete', file: await existing(database, database.name), batch }, scope)
    },
    createRoles: async () => {
      throw new RunbookError('usage', 'cannot create roles: SQLite has no roles', {
        hint: 'choose a PostgreSQL dump',
      })
    },
  }
  return databases
}

const isLive = (doing: string, name: string): RunbookError =>
  new RunbookError('failed', `cannot ${doing} ${shellWord(name)}: it is the live database`, {
    hint: 'name a copy',
  })

/**
 * Names of the copies of a restore in place: the restored file, and the old live file until it is dropped.
 */
const inPlaceNames = (live: string) => ({
  staged: `${basename(live)}.rb-in-place-new`,
  aside: `${basename(live)}.rb-in-place-old`,
})

/**
 * Only a SQLite database may be removed or overwritten, not another file whose name was mistyped. A copy that a
 * run made and named may be damaged by now.
 */
async function mustBeCopy(path: string): Promise<void> {
  if (isNamedByRun(basename(path))) return
  const size = await sizeOf(path)
  if (size === null || size === 0) return
  await using file = await openDump(path)
  const head = Buffer.alloc(headerBytes)
  await file.read(head, 0, headerBytes, 0)
  if (readHeader(head) !== null) return
  throw new RunbookError('failed', `cannot remove ${shellWord(path)}: not a SQLite database`, {
    hint: `check: ls -l ${shellWord(path)}`,
  })
}

let version: string | undefined

function sqliteVersion(): string {
  if (version !== undefined) return version
  const memory = new Connection(':memory:')
  try {
    version = String(memory.prepare('SELECT sqlite_version()').pluck().get())
    return version
  } finally {
    memory.close()
  }
}

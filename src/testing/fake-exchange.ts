import type { Database, Databases } from '../drivers/databases.ts'
import { cannot, type RunbookError } from '../kernel/errors.ts'
import { printOf } from './fake-dump.ts'
import type { FakeDatabase, FakeServer } from './fake-server.ts'
import { answerOf } from './sql.ts'

/** What the in-memory databases look up and refuse. */
type Means = {
  readonly server: FakeServer
  at(moment: string): Promise<void>
  answering(database: Database): void
  /** A database that may be closed. */
  there(database: Database, name: string): FakeDatabase
  notLive(database: Database, ...names: readonly string[]): void
  fail(message: string, hint: string): RunbookError
}

/** Exchanges databases by name, and closes and opens them to sessions, as a server does. */
export function fakeExchange({
  server,
  at,
  answering,
  there,
  notLive,
  fail,
}: Means): Pick<Databases, 'listing' | 'fileVersion' | 'readExclusively' | 'swap' | 'open'> {
  const fileVersionOf = ({ tables, log = false }: FakeDatabase): string | null =>
    log ? null : printOf(tables, 'rows-and-digest').digest
  const isSince = (found: FakeDatabase, since: string): boolean =>
    server.engine === 'sqlite'
      ? fileVersionOf(found) === since
      : found.closed === true && String(found.version ?? 0) === since
  const mustBeUnchanged = (name: string, found: FakeDatabase, since?: string): void => {
    if (since !== undefined && !isSince(found, since))
      throw fail(`cannot rename ${name}: it was changed since it was closed`, 'find out who opened it')
  }
  const nextVersion = (): number =>
    1 + Math.max(0, ...[...server.databases.values()].map(({ version = 0 }) => version))
  /** Without the field where it is open, so that two open ones compare as equal. */
  const opened = ({ tables, generation, instance, owner }: FakeDatabase, version: number): FakeDatabase => ({
    tables,
    generation,
    ...(instance === undefined ? {} : { instance }),
    owner,
    version,
  })
  return {
    async listing(database, name) {
      await at('listing')
      answering(database)
      const found = server.databases.get(name)
      if (server.engine === 'sqlite' || found === undefined) return null
      const { generation, closed = false, version = 0 } = found
      return { instance: found.instance ?? generation, open: !closed, version: String(version) }
    },
    async fileVersion(database, name) {
      await at('fileVersion')
      answering(database)
      if (server.engine !== 'sqlite') return null
      return fileVersionOf(there(database, name))
    },
    async readExclusively(database, name, read) {
      await at('readExclusively')
      notLive(database, name)
      const copy = there(database, name)
      const postgres = server.engine === 'postgres'
      if (postgres) {
        server.sessions.delete(name)
        server.databases.set(name, { ...copy, closed: true, version: nextVersion() })
      }
      const versionNow = (): string | null => {
        const now = there(database, name)
        if (!postgres) return fileVersionOf(now)
        return now.closed === true ? String(now.version) : null
      }
      const version = versionNow()
      await at('readExclusively half-way')
      const value = await read({
        async fingerprint(_, of) {
          await at('fingerprint')
          return printOf(there(database, of).tables, database.fingerprint)
        },
        async query(_, of, sql) {
          await at('query')
          const { tables } = there(database, of)
          return server.answers.get(sql)?.(tables) ?? answerOf(sql, tables, server.engine)
        },
      })
      if (version === null || versionNow() !== version)
        throw cannot('check', name, 'somebody changed it meanwhile', {
          code: 'verification',
          hint: 'find out who did',
        })
      await at('readExclusively done')
      return { value, version }
    },
    async swap(database, { staged, aside, closing = false, closedSince, version: checked = closedSince }) {
      await at('swap')
      notLive(database, staged)
      const [copy, version] = [there(database, staged), nextVersion()]
      mustBeUnchanged(staged, copy, checked)
      const next = closedSince === undefined ? opened(copy, version) : { ...copy, version }
      if (aside === null) {
        if (server.databases.has(database.name))
          throw fail(
            `cannot rename ${staged} to ${database.name}: already exists`,
            'keep it under another name',
          )
        server.databases.set(database.name, next)
        server.databases.delete(staged)
        await at('swap done')
        return
      }
      notLive(database, aside)
      const live = there(database, database.name)
      if (server.databases.has(aside))
        throw fail(`cannot rename ${database.name} to ${aside}: already exists`, `check ${aside}`)
      const stubborn = (server.sessions.get(database.name) ?? []).filter((session) => session.stubborn)
      if (stubborn.length > 0)
        throw fail(
          `sessions still connected to ${database.name}: ${stubborn.map(({ application }) => application).join(', ')}`,
          'stop these applications',
        )
      server.sessions.delete(database.name)
      const keepsOut = closing && server.engine === 'postgres'
      if (keepsOut) server.databases.set(database.name, { ...live, closed: true, version })
      await at('swap half-way')
      server.databases.set(aside, keepsOut ? { ...live, closed: true, version } : opened(live, version))
      server.databases.set(database.name, { ...next, owner: live.owner })
      server.databases.delete(staged)
      await at('swap done')
    },
    async open(database, name) {
      await at('open')
      answering(database)
      const found = server.databases.get(name)
      if (found?.closed === true) server.databases.set(name, opened(found, nextVersion()))
      await at('open done')
    },
  }
}

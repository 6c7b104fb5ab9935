import type { Database, Databases } from '../drivers/databases.ts'
import type { RunbookError } from '../kernel/errors.ts'
import { printOf } from './fake-dump.ts'
import type { FakeDatabase, FakeServer } from './fake-server.ts'

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
}: Means): Pick<Databases, 'listing' | 'fileVersion' | 'swap' | 'open'> {
  const mustBeUnopened = (name: string, { closed, version = 0 }: FakeDatabase, since?: string): void => {
    if (since !== undefined && (closed !== true || String(version) !== since))
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
      const { tables, log = false } = there(database, name)
      return log ? null : printOf(tables, 'rows-and-digest').digest
    },
    async swap(database, { staged, aside, closing = false, closedSince }) {
      await at('swap')
      notLive(database, staged)
      const [copy, version] = [there(database, staged), nextVersion()]
      mustBeUnopened(staged, copy, closedSince)
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

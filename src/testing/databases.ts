import type { Database, Databases, Dump } from '../drivers/databases.ts'
import type { Scope } from '../drivers/scope.ts'
import { RunbookError } from '../kernel/errors.ts'
import { digestOf } from '../kernel/json.ts'
import { lay, type Disk } from './disk.ts'
import { dumpModifiedOn, dumpOn, measuredOn } from './dump-folder.ts'
import { fakeExchange } from './fake-exchange.ts'
import { mustBeAdmitted } from './fake-pg-hba.ts'
import { headerOf, contentsOf, dumpBytes, factsOf, printOf, readDump, type FakeTables } from './fake-dump.ts'
import { rightsOn, roleOf } from './fake-rights.ts'
import type { FakeDatabase, FakeServer } from './fake-server.ts'
import { Faults } from './faults.ts'
import { placeOf } from './place.ts'
import { keepInFile, rowsOf, valuesOf, withoutRows, withRows } from './rows.ts'
import { answerOf } from './sql.ts'

export type FakeDatabases = {
  readonly server: FakeServer
  readonly disk: Disk
  readonly scope: Scope
  readonly now: () => Date
  readonly faults?: Faults
  /** Whether the service in which a database runs is up. Default: it is. */
  readonly isUp?: (database: Database) => boolean
}

/** Databases of an in-memory server. Copies, swaps and dumps behave as real ones do: all or nothing. */
export function fakeDatabases({
  server,
  disk,
  scope,
  now,
  faults = new Faults(),
  isUp = () => true,
}: FakeDatabases): Databases {
  const major = Number.parseInt(server.version, 10)
  const at = (moment: string): Promise<void> => faults.reach(`databases.${moment}`, scope.signal)
  const fail = (message: string, hint: string): RunbookError => new RunbookError('failed', message, { hint })
  /** The tools that read dumps are in the container of the server. */
  const up = (database: Database): void => {
    if (!server.reachable || !isUp(database))
      throw new RunbookError(
        'preflight',
        `cannot connect to database ${database.name} at ${server.host}: connection refused`,
        { hint: 'make the server of the test reachable', down: placeOf(database, server.host) },
      )
  }
  const answering = (database: Database): void => {
    up(database)
    mustBeAdmitted(server.doorkeeper, database)
    if (database.engine !== server.engine)
      throw new RunbookError(
        'usage',
        `database ${database.name} is ${database.engine}, but the server is ${server.engine}`,
      )
  }
  /** A SQLite dump is itself a database, and can be queried in place. */
  const inFile = (database: Database, name: string): FakeDatabase | undefined => {
    const bytes =
      database.engine === 'sqlite' && name === database.name ? disk.files.get(database.file) : undefined
    return bytes === undefined || database.engine !== 'sqlite'
      ? undefined
      : { tables: readDump(database.file, bytes).tables, generation: 'of a file', owner: 'nobody' }
  }
  const there = (database: Database, name: string): FakeDatabase => {
    answering(database)
    const found = server.databases.get(name) ?? inFile(database, name)
    if (found === undefined) throw fail(`database ${name} not found`, 'check the databases of the server')
    return found
  }
  const readable = ({ name: live }: Database, name: string): void => {
    const [first] = server.unreadable
    if (name === live && first !== undefined)
      throw fail(
        `cannot read database ${name}: permission denied for ${first.what} ${first.name}`,
        'permit it',
      )
  }
  const mustBeOpen = (name: string): void => {
    if (server.databases.get(name)?.closed === true)
      throw fail(`cannot connect to database ${name}: it is closed to sessions`, 'open it')
  }
  const named = (database: Database, name: string): FakeDatabase => {
    const found = there(database, name)
    mustBeOpen(name)
    return found
  }
  const change = (database: Database, how: (tables: FakeTables) => FakeTables): void => {
    const live = named(database, database.name)
    live.tables = how(live.tables)
    if (!server.databases.has(database.name)) keepInFile(disk, database, live.tables)
  }
  const inspected = (file: string) => ({
    ...factsOf(file, dumpOn(disk, file), dumpModifiedOn(disk, file)),
    ...measuredOn(disk, file),
  })
  const ofEngine = (database: Database, file: string): Dump => {
    const dump = inspected(file)
    if (dump.engine === database.engine) return dump
    throw new RunbookError('verification', `dump ${file} is a ${dump.engine} dump, not ${database.engine}`, {
      hint: 'choose another backup',
    })
  }
  const bytesOf = ({ tables }: FakeDatabase): number => 8_192 + JSON.stringify(tables).length
  let made = 0
  const newly = (tables: FakeTables, owner: string): FakeDatabase => ({
    tables,
    generation: `made by ${scope.run} ${scope.step} ${(made += 1)} ${digestOf(tables)}`,
    owner,
  })
  const notLive = (database: Database, ...names: readonly string[]): void => {
    if (names.includes(database.name))
      throw fail(`cannot replace or drop database ${database.name}: it is the live database`, 'name a copy')
  }
  const clear = (name: string): void => {
    server.databases.delete(name)
    server.leftovers.delete(name)
    server.roles.delete(roleOf(name))
  }
  const sameBytes = (dump: { readonly file: string; readonly sha256: string }): void => {
    if (inspected(dump.file).sha256 === dump.sha256) return
    throw new RunbookError(
      'verification',
      `checksum mismatch in dump ${dump.file}: it changed since it was inspected`,
      {
        hint: 'find out what writes to it',
      },
    )
  }

  const replace = async (database: Database, dump: Dump): Promise<void> => {
    await at('restoreInPlace')
    const live = named(database, database.name)
    sameBytes(dump)
    await at('restoreInPlace half-way')
    const restored = newly(readDump(dump.file, dumpOn(disk, dump.file)).tables, live.owner)
    // As a file of SQLite is replaced, and a database of Postgres is not.
    const instance = live.instance ?? live.generation
    server.databases.set(database.name, server.engine === 'postgres' ? { ...restored, instance } : restored)
    await at('restoreInPlace done')
  }

  const databases: Databases = {
    ...fakeExchange({ server, at, answering, there, notLive, fail }),
    async identity(database, name = database.name) {
      await at('identity')
      answering(database)
      const live = server.databases.get(name)
      if (live === undefined)
        throw new RunbookError('preflight', `database ${name} not found at ${server.host}`, {
          hint: 'check the databases of the server',
        })
      mustBeOpen(name)
      return {
        engine: server.engine,
        host: server.host,
        name,
        system: `${server.host}/${name}`,
        major,
        version: server.version,
        bytes: bytesOf(live),
        acceptsWrites: server.acceptsWrites,
        generation: live.generation,
        instance: live.instance ?? live.generation,
      }
    },
    async tableIds(database) {
      await at('tableIds')
      const { tables, generation } = named(database, database.name)
      if (server.engine === 'sqlite') return null
      // As `newly` makes them all again.
      return Object.keys(tables).map((table) => `${table} ${generation}`)
    },
    async exists(database, name) {
      await at('exists')
      answering(database)
      return server.databases.has(name)
    },
    async beside(database) {
      await at('beside')
      answering(database)
      return [...server.databases.keys()].filter((name) => name !== database.name).sort()
    },
    async bytes(database, name) {
      await at('bytes')
      return bytesOf(there(database, name))
    },
    async leftover(database, name) {
      await at('leftover')
      answering(database)
      return server.leftovers.has(name)
    },
    async fingerprint(database, name) {
      await at('fingerprint')
      readable(database, name)
      return printOf(named(database, name).tables, database.fingerprint)
    },
    async contents(database, name) {
      await at('contents')
      readable(database, name)
      return contentsOf(named(database, name).tables, server.extensions)
    },
    async attachments(database) {
      await at('attachments')
      answering(database)
      return server.attachments
    },
    async unreadable(database) {
      await at('unreadable')
      answering(database)
      return server.unreadable
    },
    async missingRights(database, change) {
      await at('missingRights')
      answering(database)
      return server.missingRights
        .filter(({ of }) => of.includes(change.do))
        .map(({ lacks, certain, cures }) => ({ lacks, certain, cures }))
    },
    async query(database, name, sql) {
      await at('query')
      const { tables } = named(database, name)
      return server.answers.get(sql)?.(tables) ?? answerOf(sql, tables, server.engine)
    },
    async rows(database, name, choices) {
      await at('rows')
      const { tables } = named(database, name)
      return choices.map((choice) => rowsOf(server, tables, choice))
    },
    async values(database, name, { table, column }) {
      await at('values')
      return valuesOf(named(database, name).tables, table, column)
    },
    async inspect(database, file) {
      await at('inspect')
      if (!isUp(database)) up(database)
      const dump = ofEngine(database, file)
      // As the driver of SQLite, which has no other sign of a backup that was made wrongly.
      if (database.engine !== 'sqlite' || dump.tables.length > 0) return dump
      throw new RunbookError('verification', `dump ${file} has no rows`, { hint: 'choose another backup' })
    },
    async readBack(database, file) {
      await at('readBack')
      if (!isUp(database)) up(database)
      return ofEngine(database, file)
    },
    async header(_database, file) {
      await at('header')
      return headerOf(file, dumpOn(disk, file), dumpModifiedOn(disk, file))
    },
    async fit(database, dump) {
      await at('fit')
      answering(database)
      const { roles, extensions } = readDump(dump.file, dumpOn(disk, dump.file))
      return {
        missingRoles: roles.filter((role) => !server.roles.has(role)),
        missingExtensions: extensions.filter((name) => !server.extensions.has(name)),
        needsSuperuser: server.refused,
      }
    },
    async restoreRights(database, dump, name) {
      await at('restoreRights')
      answering(database)
      sameBytes(dump)
      return rightsOn(server, database, name)
    },
    async sessions(database, name) {
      await at('sessions')
      answering(database)
      return (server.sessions.get(name) ?? []).map(({ id, application, user }) => ({ id, application, user }))
    },
    async freeBytes() {
      await at('freeBytes')
      return disk.freeBytes
    },
    async tools() {
      await at('tools')
      return [{ tool: 'pretended', version: server.version }]
    },

    async restoreBeside(database, dump, name, rights) {
      await at('restoreBeside')
      answering(database)
      notLive(database, name)
      clear(name)
      sameBytes(dump)
      server.leftovers.add(name)
      const role = (rights ?? rightsOn(server, database, name))?.role
      if (role === roleOf(name)) server.roles.add(role)
      try {
        scope.progress({ done: Math.floor(dump.bytes / 2), total: dump.bytes, unit: 'bytes' })
        await at('restoreBeside half-way')
        const copy = newly(
          readDump(dump.file, dumpOn(disk, dump.file)).tables,
          named(database, database.name).owner,
        )
        scope.progress({ done: dump.bytes, total: dump.bytes, unit: 'bytes' })
        clear(name)
        server.databases.set(name, copy)
        await at('restoreBeside done')
        return { name, bytes: bytesOf(copy) }
      } catch (thrown) {
        if (!isKill(thrown)) clear(name)
        throw thrown
      }
    },
    async drop(database, name) {
      await at('drop')
      answering(database)
      notLive(database, name)
      clear(name)
      await at('drop done')
    },
    async dump(database, name, file) {
      await at('dump')
      readable(database, name)
      const { tables, owner } = named(database, name)
      if (disk.files.has(file)) throw fail(`cannot dump to ${file}: already exists`, 'give a new file name')
      const bytes = dumpBytes({
        engine: server.engine,
        major,
        database: server.engine === 'sqlite' ? null : database.name,
        takenAt: now().toISOString(),
        tables,
        roles: [owner],
        extensions: [...server.extensions],
      })
      try {
        lay(disk, `${file}.partial`, bytes.subarray(0, bytes.length / 2))
        await at('dump half-way')
        disk.beforeChange('write', file)
        lay(disk, file, bytes)
        disk.modifiedAt.set(file, now())
        disk.files.delete(`${file}.partial`)
        await at('dump done')
        return { ...inspected(file), format: server.engine === 'sqlite' ? 'sqlite' : 'custom' }
      } catch (thrown) {
        if (!isKill(thrown)) for (const made of [file, `${file}.partial`]) disk.files.delete(made)
        throw thrown
      }
    },
    async reload(database) {
      await at('reload')
      if (!server.reachable)
        throw fail(
          `cannot reload the settings of ${database.name}: not running`,
          'make the server of the test reachable',
        )
      server.doorkeeper?.reload()
      await at('reload done')
    },
    restoreExactly: replace,
    async createRoles(database, roles) {
      await at('createRoles')
      answering(database)
      if (database.via.kind !== 'throwaway')
        throw new RunbookError('usage', `cannot create roles at ${server.host}: not a throwaway server`, {
          hint: 'create the roles by hand',
        })
      const missing = [...new Set(roles)].filter((role) => !server.roles.has(role))
      for (const role of missing) server.roles.add(role)
      await at('createRoles done')
      return missing
    },
    restoreInPlace: replace,
    async insertRows(database, batch) {
      await at('insertRows')
      change(database, (tables) => withRows(tables, batch))
      await at('insertRows done')
    },
    async deleteRows(database, batch) {
      await at('deleteRows')
      change(database, (tables) => withoutRows(tables, batch))
      await at('deleteRows done')
    },
  }
  return databases
}

/** A killed process cleans up nothing. */
const isKill = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'Killed'

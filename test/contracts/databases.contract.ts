import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Code } from '../../src/kernel/errors.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import {
  isExact,
  type Database,
  type Databases,
  type Dump,
  type DumpFormat,
  type ThrowawayDatabase,
} from '../../src/drivers/databases.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import { watchedScope } from '../fixtures/scope.ts'

/**
 * One live database that holds exactly:
 * `customers (id integer primary key, name text)` with rows 1 'Ada', 2 'Grace', 3 'Edsger', and
 * `orders (id integer primary key, note text)` with rows 1 'first', 2 'second'.
 */
export interface DatabaseWorld {
  readonly database: Database
  databases(scope: Scope): Databases
  /** As an application would, on the live database or a copy beside it; committed when it returns. */
  change(change: Change, name?: string): Promise<void>
  /** The live database disappears, as when somebody drops it. */
  lose(): Promise<void>
  /** Another application's session on the live database (for SQLite: a process that holds the file open). */
  connect(): Promise<{ close(): Promise<void> }>
  /** Where a dump may be written; the folder is there, the file is not. */
  place(name: string): string
  /** Makes another file from a dump, and returns its place. */
  damaged(dump: Dump, how: Damage): Promise<string>
  /** A backup of the live database as another program makes it, and its place. Needed for the formats of the suite. */
  exported?(format: DumpFormat): Promise<string>
  /** Facts about a written file, whatever the world keeps files in; null where there is none. */
  fileFacts(
    file: string,
  ): Promise<{ readonly bytes: number; readonly sha256: string; readonly mode: number } | null>
  close(): Promise<void>
}

export type Change =
  | { readonly put: 'customers' | 'orders'; readonly id: number; readonly text: string }
  | { readonly remove: 'customers' | 'orders'; readonly id: number }

/** `flipped`: one bit inside the data; `foreign`: a text file of plausible size. */
export type Damage = 'missing' | 'empty' | 'half' | 'flipped' | 'foreign'

/** The only SQL of this suite, so that a driver without an SQL engine can answer it. */
export const orderCount = 'SELECT count(*) AS count FROM orders'
export const orderWipe = 'DELETE FROM orders'

export function databasesContract(
  kind: string,
  open: () => Promise<DatabaseWorld>,
  formats: readonly DumpFormat[] = [],
): void {
  describe(`databases: ${kind}`, () => {
    let world: DatabaseWorld
    let databases: Databases
    let database: Database
    let live: string
    const staged = 'shop__rb_staged'
    const aside = 'shop__rb_aside'

    beforeEach(async () => {
      world = await open()
      databases = world.databases(watchedScope())
      database = world.database
      live = database.name
    })
    afterEach(() => world.close())

    const print = (name = live) => databases.fingerprint(database, name)
    const takeDump = (file = 'shop.dump') => databases.dump(database, live, world.place(file))
    const orders = async (name = live) => (await databases.query(database, name, orderCount))[0]?.['count']
    const spoil = () => world.change({ put: 'orders', id: 99, text: 'written by the bad deploy' })

    describe('attachments', () => {
      test('are none where nothing belongs to the live database outside it', async () => {
        expect(await databases.attachments(database)).toEqual([])
      })
    })

    describe('unreadable', () => {
      test('is nothing where everything may be read', async () => {
        expect(await databases.unreadable(database)).toEqual([])
      })
    })

    describe('missing rights', () => {
      test('are none where every change is permitted', async () => {
        for (const what of ['restore beside', 'swap', 'restore in place', 'drop copies'] as const)
          expect(await databases.missingRights(database, { do: what })).toEqual([])
        const tables = ['customers', 'orders']
        expect(await databases.missingRights(database, { do: 'insert rows', tables })).toEqual([])
      })
    })

    describe.each(formats)('a backup of another program: %s', (format) => {
      const exported = async (): Promise<string> => {
        if (world.exported === undefined) throw new Error(`this world exports no ${format}`)
        return world.exported(format)
      }

      test('is recognised by its content, and its header says the same', async () => {
        const file = await exported()
        const dump = await databases.inspect(database, file)
        const facts = await world.fileFacts(file)
        expect(dump).toMatchObject({ file, format, bytes: facts?.bytes, sha256: facts?.sha256 })
        expect(dump.tables.map((table) => table.replace(/^public\./, ''))).toEqual(['customers', 'orders'])
        const { engine, major, takenAt } = dump
        expect(await databases.header(database, file)).toMatchObject({ engine, format, major, takenAt })
      })

      test('is restored beside as it was', async () => {
        const good = await print()
        const dump = await databases.inspect(database, await exported())
        await spoil()
        await databases.restoreBeside(database, dump, staged)
        expect(await print(staged)).toEqual(good)
        expect(await orders()).toBe(3)
      })

      test('replaces live data in place only where its type allows it', async () => {
        const good = await print()
        const dump = await databases.inspect(database, await exported())
        expect(isExact(dump)).toBe(['custom', 'directory', 'tar', 'sqlite'].includes(format))
        if (!isExact(dump)) return
        await spoil()
        await databases.restoreInPlace(database, dump)
        expect(await print()).toEqual(good)
      })

      test.each(['missing', 'empty', 'half'] as const)(
        'that is %s is refused, and not restored',
        async (how) => {
          const dump = await databases.inspect(database, await exported())
          const file = await world.damaged(dump, how)
          await expect(databases.inspect(database, file)).rejects.toMatchObject({ code: 'verification' })
          await expect(databases.restoreBeside(database, { ...dump, file }, staged)).rejects.toThrow()
          expect(await databases.exists(database, staged)).toBe(false)
        },
      )
    })

    describe('contents', () => {
      test('counts the rows of each table, of the live database and of a copy', async () => {
        const copy = await takeDump()
        await databases.restoreBeside(database, copy, staged)
        await spoil()
        const rowsOf = async (name: string) =>
          (await databases.contents(database, name)).tables.map(({ table, rows, estimated }) => [
            table.replace(/^public\./, ''),
            rows,
            estimated,
          ])
        expect(await rowsOf(live)).toEqual([
          ['customers', 3, false],
          ['orders', 3, false],
        ])
        expect(await rowsOf(staged)).toEqual([
          ['customers', 3, false],
          ['orders', 2, false],
        ])
      })

      test('names its tables as a dump does', async () => {
        const { tables } = await databases.contents(database, live)
        expect((await takeDump()).tables).toEqual(tables.map(({ table }) => table))
      })
    })

    describe('identity', () => {
      test('says who answers, and says the same again', async () => {
        const identity = await databases.identity(database)
        expect(identity).toMatchObject({ engine: database.engine, name: live, acceptsWrites: true })
        expect(identity.system).not.toBe('')
        expect(identity.host).not.toBe('')
        expect(identity.bytes).toBeGreaterThan(0)
        expect(identity.major).toBe(Number.parseInt(identity.version, 10))
        // its size may grow by itself, as a server keeps house
        expect(await databases.identity(database)).toEqual({ ...identity, bytes: expect.any(Number) })
      })

      test('outlives a change of the data', async () => {
        const before = await databases.identity(database)
        const tables = await databases.tableIds(database)
        await spoil()
        const after = await databases.identity(database)
        expect(after.system).toBe(before.system)
        expect(after.generation).toBe(before.generation)
        expect(await databases.tableIds(database)).toEqual(tables)
      })
    })

    describe('fingerprint', () => {
      test('names every table with its rows', async () => {
        const { tables } = await print()
        expect(tables.map(({ table, rows }) => [table.replace(/^public\./, ''), rows])).toEqual([
          ['customers', 3],
          ['orders', 2],
        ])
        expect(tables.every(({ digest }) => digest !== null)).toBe(true)
      })

      test('stays the same while nothing changes, and when a row leaves and comes back', async () => {
        const before = await print()
        expect(await print()).toEqual(before)
        await world.change({ remove: 'customers', id: 1 })
        expect(await print()).not.toEqual(before)
        await world.change({ put: 'customers', id: 1, text: 'Ada' })
        expect(await print()).toEqual(before)
      })

      test('sees one changed value where the number of rows is the same', async () => {
        const before = await print()
        await world.change({ remove: 'customers', id: 2 })
        await world.change({ put: 'customers', id: 2, text: 'grace' })
        const after = await print()
        expect(after.digest).not.toBe(before.digest)
        expect(after.tables.map(({ rows }) => rows)).toEqual(before.tables.map(({ rows }) => rows))
      })

      test('sees two rows that exchanged their values', async () => {
        const before = await print()
        for (const id of [1, 2]) await world.change({ remove: 'customers', id })
        await world.change({ put: 'customers', id: 1, text: 'Grace' })
        await world.change({ put: 'customers', id: 2, text: 'Ada' })
        expect((await print()).digest).not.toBe(before.digest)
      })

      test('counts only, where the target says so', async () => {
        const counted = { ...database, fingerprint: 'rows' as const }
        const before = await databases.fingerprint(counted, live)
        expect(before.tables.map(({ digest }) => digest)).toEqual([null, null])
        await world.change({ remove: 'orders', id: 1 })
        expect((await databases.fingerprint(counted, live)).digest).not.toBe(before.digest)
      })

      test('fails on a database that is not there', async () => {
        await expect(print('shop__rb_nowhere')).rejects.toThrow('shop__rb_nowhere')
      })
    })

    describe('query', () => {
      test('answers as JSON', async () => {
        expect(await databases.query(database, live, orderCount)).toEqual([{ count: 2 }])
      })

      test('lists tables as the catalogue of the engine does', async () => {
        const listing =
          database.engine === 'sqlite'
            ? "select name from sqlite_master where type = 'table' and name in ('customers', 'orders') order by name"
            : "select tablename as name from pg_catalog.pg_tables where schemaname = 'public' and tablename in ('customers', 'orders') order by tablename"
        expect(await databases.query(database, live, listing)).toEqual([
          { name: 'customers' },
          { name: 'orders' },
        ])
      })

      test('refuses to write', async () => {
        await expect(databases.query(database, live, orderWipe)).rejects.toThrow()
        expect(await orders()).toBe(2)
      })
    })

    describe('exists', () => {
      test('measures the live one, and nothing else than what is there', async () => {
        expect(await databases.bytes(database, live)).toBeGreaterThan(0)
        await expect(databases.bytes(database, staged)).rejects.toThrow(staged)
      })

      test('tells the live one from nothing', async () => {
        expect(await databases.exists(database, live)).toBe(true)
        expect(await databases.exists(database, staged)).toBe(false)
        expect(await databases.leftover(database, staged)).toBe(false)
        const names = await databases.beside(database)
        expect([names.includes(live), names.includes(staged)]).toEqual([false, false])
      })
    })

    describe('dump and inspect', () => {
      test('a dump is whole, hashed, private and says what is in it', async () => {
        const dump = await takeDump()
        const file = await world.fileFacts(dump.file)
        expect(file).toEqual({ bytes: dump.bytes, sha256: dump.sha256, mode: 0o600 })
        expect(dump).toMatchObject({ engine: database.engine, file: world.place('shop.dump') })
        expect(dump.tables.map((table) => table.replace(/^public\./, ''))).toEqual(['customers', 'orders'])
        expect(dump.major).toBe((await databases.identity(database)).major)
        expect([live, null]).toContain(dump.database)
        expect(new Date(dump.takenAt).toISOString().slice(0, 19)).toBe(dump.takenAt.slice(0, 19))
        expect(await world.fileFacts(`${dump.file}.partial`)).toBeNull()
      })

      test('inspecting a dump again finds the same', async () => {
        const dump = await takeDump()
        expect(await databases.inspect(database, dump.file)).toEqual(dump)
      })

      test('a dump that was overtaken by changes is not changed by them', async () => {
        const dump = await takeDump()
        await spoil()
        expect(await databases.inspect(database, dump.file)).toEqual(dump)
      })

      test.each(['missing', 'empty', 'half', 'flipped', 'foreign'] as const)(
        'a dump that is %s is refused',
        async (how) => {
          const file = await world.damaged(await takeDump(), how)
          await expect(databases.inspect(database, file)).rejects.toMatchObject({
            code: 'verification' satisfies Code,
          })
        },
      )

      test('its own dump is read back, whatever is in it', async () => {
        const dump = await takeDump()
        expect(await databases.readBack(database, dump.file)).toEqual(dump)
        for (const id of [1, 2, 3]) await world.change({ remove: 'customers', id })
        for (const id of [1, 2]) await world.change({ remove: 'orders', id })
        const emptied = await print()
        const empty = await takeDump('empty.dump')
        expect(await databases.readBack(database, empty.file)).toEqual(empty)
        await spoil()
        await databases.restoreExactly(database, empty)
        expect(await print()).toEqual(emptied)
      })

      test.each(['missing', 'empty', 'half', 'foreign'] as const)(
        'its own dump that is %s is refused',
        async (how) => {
          const file = await world.damaged(await takeDump(), how)
          await expect(databases.readBack(database, file)).rejects.toMatchObject({
            code: 'verification' satisfies Code,
          })
        },
      )

      test('the start of a dump says of which server it is', async () => {
        const dump = await takeDump()
        const { engine, format, major, database: name, takenAt } = dump
        expect(await databases.header(database, dump.file)).toEqual({
          engine,
          format,
          major,
          database: name,
          takenAt,
        })
        for (const how of ['missing', 'empty', 'foreign'] as const) {
          await expect(databases.header(database, await world.damaged(dump, how)), how).rejects.toMatchObject(
            { code: 'verification' satisfies Code },
          )
        }
      })

      test('a failed dump leaves no file', async () => {
        const stopped = world.databases(watchedScope({ signal: AbortSignal.abort(new Error('stopped')) }))
        await expect(stopped.dump(database, live, world.place('never.dump'))).rejects.toThrow()
        expect(await world.fileFacts(world.place('never.dump'))).toBeNull()
        expect(await world.fileFacts(world.place('never.dump.partial'))).toBeNull()
      })

      test('its own dump fits the server', async () => {
        expect(await databases.fit(database, await takeDump())).toEqual({
          missingRoles: [],
          missingExtensions: [],
          needsSuperuser: [],
        })
      })
    })

    test("roles are made on no server but one of a run's own", async () => {
      await expect(databases.createRoles(database as ThrowawayDatabase, ['intruder'])).rejects.toMatchObject({
        code: 'usage' satisfies Code,
      })
    })

    describe('restoring beside', () => {
      test('makes a copy with the data of the dump, and leaves the live one alone', async () => {
        const good = await print()
        const dump = await takeDump()
        await spoil()
        const bad = await print()
        const copy = await databases.restoreBeside(database, dump, staged)
        expect(copy.name).toBe(staged)
        expect(copy.bytes).toBeGreaterThan(0)
        expect(await databases.bytes(database, staged)).toBeGreaterThan(0)
        expect(await print(staged)).toEqual(good)
        expect(await print()).toEqual(bad)
        expect(await databases.leftover(database, staged)).toBe(false)
        expect(await databases.beside(database)).toContain(staged)
        expect(await orders(staged)).toBe(2)
      })

      test('happens with the rights that were said before, and leaves nothing of them', async () => {
        const dump = await takeDump()
        const rights = await databases.restoreRights(database, dump, staged)
        if (database.engine === 'sqlite') expect(rights).toBeNull()
        else expect(rights).toMatchObject({ superuser: false, because: [] })
        await databases.restoreBeside(database, dump, staged, rights)
        expect(await databases.leftover(database, staged)).toBe(false)
        const inPlace = await databases.restoreRights(database, dump, live)
        if (inPlace !== null) expect(inPlace.because.length > 0).toBe(inPlace.superuser)
      })

      test('replaces what an earlier attempt left', async () => {
        const good = await print()
        const dump = await takeDump()
        await databases.restoreBeside(database, dump, staged)
        await world.change({ remove: 'orders', id: 1 }, staged)
        await databases.restoreBeside(database, dump, staged)
        expect(await print(staged)).toEqual(good)
      })

      test('refuses to restore over the live name', async () => {
        const dump = await takeDump()
        await spoil()
        await expect(databases.restoreBeside(database, dump, live)).rejects.toThrow()
        expect(await orders()).toBe(3)
      })

      test('other bytes than the inspected ones fail and leave no copy', async () => {
        const dump = await takeDump()
        await world.change({ remove: 'orders', id: 1 })
        const other = await takeDump('other.dump')
        const swapped: Dump = { ...dump, file: other.file }
        await expect(databases.restoreBeside(database, swapped, staged)).rejects.toMatchObject({
          code: 'verification' satisfies Code,
        })
        expect(await databases.exists(database, staged)).toBe(false)
      })

      test.each(['missing', 'empty', 'half', 'flipped', 'foreign'] as const)(
        'a dump that became %s leaves no copy',
        async (how) => {
          const dump = await takeDump()
          const file = await world.damaged(dump, how)
          await expect(databases.restoreBeside(database, { ...dump, file }, staged)).rejects.toMatchObject({
            code: 'verification' satisfies Code,
          })
          expect(await databases.exists(database, staged)).toBe(false)
        },
      )

      test('stopped, it leaves no copy', async () => {
        const dump = await takeDump()
        const stopped = world.databases(watchedScope({ signal: AbortSignal.abort(new Error('stopped')) }))
        await expect(stopped.restoreBeside(database, dump, staged)).rejects.toThrow()
        expect(await databases.exists(database, staged)).toBe(false)
        expect(await databases.leftover(database, staged)).toBe(false)
      })

      test('tells how far it is, in bytes, up to all of them', async () => {
        const dump = await takeDump()
        const scope = watchedScope()
        await world.databases(scope).restoreBeside(database, dump, staged)
        expect(scope.steps.length).toBeGreaterThan(0)
        expect(scope.steps.at(-1)).toEqual({ done: dump.bytes, total: dump.bytes, unit: 'bytes' })
        const done = scope.steps.map((step) => step.done)
        expect(done).toEqual(done.toSorted((one, other) => one - other))
      })
    })

    describe('dropping', () => {
      test('removes a copy, and needs none to be there', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        await databases.drop(database, staged)
        expect(await databases.exists(database, staged)).toBe(false)
        await databases.drop(database, staged)
      })

      test('refuses the live name', async () => {
        await expect(databases.drop(database, live)).rejects.toThrow()
        expect(await orders()).toBe(2)
      })
    })

    describe('swapping', () => {
      test('the copy becomes live, and the live one stands aside with its data', async () => {
        const good = await print()
        await databases.restoreBeside(database, await takeDump(), staged)
        await spoil()
        const bad = await print()
        await databases.swap(database, { staged, aside })
        expect(await print()).toEqual(good)
        expect(await print(aside)).toEqual(bad)
        expect(await databases.exists(database, staged)).toBe(false)
        await spoil()
        expect(await orders()).toBe(3)
      })

      test('swapping back is the way back', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        await spoil()
        const bad = await print()
        const before = await databases.identity(database)
        const copy = await databases.identity(database, staged)
        expect(copy).toMatchObject({ name: staged, instance: expect.not.stringMatching(before.instance) })
        await databases.swap(database, { staged, aside })
        expect((await databases.identity(database)).instance).toBe(copy.instance)
        expect((await databases.identity(database, aside)).instance).toBe(before.instance)
        await databases.swap(database, { staged: aside, aside: staged })
        expect(await print()).toEqual(bad)
        const after = await databases.identity(database)
        expect([after.system, after.generation]).toEqual([before.system, before.generation])
        expect(after.instance).toBe(before.instance)
        expect(await databases.exists(database, aside)).toBe(false)
        expect(await databases.exists(database, staged)).toBe(true)
      })

      test('the old one gets its name back where the new one disappeared, and only there', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        await spoil()
        const bad = await print()
        await databases.swap(database, { staged, aside })
        await expect(databases.swap(database, { staged: aside, aside: null })).rejects.toThrow()
        expect(await print(aside)).toEqual(bad)
        await world.lose()
        await databases.swap(database, { staged: aside, aside: null })
        expect(await print()).toEqual(bad)
        expect(await databases.exists(database, aside)).toBe(false)
        await world.change({ remove: 'orders', id: 99 })
        expect(await orders()).toBe(2)
      })

      test('a server keeps sessions out of the old one until it is opened; a file is always open', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        await spoil()
        const bad = await print()
        const { instance } = await databases.identity(database)
        const before = await databases.listing(database, live)
        await databases.swap(database, { staged, aside, closing: true })
        const old = await databases.listing(database, aside)
        if (database.engine === 'sqlite') expect([before, old]).toEqual([null, null])
        else {
          expect(before).toMatchObject({ instance, open: true })
          expect(old).toMatchObject({
            instance,
            open: false,
            version: expect.not.stringMatching(before?.version ?? ''),
          })
          expect(await databases.listing(database, live)).toMatchObject({ open: true, version: old?.version })
          await expect(print(aside)).rejects.toThrow()
          expect(await databases.exists(database, aside)).toBe(true)
          expect(await databases.bytes(database, aside)).toBeGreaterThan(0)
        }
        expect(await orders()).toBe(2)
        for (const _ of ['once', 'twice']) await databases.open(database, aside)
        expect(await print(aside)).toEqual(bad)
        expect((await databases.listing(database, aside))?.version).not.toBe(old?.version ?? '')
        await databases.open(database, 'shop__rb_missing')
        expect(await databases.listing(database, 'shop__rb_missing')).toBeNull()
      })

      test('what was closed stays so under the live name, unless it was changed since', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        await spoil()
        const bad = await print()
        await databases.swap(database, { staged, aside, closing: true })
        const old = await databases.listing(database, aside)
        if (old === null) return expect(database.engine).toBe('sqlite')
        const back = { staged: aside, aside: staged, closedSince: old.version }
        await databases.open(database, aside)
        await expect(databases.swap(database, back)).rejects.toThrow('changed since it was closed')
        expect(await orders()).toBe(2)
        await databases.swap(database, { staged: aside, aside: staged })
        expect(await print()).toEqual(bad)

        await databases.swap(database, { staged, aside, closing: true })
        const again = await databases.listing(database, aside)
        await databases.swap(database, { ...back, closedSince: again?.version ?? '' })
        expect(await databases.listing(database, live)).toMatchObject({ instance: old.instance, open: false })
        expect(await databases.listing(database, staged)).toMatchObject({ open: true })
        await expect(print()).rejects.toThrow()
        await databases.open(database, live)
        expect(await print()).toEqual(bad)
      })

      test('a copy that was read exclusively becomes live as it was read', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        const good = await print(staged)
        await spoil()
        for (const _ of ['once', 'twice']) {
          const { value, version } = await databases.readExclusively(database, staged, async (copy) => [
            await copy.fingerprint(database, staged),
            ...(await Promise.all([1, 2].map(() => copy.query(database, staged, orderCount)))),
          ])
          expect(value).toEqual([good, [{ count: 2 }], [{ count: 2 }]])
          if (database.engine === 'sqlite')
            expect(await databases.fileVersion(database, staged)).toBe(version)
          else {
            expect(await databases.listing(database, staged)).toMatchObject({ open: false, version })
            await expect(print(staged)).rejects.toThrow()
          }
        }
        const { version } = await databases.readExclusively(database, staged, async () => null)
        expect(await orders()).toBe(3)
        await databases.swap(database, { staged, aside, closing: true, version })
        expect(await print()).toEqual(good)
      })

      test('a copy that was changed since it was read exclusively does not become live', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        await spoil()
        const { version } = await databases.readExclusively(database, staged, async () => null)
        await databases.open(database, staged)
        await world.change({ put: 'orders', id: 77, text: 'written to the copy' }, staged)
        const swapping = databases.swap(database, { staged, aside, version })
        await expect(swapping).rejects.toThrow(/changed since it was (?:closed|checked)/)
        expect(await orders()).toBe(3)
        expect([await databases.exists(database, staged), await databases.exists(database, aside)]).toEqual([
          true,
          false,
        ])
      })

      test('a copy that is changed while it is read exclusively proves nothing, and can be read again', async () => {
        await databases.restoreBeside(database, await takeDump(), staged)
        const change = () => world.change({ put: 'orders', id: 77, text: 'written to the copy' }, staged)
        const reading = databases.readExclusively(database, staged, async (copy) => {
          await databases.open(database, staged)
          await change()
          return copy.query(database, staged, orderCount)
        })
        await expect(reading).rejects.toMatchObject({ code: 'verification' satisfies Code })
        const failing = databases.readExclusively(database, staged, (copy) =>
          copy.query(database, staged, orderWipe),
        )
        await expect(failing).rejects.toThrow()
        const again = await databases.readExclusively(database, staged, (copy) =>
          copy.query(database, staged, orderCount),
        )
        expect(again.value).toEqual([{ count: 3 }])
      })

      test('the live database is not read exclusively', async () => {
        const reading = databases.readExclusively(database, live, async () => null)
        await expect(reading).rejects.toThrow(live)
        expect(await orders()).toBe(2)
      })

      test('the version of a file changes with its data, and never with its name; a server has none', async () => {
        const version = (name: string) => databases.fileVersion(database, name)
        if (database.engine !== 'sqlite') return expect(await version(live)).toBeNull()
        await databases.restoreBeside(database, await takeDump(), staged)
        await spoil()
        const old = await version(live)
        expect(old).toEqual(expect.any(String))
        await databases.swap(database, { staged, aside })
        expect(await version(aside)).toBe(old)
        expect(await version(live)).not.toBe(old)
        await print(aside)
        expect(await version(aside)).toBe(old)
        await databases.swap(database, { staged: aside, aside: staged })
        expect(await version(live)).toBe(old)
        for (const text of ['once', 'twice', 'twice']) {
          const before = await version(live)
          await world.change({ put: 'orders', id: 7, text })
          expect(await version(live)).not.toBe(before)
        }
        await expect(version('shop__rb_missing')).rejects.toThrow('not found')
      })

      test('without a staged copy nothing moves', async () => {
        await expect(databases.swap(database, { staged, aside })).rejects.toThrow(staged)
        expect(await orders()).toBe(2)
        expect(await databases.exists(database, aside)).toBe(false)
      })

      test('over something that already stands aside nothing moves', async () => {
        const dump = await takeDump()
        await databases.restoreBeside(database, dump, staged)
        await databases.restoreBeside(database, dump, aside)
        await world.change({ remove: 'orders', id: 1 }, aside)
        await spoil()
        await expect(databases.swap(database, { staged, aside })).rejects.toThrow(aside)
        expect(await orders()).toBe(3)
        expect(await orders(aside)).toBe(1)
        expect(await orders(staged)).toBe(2)
      })
    })

    describe('restoring in place', () => {
      test('the live data is the data of the dump', async () => {
        const good = await print()
        const dump = await takeDump()
        await spoil()
        const before = await databases.identity(database)
        const tables = await databases.tableIds(database)
        await databases.restoreInPlace(database, dump)
        expect(await print()).toEqual(good)
        const after = await databases.identity(database)
        expect(after.generation).not.toBe(before.generation)
        if (tables === null) return expect(after.instance).not.toBe(before.instance)
        expect(tables).toHaveLength(2)
        expect(await databases.tableIds(database)).toHaveLength(2)
        expect(await databases.tableIds(database)).not.toEqual(expect.arrayContaining(tables.slice(0, 1)))
        expect(await databases.tableIds(database)).not.toEqual(expect.arrayContaining(tables.slice(1)))
        expect(after.instance).toBe(before.instance)
      })

      test('exactly: nothing else is left, and it can be done twice', async () => {
        const good = await print()
        const dump = await takeDump()
        await spoil()
        for (const time of [1, 2]) {
          await databases.restoreExactly(database, dump)
          expect(await print(), `time ${time}`).toEqual(good)
        }
      })

      test('other bytes than the inspected ones change nothing', async () => {
        const dump = await takeDump()
        await world.change({ remove: 'orders', id: 1 })
        const other = await takeDump('other.dump')
        await spoil()
        const before = await print()
        await expect(databases.restoreInPlace(database, { ...dump, file: other.file })).rejects.toMatchObject(
          {
            code: 'verification' satisfies Code,
          },
        )
        expect(await print()).toEqual(before)
      })

      test.each(['missing', 'empty', 'half', 'flipped', 'foreign'] as const)(
        'a dump that became %s changes nothing',
        async (how) => {
          const dump = await takeDump()
          const file = await world.damaged(dump, how)
          await spoil()
          const before = await print()
          await expect(databases.restoreInPlace(database, { ...dump, file })).rejects.toMatchObject({
            code: 'verification' satisfies Code,
          })
          expect(await print()).toEqual(before)
        },
      )

      test('stopped, it changes nothing', async () => {
        const dump = await takeDump()
        await spoil()
        const before = await print()
        const stopped = world.databases(watchedScope({ signal: AbortSignal.abort(new Error('stopped')) }))
        await expect(stopped.restoreInPlace(database, dump)).rejects.toThrow()
        expect(await print()).toEqual(before)
      })
    })

    describe('values', () => {
      const of = (table: string, column: string) => databases.values(database, live, { table, column })

      test('are the distinct values of a column as text, sorted, by which rows are found', async () => {
        await world.change({ put: 'customers', id: 10, text: 'Ada' })
        expect(await of('customers', 'id')).toEqual(['1', '10', '2', '3'])
        expect(await of('customers', 'name')).toEqual(['Ada', 'Edsger', 'Grace'])
        const choices = (await of('customers', 'id')).map((value) => ({
          table: 'customers',
          column: 'id',
          value,
        }))
        expect((await databases.rows(database, live, choices)).map(({ rows }) => rows.length)).toEqual([
          1, 1, 1, 1,
        ])
      })

      test('of what is not there are an error', async () => {
        await expect(of('nothing', 'id')).rejects.toMatchObject({ code: 'failed' satisfies Code })
        await expect(of('orders', 'nothing')).rejects.toMatchObject({ code: 'failed' satisfies Code })
      })
    })

    describe('rows', () => {
      const hostile = `O'Brien"; DROP TABLE orders; -- \\ $1 %s \n\t ünï 🙂`
      const choice = (value: string, table = 'orders') => ({ table, column: 'id', value })
      /** Two rows as a backup has them, and then a live database without them. */
      const lost = async () => {
        await world.change({ put: 'customers', id: 50, text: hostile })
        await world.change({ put: 'orders', id: 51, text: hostile })
        const good = await print()
        const batch = await databases.rows(database, live, [choice('50', 'customers'), choice('51')])
        await world.change({ remove: 'orders', id: 51 })
        await world.change({ remove: 'customers', id: 50 })
        return { good, batch, without: await print() }
      }

      test('are told whole, by the value of a column', async () => {
        const { batch } = await lost()
        expect(batch.map(({ table, key, rows }) => [table, key, rows.length])).toEqual([
          ['customers', ['id'], 1],
          ['orders', ['id'], 1],
        ])
        expect(batch[1]?.rows[0]?.some((cell) => cell?.[1] === hostile)).toBe(true)
        expect(
          (
            await databases.rows(database, live, [
              choice('51'),
              choice('1', 'customers'),
              choice('2', 'customers'),
              choice('51'),
            ])
          ).map(({ columns, rows }) => rows.map((row) => row[columns.indexOf('id')]?.[1])),
        ).toEqual([[], ['1'], ['2'], []])
      })

      test('come back to the letter, and go again; those that are gone are no error', async () => {
        const { good, batch, without } = await lost()
        await databases.insertRows(database, batch)
        expect(await print()).toEqual(good)
        for (const _time of [1, 2]) {
          await databases.deleteRows(database, batch)
          expect(await print()).toEqual(without)
        }
      })

      test('all or none: one that is there already keeps the others out', async () => {
        const { batch } = await lost()
        await world.change({ put: 'orders', id: 51, text: 'taken meanwhile' })
        const before = await print()
        await expect(databases.insertRows(database, batch)).rejects.toMatchObject({
          code: 'failed' satisfies Code,
        })
        expect(await print()).toEqual(before)
      })

      test('one that was changed since stays, and so do the others', async () => {
        const { batch } = await lost()
        await databases.insertRows(database, batch)
        await world.change({ put: 'customers', id: 50, text: 'changed by somebody' })
        const before = await print()
        await expect(databases.deleteRows(database, batch)).rejects.toMatchObject({
          code: 'failed' satisfies Code,
          message: expect.stringContaining('changed since'),
        })
        expect(await print()).toEqual(before)
      })

      test.each([
        ['no such table', choice('1', 'nothing')],
        ['no such column', { table: 'orders', column: 'nothing', value: '1' }],
      ])('%s is said', async (_what, wrong) => {
        await expect(databases.rows(database, live, [choice('1'), wrong])).rejects.toMatchObject({
          code: 'failed' satisfies Code,
        })
      })
    })

    describe('the surroundings', () => {
      test('sessions of others are seen, our own are not', async () => {
        expect(await databases.sessions(database, live)).toEqual([])
        const other = await world.connect()
        const seen = await databases.sessions(database, live)
        expect(seen).toHaveLength(1)
        expect(seen[0]?.id).not.toBe('')
        await other.close()
        expect(await databases.sessions(database, live)).toEqual([])
      })

      test('free space is a number of bytes or frankly unknown', async () => {
        const free = await databases.freeBytes(database)
        expect(free === null || (Number.isSafeInteger(free) && free > 0)).toBe(true)
      })

      test('the tools are named with their versions', async () => {
        const tools: readonly JsonObject[] = await databases.tools(database)
        expect(tools.length).toBeGreaterThan(0)
        for (const tool of tools)
          expect(tool).toEqual(
            expect.objectContaining({ tool: expect.any(String), version: expect.stringMatching(/^\d+/) }),
          )
      })
    })
  })
}

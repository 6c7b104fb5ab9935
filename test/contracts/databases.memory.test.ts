import { describe, expect, test } from 'vitest'
import type { PostgresDatabase } from '../../src/drivers/databases.ts'
import { fakeDatabases } from '../../src/testing/databases.ts'
import { fakeServer } from '../../src/testing/fake-server.ts'
import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { dumpBytes } from '../../src/testing/fake-dump.ts'
import { dumpOn, measuredOn } from '../../src/testing/dump-folder.ts'
import { Faults, Killed } from '../../src/testing/faults.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { databasesContract, type DatabaseWorld } from './databases.contract.ts'

const database: PostgresDatabase = {
  engine: 'postgres',
  name: 'shop',
  user: 'app',
  via: { kind: 'server', host: 'pretended', port: 5432, password: null },
  confirmPhrase: 'shop',
  fingerprint: 'rows-and-digest',
}
const tables = {
  customers: [
    { id: 1, name: 'Ada' },
    { id: 2, name: 'Grace' },
    { id: 3, name: 'Edsger' },
  ],
  orders: [
    { id: 1, note: 'first' },
    { id: 2, note: 'second' },
  ],
}
const now = () => new Date('2026-02-03T04:12:33Z')

async function open(): Promise<DatabaseWorld> {
  const disk = emptyDisk()
  const server = fakeServer({ shop: tables })
  return {
    database,
    databases: (scope) => fakeDatabases({ server, disk, scope, now }),
    async change(change, name = database.name) {
      const changed = server.databases.get(name)
      if (changed === undefined) throw new Error(`no ${name}`)
      const [table, column] =
        ('put' in change ? change.put : change.remove) === 'customers'
          ? ['customers', 'name']
          : ['orders', 'note']
      const others = (changed.tables[table] ?? []).filter((row) => row['id'] !== change.id)
      changed.tables = {
        ...changed.tables,
        [table]: 'put' in change ? [...others, { id: change.id, [column]: change.text }] : others,
      }
    },
    lose: async () => void server.databases.delete(database.name),
    async connect() {
      server.sessions.set(database.name, [{ id: '7', application: 'psql', user: 'app' }])
      return { close: async () => void server.sessions.delete(database.name) }
    },
    place: (name) => `/dumps/${name}`,
    async damaged(dump, how) {
      const path = `/dumps/${how}.dump`
      if (how === 'missing') return path
      const bytes = Uint8Array.from(dumpOn(disk, dump.file) ?? [])
      const middle = bytes.length >> 1
      if (how === 'flipped') bytes[middle] = (bytes[middle] ?? 0) ^ 1
      lay(
        disk,
        path,
        {
          empty: '',
          half: bytes.subarray(0, middle),
          flipped: bytes,
          foreign: 'a line of text\n'.repeat(100),
        }[how],
      )
      return path
    },
    async exported(format) {
      const path = '/dumps/exported.dump'
      const file = format === 'directory' ? `${path}/toc.dat` : path
      const [takenAt, roles] = [now().toISOString(), ['app']]
      const made = {
        engine: 'postgres',
        major: 17,
        database: 'shop',
        takenAt,
        roles,
        extensions: [],
      } as const
      lay(disk, file, dumpBytes({ ...made, tables, format }))
      return path
    },
    async fileFacts(path) {
      const measured = measuredOn(disk, path)
      return measured === undefined ? null : { ...measured, mode: 0o600 }
    },
    close: async () => undefined,
  }
}

databasesContract('memory', open, ['custom', 'directory', 'tar', 'plain', 'cluster'])

describe('a pretended server with trouble on order', () => {
  const setup = () => {
    const [server, disk, faults] = [fakeServer({ shop: tables }), emptyDisk(), new Faults()]
    return {
      server,
      disk,
      faults,
      of: (signal?: AbortSignal) =>
        fakeDatabases({
          server,
          disk,
          scope: watchedScope(signal === undefined ? {} : { signal }),
          now,
          faults,
        }),
    }
  }

  test('a call that fails half-way leaves nothing, one that is killed leaves what a killed one leaves', async () => {
    const { server, disk, faults, of } = setup()
    const dump = await of().dump(database, 'shop', '/dumps/a.dump')
    faults
      .order('databases.restoreBeside half-way', 'fail')
      .order('databases.restoreBeside half-way', 'kill', 2)
    await expect(of().restoreBeside(database, dump, 'copy')).rejects.toMatchObject({ code: 'failed' })
    expect([server.databases.has('copy'), server.leftovers.has('copy')]).toEqual([false, false])
    expect([...server.roles]).toEqual(['app'])
    await expect(of().restoreBeside(database, dump, 'copy')).rejects.toThrow(Killed)
    expect([server.databases.has('copy'), server.leftovers.has('copy')]).toEqual([false, true])
    expect([...server.roles]).toEqual(['app', 'copy__partial'])
    await expect(of().exists(database, 'shop')).rejects.toThrow(Killed)

    faults.revive()
    expect(await of().leftover(database, 'copy')).toBe(true)
    await of().restoreBeside(database, dump, 'copy')
    expect([...server.roles]).toEqual(['app'])
    faults.order('databases.dump half-way', 'kill', 1)
    await expect(of().dump(database, 'shop', '/dumps/b.dump')).rejects.toThrow(Killed)
    expect([...disk.files.keys()]).toEqual(['/dumps/a.dump', '/dumps/b.dump.partial'])
  })

  test('the user restores where a dump needs a superuser, and where the target says so', async () => {
    const { server, of } = setup()
    const dump = await of().dump(database, 'shop', '/dumps/a.dump')
    const as = { ...database, restoreAs: 'user' as const }
    expect(await of().restoreRights(as, dump, 'copy')).toMatchObject({
      role: 'app',
      superuser: true,
      because: ["database.restoreAs is 'user'"],
    })
    server.superuserNeeds.push('the dump has event trigger guard')
    expect(await of().restoreRights(database, dump, 'copy')).toMatchObject({
      role: 'app',
      superuser: true,
      because: ['the dump has event trigger guard'],
    })
  })

  test('killed at every moment of a swap, the names say whether it happened', async () => {
    for (const [moment, happened] of [
      ['databases.swap', false],
      ['databases.swap half-way', false],
      ['databases.swap done', true],
    ] as const) {
      const { server, faults, of } = setup()
      await of().restoreBeside(database, await of().dump(database, 'shop', '/dumps/a.dump'), 'copy')
      faults.order(moment, 'kill')
      await expect(of().swap(database, { staged: 'copy', aside: 'old' })).rejects.toThrow(Killed)
      expect([...server.databases.keys()].sort()).toEqual(happened ? ['old', 'shop'] : ['copy', 'shop'])
    }
  })

  test('a call that hangs ends when its step is stopped', async () => {
    const { faults, of } = setup()
    faults.order('databases.fingerprint', 'hang')
    const stop = new AbortController()
    const hanging = of(stop.signal).fingerprint(database, 'shop')
    const reason = new Error('time-out')
    stop.abort(reason)
    await expect(hanging).rejects.toBe(reason)
    expect(faults.reached).toEqual(['databases.fingerprint'])
  })

  test('what a dump needs and the server lacks is named', async () => {
    const { server, of } = setup()
    server.extensions.add('pg_trgm')
    const dump = await of().dump(database, 'shop', '/dumps/a.dump')
    server.extensions.clear()
    server.roles.clear()
    expect(await of().fit(database, dump)).toEqual({
      missingRoles: ['app'],
      missingExtensions: ['pg_trgm'],
      needsSuperuser: [],
    })
  })

  test('a session that will not leave keeps the swap from happening', async () => {
    const { server, of } = setup()
    await of().restoreBeside(database, await of().dump(database, 'shop', '/dumps/a.dump'), 'copy')
    server.sessions.set('shop', [{ id: '7', application: 'cron', user: 'app', stubborn: true }])
    await expect(of().swap(database, { staged: 'copy', aside: 'old' })).rejects.toThrow(
      'sessions still connected to shop: cron',
    )
    expect([...server.databases.keys()]).toEqual(['shop', 'copy'])
  })
})

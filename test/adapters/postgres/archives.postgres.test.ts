import { execFileSync } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inspect as inspectWith } from '../../../src/adapters/postgres/inspect.ts'
import type { Server } from '../../../src/adapters/postgres/server/server.ts'
import type { Databases } from '../../../src/drivers/databases.ts'
import { eventually } from '../../fixtures/eventually.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'
import { connected } from '../../fixtures/postgres-world.ts'
import { watchedScope } from '../../fixtures/scope.ts'

describe.skipIf(!requirement())('dumps of PostgreSQL', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer((on) => {
    ;({ fixture, world, databases } = on)
  })

  /** Rows that compress badly, so that nearly all of the file is data. */
  const fill = () =>
    world.sql(
      'CREATE TABLE noise AS SELECT n, md5(n::text) || md5((n * 7)::text) AS body FROM generate_series(1, 3000) AS n',
    )
  const take = (file = 'shop.dump') => databases.dump(world.database, 'shop', world.place(file))
  const inspect = (file: string) => databases.inspect(world.database, file)
  const refused = { code: 'verification' }

  /** pg_dump as an operator would run it, in whatever format. */
  const byHand = (file: string, ...args: readonly string[]): string => {
    const place = world.place(file)
    execFileSync(join(fixture.cluster.bin, 'pg_dump'), [...args, '--file', place, fixture.urlOf('shop')], {
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC' },
    })
    return place
  }
  const written = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeFile(world.place(name), bytes)
    return world.place(name)
  }

  test('one that is cut off anywhere is refused', async () => {
    await fill()
    const { file } = await take()
    const bytes = await readFile(file)
    const cuts = [
      ...Array.from({ length: 30 }, (_, n) => Math.floor((bytes.length * n) / 30)),
      ...[10, 6, 5, 2, 1].map((left) => bytes.length - left),
    ]
    for (const cut of cuts) {
      const half = await written('cut.dump', bytes.subarray(0, cut))
      await expect(inspect(half), `cut after ${cut} of ${bytes.length} bytes`).rejects.toMatchObject(refused)
    }
  })

  test('one with a flipped bit anywhere in its data is refused', async () => {
    await fill()
    const { file } = await take()
    const bytes = await readFile(file)
    const front = bytes.length - 100_000
    expect(front).toBeGreaterThan(0)
    for (let n = 0; n < 30; n++) {
      const at = front + Math.floor((99_980 * n) / 30)
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (n % 8))
      await expect(
        inspect(await written('flipped.dump', damaged)),
        `bit ${n % 8} of byte ${at}`,
      ).rejects.toMatchObject(refused)
    }
  })

  test.each([126, 137])(
    'says nothing about the dump where pg_restore did not end by itself: %i',
    async (exitCode) => {
      const { file } = await take()
      const run = async () => ({ exitCode, stdout: '', stderrTail: '', milliseconds: 1 })
      const plain = async (bytes: AsyncGenerator<Uint8Array>) => ({ wrapped: [], bytes })
      const dying = { run, unwrap: plain, database: world.database } as unknown as Server
      await expect(inspectWith(dying, { file }, watchedScope())).rejects.toMatchObject({
        code: 'failed',
        message: expect.not.stringMatching(/damaged|truncated/) as string,
        hint: expect.stringContaining('says nothing about the dump') as string,
      })
    },
  )

  test('without compression a flipped bit shows in the checksum alone, while a cut is seen', async () => {
    await fill()
    const file = byHand('z0.dump', '--format=custom', '--compress=0')
    const bytes = await readFile(file)
    const dump = await inspect(file)
    const damaged = Buffer.from(bytes)
    damaged.write('edsger', bytes.indexOf('Edsger'))
    const after = await inspect(await written('flipped.dump', damaged))
    expect(after.sha256).not.toBe(dump.sha256)
    await expect(
      inspect(await written('cut.dump', bytes.subarray(0, bytes.length - 3))),
    ).rejects.toMatchObject(refused)
  })

  test('the table of contents of a folder is no dump without its folder', async () => {
    byHand('folder', '--format=directory')
    expect(await inspect(world.place('folder'))).toMatchObject({ format: 'directory' })
    await expect(inspect(join(world.place('folder'), 'toc.dat'))).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('directory'),
    })
  })

  test('one that is followed by something else is refused, down to the last byte', async () => {
    await world.sql("SELECT lo_from_bytea(7001, 'a large object'), lo_from_bytea(7002, '')")
    await fill()
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 167 + 13) % 256))
    for (const file of [
      (await take()).file,
      byHand('z0.dump', '--format=custom', '--compress=0'),
      byHand('schema.dump', '--format=custom', '--schema-only'),
    ]) {
      const bytes = await readFile(file)
      await inspect(file)
      for (const extra of [
        Buffer.from('x'),
        Buffer.from([1]),
        Buffer.alloc(4096),
        noise,
        bytes,
        Buffer.alloc(8 * 1024 * 1024),
      ]) {
        const longer = await written('longer.dump', Buffer.concat([bytes, extra]))
        await expect(inspect(longer), `${file} with ${extra.length} bytes more`).rejects.toMatchObject({
          ...refused,
          message: expect.stringContaining('extra data after the end of the archive'),
        })
      }
    }
  })

  test('one made by hand says when, of what and with which tables', async () => {
    await world.sql('CREATE SCHEMA "Till 1"; CREATE TABLE "Till 1".receipts (id int)')
    const before = Date.now()
    const dump = await inspect(byHand('byhand.dump', '--format=custom'))
    expect(dump).toMatchObject({ engine: 'postgres', format: 'custom', database: 'shop' })
    expect(Math.abs(Date.parse(dump.takenAt) - before)).toBeLessThan(60_000)
    expect(dump.tables).toContain('public.customers')
    expect(dump.tables).toHaveLength(3)
  })

  test('inspecting asks no server', async () => {
    const { file } = await take()
    const nowhere = fixture.databaseOf({
      via: { kind: 'server', host: '127.0.0.1', port: 1, password: null },
    })
    expect(await databases.inspect(nowhere, file)).toMatchObject({ database: 'shop' })
  })

  test('a file that is there is never written over', async () => {
    const { file } = await take()
    const before = await readFile(file)
    await expect(take()).rejects.toThrow(file)
    expect(await readFile(file)).toEqual(before)
  })

  test('what a killed attempt left is replaced', async () => {
    await writeFile(`${world.place('shop.dump')}.partial`, 'half')
    const { file } = await take()
    await expect(stat(`${file}.partial`)).rejects.toThrow('ENOENT')
  })

  test('a folder that is missing is said', async () => {
    await expect(databases.dump(world.database, 'shop', world.place('no/such/folder.dump'))).rejects.toThrow(
      'folder.dump',
    )
  })

  test('a session that is ended in the middle of a dump leaves no file', async () => {
    const holder = await connected(fixture.urlOf('shop'))
    try {
      await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
      const dumping = take()
      dumping.catch(() => undefined)
      const ours =
        "FROM pg_stat_activity WHERE application_name = 'rb:test-run:test-step' AND datname = 'shop'"
      await eventually(
        async () => (await world.sql(`SELECT ${ours} AND wait_event_type = 'Lock'`, 'postgres')).length === 1,
        'pg_dump waits',
      )
      await world.sql(`SELECT pg_terminate_backend(pid) ${ours}`, 'postgres')
      await expect(dumping).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('cannot dump database shop'),
      })
    } finally {
      await holder.end()
    }
    expect(await world.fileFacts(world.place('shop.dump'))).toBeNull()
    expect(await world.fileFacts(world.place('shop.dump.partial'))).toBeNull()
  })

  test('roles that a dump needs and the server lacks are named', async () => {
    await world.sql(`CREATE ROLE "Night shift"; CREATE ROLE till; GRANT SELECT ON orders TO "Night shift" WITH GRANT OPTION;
      ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT SELECT ON TABLES TO till; ALTER TABLE customers OWNER TO till;
      CREATE POLICY p ON orders TO "Night shift"`)
    const dump = await take()
    expect(await databases.fit(world.database, dump)).toEqual({
      missingRoles: [],
      missingExtensions: [],
      needsSuperuser: [],
    })
    await world.sql(
      `REASSIGN OWNED BY till, "Night shift" TO shop_owner; DROP OWNED BY till, "Night shift"; DROP ROLE till, "Night shift"`,
    )
    expect(await databases.fit(world.database, dump)).toEqual({
      missingRoles: ['Night shift', 'till'],
      missingExtensions: [],
      needsSuperuser: [],
    })
    await expect(databases.restoreBeside(world.database, dump, 'shop__rb_staged')).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/role "(till|Night shift)" does not exist/),
    })
    expect(await databases.exists(world.database, 'shop__rb_staged')).toBe(false)
  })
})

import { spawn, spawnSync } from 'node:child_process'
import { chmod, chown, copyFile, link, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Connection from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CrashPoint } from '../../../src/adapters/sqlite/swap-files.ts'
import type { Databases, Dump } from '../../../src/drivers/databases.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { openSqlite, type SqliteWorld } from '../../fixtures/sqlite-world.ts'

const [staged, aside] = ['shop.db.rb-staged', 'shop.db.rb-aside']
const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))

describe.each(['WAL', 'DELETE'] as const)('swapping SQLite files, journal mode %s', (journal) => {
  let world: SqliteWorld
  let databases: Databases
  let dump: Dump
  let file: string
  beforeEach(async () => {
    world = await openSqlite(journal)
    databases = world.databases(watchedScope())
    file = world.database.file
    dump = await databases.dump(world.database, 'shop', join(world.folder, 'shop-20260203-041233.db'))
  })
  afterEach(() => world.close())

  const print = async (name = 'shop') => (await databases.fingerprint(world.database, name)).digest
  const spoil = () => world.change({ put: 'orders', id: 99, text: 'written by the bad deploy' })
  const names = async () => (await readdir(world.folder)).filter((name) => name.startsWith('shop.db')).sort()
  const modeOf = (path: string): unknown => {
    const connection = new Connection(path, { readonly: true })
    try {
      return connection.pragma('journal_mode', { simple: true })
    } finally {
      connection.close()
    }
  }

  test('logs that a killed application left are folded into the old file, and none lies beside the new one', async () => {
    const good = await print()
    // Killed with its log full: nothing of it has reached the main file.
    const script = `
      const { DatabaseSync } = require('node:sqlite')
      const database = new DatabaseSync(process.argv[1])
      database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA journal_mode = ${journal}; PRAGMA cache_size = 2; BEGIN")
      const insert = database.prepare('INSERT INTO orders (note) VALUES (?)')
      for (let row = 0; row < 2000; row += 1) insert.run('bad row with some length to fill pages ' + row)
      ${journal === 'WAL' ? "database.exec('COMMIT')" : ''}
      process.kill(process.pid, 'SIGKILL')`
    spawnSync(process.execPath, ['-e', script, file])
    expect(await names()).toContain(journal === 'WAL' ? 'shop.db-wal' : 'shop.db-journal')

    await databases.restoreBeside(world.database, dump, staged)
    await databases.swap(world.database, { staged, aside })
    expect(await names()).toEqual(['shop.db', aside])
    expect(await print()).toBe(good)
    const old = await databases.query(world.database, aside, 'SELECT count(*) AS count FROM orders')
    expect(old).toEqual([{ count: journal === 'WAL' ? 2002 : 2 }])
  })

  test('owner, mode and journal mode are those of the live file', async () => {
    await chmod(file, 0o640)
    if (process.getuid?.() === 0) await chown(file, 1234, 4321)
    const before = await stat(file)
    await databases.restoreBeside(world.database, dump, staged)
    expect((await stat(join(world.folder, staged))).mode & 0o777).toBe(0o600)
    await databases.swap(world.database, { staged, aside })
    const after = await stat(file)
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
    expect(after.ino).not.toBe(before.ino)
    expect(modeOf(file)).toBe(journal.toLowerCase())
  })

  test('a backup in the other journal mode takes on the live one', async () => {
    const other = join(world.folder, 'other-20260203-041233.db')
    await copyFile(dump.file, other)
    const connection = new Connection(other)
    connection.pragma(`journal_mode = ${journal === 'WAL' ? 'DELETE' : 'WAL'}`)
    connection.close()
    const good = await print()
    await databases.restoreBeside(world.database, await databases.inspect(world.database, other), staged)
    await databases.swap(world.database, { staged, aside })
    expect(modeOf(file)).toBe(journal.toLowerCase())
    expect(await print()).toBe(good)
  })

  test('while another process has it open nothing moves', async () => {
    await databases.restoreBeside(world.database, dump, staged)
    const other = await world.connect()
    await expect(databases.swap(world.database, { staged, aside })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/is open in a process: \d+ \(.+\)/),
    })
    expect(await databases.exists(world.database, aside)).toBe(false)
    await other.close()
    await databases.swap(world.database, { staged, aside })
  })

  test('a writer that outlived the swap is found before the way back', async () => {
    await databases.restoreBeside(world.database, dump, staged)
    const other = await world.connect()
    // What the driver refuses, done by hand: the process keeps the old file open under its new name.
    await link(file, join(world.folder, aside))
    await rename(join(world.folder, staged), file)
    await expect(databases.swap(world.database, { staged: aside, aside: staged })).rejects.toThrow(
      'is open in a process',
    )
    await other.close()
  })

  const points: readonly CrashPoint[] = [
    'owned',
    'checkpointed',
    'linked',
    'logs-aside',
    'locked',
    'renamed',
    'logs-live',
    'synced',
  ]
  test.each(points)(
    'killed at "%s" it stands on one side or the other, and goes on or back from there',
    async (point) => {
      const good = await print()
      await spoil()
      const bad = await print()
      const paths = { live: file, staged: join(world.folder, staged), aside: join(world.folder, aside) }
      const kill = () =>
        spawnSync(process.execPath, [fixture('sqlite-swap-killed.ts'), JSON.stringify(paths), point], {
          env: { ...process.env, SQLITE_USE_URI: '1' },
        })
      const done = ['renamed', 'logs-live', 'synced'].includes(point)
      const state = async () =>
        Promise.all(['shop', staged, aside].map((name) => databases.exists(world.database, name)))

      // forward
      await databases.restoreBeside(world.database, dump, staged)
      expect(kill().signal).toBe('SIGKILL')
      expect(await state()).toEqual(done ? [true, false, true] : [true, true, false])
      expect(await print()).toBe(done ? good : bad)
      await databases.swap(world.database, { staged, aside })
      expect([await print(), await print(aside)]).toEqual([good, bad])
      expect(await names()).toEqual(['shop.db', aside])

      // back, by way of giving up: what a kill left of the second name is no copy, and dropping it leaves the live file whole
      await databases.swap(world.database, { staged: aside, aside: staged })
      expect(kill().signal).toBe('SIGKILL')
      expect(await state()).toEqual(done ? [true, false, true] : [true, true, false])
      if (done) await databases.swap(world.database, { staged: aside, aside: staged })
      else await databases.drop(world.database, aside)
      expect(await databases.leftover(world.database, aside)).toBe(false)
      expect([await print(), await print(staged)]).toEqual([bad, good])
      expect(await names()).toEqual(['shop.db', staged])
    },
  )

  test('a live file that SQLite cannot read goes aside as it is, its log with it, and comes back the same', async () => {
    const good = await print()
    const wreck = Buffer.from('this was a database once, and somebody wrote over its first page '.repeat(200))
    await writeFile(file, wreck)
    await writeFile(`${file}-wal`, 'what the application had not folded in yet')
    await databases.restoreBeside(world.database, dump, staged)
    await databases.swap(world.database, { staged, aside })
    expect(await names()).toEqual(['shop.db', aside, `${aside}-wal`])
    expect(await print()).toBe(good)
    await databases.swap(world.database, { staged: aside, aside: staged })
    expect(await names()).toEqual(['shop.db', 'shop.db-wal', staged])
    expect(await readFile(file)).toEqual(wreck)
    expect(await readFile(`${file}-wal`, 'utf8')).toBe('what the application had not folded in yet')
    expect(await print(staged)).toBe(good)
  })

  test.each(['linked', 'logs-aside', 'locked', 'renamed'] as const)(
    'an unreadable live file and its log survive a kill at "%s"',
    async (point) => {
      await writeFile(file, 'wreck '.repeat(1000))
      await writeFile(`${file}-wal`, 'log')
      await databases.restoreBeside(world.database, dump, staged)
      const paths = { live: file, staged: join(world.folder, staged), aside: join(world.folder, aside) }
      spawnSync(process.execPath, [fixture('sqlite-swap-killed.ts'), JSON.stringify(paths), point], {
        env: { ...process.env, SQLITE_USE_URI: '1' },
      })
      if (point !== 'renamed') {
        await databases.drop(world.database, aside)
        expect(await names()).toEqual(['shop.db', 'shop.db-wal', staged])
        await databases.swap(world.database, { staged, aside })
      }
      expect(await names()).toEqual(['shop.db', aside, `${aside}-wal`])
      expect(await readFile(join(world.folder, `${aside}-wal`), 'utf8')).toBe('log')
    },
  )

  test('a dump taken while writers go on holds whole transactions', async () => {
    const writer = spawn(process.execPath, [fixture('sqlite-writer.ts'), file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => writer.stdout.once('data', resolve))
    const counts: number[] = []
    for (const round of [1, 2, 3]) {
      const taken = await databases.dump(world.database, 'shop', join(world.folder, `round-${round}.db`))
      const connection = new Connection(taken.file, { readonly: true })
      const [left, right] = ['left', 'right'].map(
        (side) =>
          connection
            .prepare(`SELECT count(*) FROM orders WHERE note LIKE '${side} %'`)
            .pluck()
            .get() as number,
      )
      connection.close()
      expect(left).toBe(right)
      counts.push(left ?? 0)
    }
    expect(counts).toEqual(counts.toSorted((one, other) => one - other))
    expect(counts[0]).toBeGreaterThan(0)
    writer.stdin.end()
    const [total] = await new Promise<string[]>((resolve) =>
      writer.stdout.once('data', (text: Buffer) => resolve(text.toString().split('\n'))),
    )
    expect(Number(total)).toBeGreaterThanOrEqual(counts.at(-1) ?? 0)
  })
})

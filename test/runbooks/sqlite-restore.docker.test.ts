import { randomBytes } from 'node:crypto'
import { execa } from 'execa'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import { duties, openContextsafe, type ContextsafeStack } from '../fixtures/contextsafe-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'

describe.skipIf(!docker())('sqlite-restore on Compose', () => {
  let stack: ContextsafeStack
  let backup: string

  beforeAll(async () => {
    stack = await openContextsafe()
    backup = await stack.backup(3)
    await eventually(
      () =>
        stack.total().then(
          (total) => total === 7,
          () => false,
        ),
      'the application answers',
    )
  }, 60_000)
  afterAll(() => stack?.[Symbol.asyncDispose]())

  const restore = (...more: readonly string[]) => [
    'run',
    'sqlite-restore',
    '--confirm',
    stack.phrase,
    ...duties,
    ...more,
  ]
  const inVolume = async (): Promise<string> =>
    (
      await execa('docker', [
        'exec',
        await stack.container(),
        'sh',
        '-c',
        'cd /app/data; stat -c "%n %a %u %g" *',
      ])
    ).stdout
  const keptCopies = async (): Promise<readonly string[]> =>
    (await readdir(join(stack.folder, 'backups', 'kept'))).sort()

  it('T.2: foretells in a dry run and touches nothing, though the rows are in the log alone', async () => {
    const before = await inVolume()
    const naive = join(stack.folder, 'naive.db')
    await execa('docker', ['cp', `${await stack.container()}:/app/data/contextsafe.db`, naive])
    // What `docker cp` of the main file alone brings of a live database in WAL mode.
    expect(() => new Database(naive).prepare('select count(*) from projects').get()).toThrow(/no such table/)
    const finished = await stack.type(restore('--dry-run'))
    expect(finished.code, finished.stdout + finished.stderr).toBe(0)
    expect(await inVolume()).toBe(before)
    expect(await keptCopies()).toEqual([])
  }, 60_000)

  it('puts every byte back where health never comes', async () => {
    const finished = await stack.type(restore(), 'never')
    expect(finished.code, finished.stdout + finished.stderr).toBe(10)
    await eventually(
      () =>
        stack.total().then(
          (total) => total === 7,
          () => false,
        ),
      'the old rows are back',
    )
    expect(await inVolume()).toMatch(/^contextsafe\.db 600 1000 1000$/m)
    expect(await inVolume()).not.toMatch(/old-|rb-/)
    // The restored file, with what the service wrote to it while it did not get healthy.
    const kept = await keptCopies()
    expect(kept).toEqual([expect.stringMatching(/^contextsafe-kept-.*\.db$/), `${kept[0]}-wal`])
    for (const name of kept) await rm(join(stack.folder, 'backups', 'kept', name))
    expect(finished.stdout).toContain(`is kept as ${join(stack.folder, 'backups', 'kept', String(kept[0]))}`)
  }, 90_000)

  it('T.3: an old log beside a restored file brings the old rows back; here none is left beside it, and the rows are those of the backup', async () => {
    const naive = join(stack.folder, 'naive')
    await mkdir(naive)
    for (const ending of ['-wal', '-shm'])
      await execa('docker', [
        'cp',
        `${await stack.container()}:/app/data/contextsafe.db${ending}`,
        join(naive, `contextsafe.db${ending}`),
      ])
    await copyFile(backup, join(naive, 'contextsafe.db'))
    const believed = new Database(join(naive, 'contextsafe.db'))
    expect(believed.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(believed.prepare('select count(*) as rows from projects').get()).toEqual({ rows: 7 })
    believed.close()
    await rm(naive, { recursive: true })

    const finished = await stack.type(restore('--backup', backup))
    expect(finished.code, finished.stdout + finished.stderr).toBe(0)
    expect(await stack.total()).toBe(3)
    expect(await inVolume()).toMatch(/^contextsafe\.db 600 1000 1000$/m)
    expect(await inVolume()).not.toMatch(/old-|rb-/)
    // T.1: the container was stopped. T.2: what was kept has the rows of the log too.
    const [main, ...others] = await keptCopies()
    // Whoever counted its rows made the index of its log.
    expect(others.filter((name) => !name.endsWith('-shm'))).toEqual([`${main}-wal`])
    expect(
      new Database(join(stack.folder, 'backups', 'kept', String(main)))
        .prepare('select count(*) as rows from projects')
        .get(),
    ).toEqual({ rows: 7 })
  }, 90_000)

  it.each(crashesIn('unpack-the-backup', 0).filter(([, , way]) => way === 'resume'))(
    'unpacks a compressed backup, killed %s of that (%j), then %s',
    async (_, kill) => {
      const before = await stack.total()
      const plain = backup.replace(/\d{6}\.db$/, '000000.db')
      await copyFile(backup, plain)
      const database = new Database(plain)
      const row = database.prepare('INSERT INTO projects (name) VALUES (?)')
      database.exec('DELETE FROM projects')
      // Does not get smaller by compression, so that it is not too small for a backup.
      const noise = randomBytes(4096).toString('base64')
      for (let id = 0; id < before + 2; id += 1) row.run(`packed ${id} ${id === 0 ? noise : ''}`)
      database.close()
      await execa('gzip', [plain])
      const packed = `${plain}.gz`
      const killed = await stack.type(restore('--backup', packed), 'ok', kill)
      expect(killed.signal, killed.stdout + killed.stderr).toBe('SIGKILL')
      const finished = await stack.type(['resume', '--confirm', stack.phrase, ...duties])
      expect(finished.code, finished.stdout + finished.stderr).toBe(0)
      await eventually(
        () =>
          stack.total().then(
            (total) => total === before + 2,
            () => false,
          ),
        'its rows',
      )
      expect(await readdir(join(stack.folder, 'backups', 'staging'))).toEqual([])
      await rm(packed)
    },
    90_000,
  )

  const step = 'put-the-backup-in-its-place'
  it.each(crashesIn(step, 500))(
    'killed %s of the exchange (%j), then %s',
    async (_, kill, way) => {
      const before = await stack.total()
      const other = await stack.backup(before + 1)
      const killed = await stack.type(restore('--backup', other), 'ok', kill)
      expect(killed.signal, killed.stdout + killed.stderr).toBe('SIGKILL')
      const finished = await stack.type([way, ...(way === 'resume' ? duties : [])])
      expect(finished.code, finished.stdout + finished.stderr).toBe(0)
      await eventually(
        () =>
          stack.total().then(
            (total) => total === (way === 'resume' ? before + 1 : before),
            () => false,
          ),
        'its rows',
      )
      expect(await inVolume()).toMatch(/^contextsafe\.db 600 1000 1000$/m)
      expect(await inVolume()).not.toMatch(/old-|rb-/)
    },
    90_000,
  )

  it('T.1: says what to type where the container is gone, and restores after that', async () => {
    const container = await stack.container()
    await stack.compose('down', '--timeout', '1')
    // The procedure's own safety copy, and its way back.
    await expect(
      execa('docker', ['cp', `${container}:/app/data/contextsafe.db`, join(stack.folder, 'current.db')]),
    ).rejects.toThrow(/no such container/i)
    await expect(execa('docker', ['cp', backup, `${container}:/app/data/contextsafe.db`])).rejects.toThrow(
      /no such container/i,
    )
    const refused = await stack.type(restore())
    expect(refused.code, refused.stdout + refused.stderr).toBe(3)
    expect(refused.stdout + refused.stderr).toMatch(/up --no-start api/)
    await stack.compose('up', '--no-start', 'api')
    expect((await stack.type(restore('--backup', backup))).code).toBe(0)
    expect(await stack.total()).toBe(3)
  }, 120_000)
})

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { exactOutput } from '../fixtures/exact-output.ts'
import { SmallDisk } from '../fixtures/loop-disk.ts'
import { startCluster } from '../fixtures/postgres-cluster.ts'
import { canMount, docker, postgresBinaries } from '../fixtures/requirements.ts'
import { checksum, openShop, writers, type Shop } from '../fixtures/shop.ts'
import { squat } from '../fixtures/squatter.ts'
import type { Finished, Typed } from '../fixtures/typed.ts'

const hour = 3_600_000
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

describe.skipIf(!docker())('full-db-rollback on Compose and Postgres, given what will not do', () => {
  let shop: Shop
  let badSince: string
  let old: string
  beforeAll(async () => {
    shop = await openShop()
    await shop.dump(new Date(Date.now() - 4 * hour))
    badSince = new Date(Date.now() - 3 * hour).toISOString()
    await shop.damage()
  }, 180_000)
  afterAll(() => shop?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    old = await shop.data()
  })

  const start = (...more: readonly string[]): Typed =>
    shop.start(['run', 'full-db-rollback', '--bad-since', badSince, '--confirm', shop.phrase, ...more])
  const databases = async (): Promise<readonly string[]> =>
    (
      await shop.stack.sql<{ datname: string }>(
        "select datname from pg_database where datname like 'brace%' order by 1",
      )
    ).map(({ datname }) => datname)
  /** @param says what the run printed, where it swapped the restored database in: it is kept, and named there */
  const asBefore = async (says?: string): Promise<void> => {
    expect(await shop.data()).toBe(old)
    const [live, ...others] = await databases()
    expect(live).toBe('brace')
    expect(others).toHaveLength(says === undefined ? 0 : 1)
    for (const kept of others) {
      expect(says).toContain(`the database ${kept}, which was live in this run, is kept`)
      await shop.stack.sql(`drop database "${kept}"`)
    }
    expect(await shop.writersUp()).toEqual([...writers].sort())
  }
  const configured = async <T>(change: (config: string) => string, work: () => Promise<T>): Promise<T> => {
    const file = join(shop.stack.dir, 'runbook.config.ts')
    const config = await readFile(file, 'utf8')
    await writeFile(file, change(config))
    try {
      return await work()
    } finally {
      await writeFile(file, config)
    }
  }

  it('a dump of another database', async () => {
    await shop.stack.sql('create database accounts')
    await shop.stack.sql('create table accounts as select g as id from generate_series(1, 9000) g', {
      database: 'accounts',
    })
    const id = String(await shop.stack.containerId('db'))
    const file = join(shop.backups, 'brace_20260101_000009.dump')
    await writeFile(
      file,
      (
        await execa('docker', ['exec', id, 'pg_dump', '-U', 'postgres', '-Fc', 'accounts'], {
          ...exactOutput,
        })
      ).stdout,
    )
    await checksum(file)
    const finished = await start('--dump', file).finished
    expect(whole(finished)).toContain('is a dump of the database accounts, not of brace')
    expect(finished.code, whole(finished)).toBe(14)
    await asBefore()
  }, 60_000)

  it.skipIf(!postgresBinaries())(
    'a dump of another major version',
    async () => {
      await using cluster = await startCluster()
      for (const sql of ['create database brace'])
        await execa(join(cluster.bin, 'psql'), ['-d', cluster.url, '-c', sql])
      await execa(join(cluster.bin, 'psql'), [
        '-d',
        cluster.urlOf('brace'),
        '-c',
        'create table orders as select g as id from generate_series(1, 9000) g',
      ])
      const file = join(shop.backups, 'brace_20260101_000010.dump')
      await writeFile(
        file,
        (
          await execa(join(cluster.bin, 'pg_dump'), ['-d', cluster.urlOf('brace'), '-Fc'], {
            ...exactOutput,
          })
        ).stdout,
      )
      await checksum(file)
      const finished = await start('--dump', file).finished
      expect(whole(finished)).toMatch(
        /cannot restore the dump: it is a dump of postgres 1[0-6], and the server is 17[^]*restore it into a server of major version 1[0-6]/,
      )
      expect(finished.code, whole(finished)).toBe(14)
      await asBefore()
    },
    60_000,
  )

  describe('whose published port is taken while the services are down', () => {
    const arranged = async (): Promise<{
      readonly running: Typed
      readonly release: () => Promise<void>
    }> => {
      const running = start()
      await running.says('[STARTED] Assert on the copy')
      return { running, ...squat(shop.stack.ports.backend) }
    }

    it('the start fails, and everything goes back once the port is free', async () => {
      const { running, release } = await arranged()
      await running.says('Rolling back')
      await release()
      const finished = await running.finished
      expect(finished.code, whole(finished)).toBe(10)
      expect(finished.stdout).toMatch(
        /cannot start backend: Docker refused: .*(address already in use|port is already allocated)/,
      )
      await asBefore(whole(finished))
    }, 180_000)

    it('and stays taken: the rollback is incomplete, says so, and is finished later', async () => {
      const { running, release } = await arranged()
      const finished = await running.finished
      expect(finished.code, whole(finished)).toBe(11)
      expect(finished.stdout).toMatch(
        /cannot undo "Stop writers": cannot start backend: Docker refused: .*(address already in use|port is already allocated)/,
      )
      expect(await shop.data()).toBe(old)
      await release()
      const back = await shop.type(['rollback'])
      expect(back.code, whole(back)).toBe(0)
      await asBefore(whole(back))
    }, 180_000)
  })

  it.skipIf(!canMount())(
    'no room for the fallback dump, in place',
    async () => {
      const disk = new SmallDisk(16 * 1024)
      try {
        await configured(
          (config) =>
            config.replace(
              "retention: { dumps: './dumps' }",
              `retention: { dumps: ${JSON.stringify(disk.path)} }`,
            ),
          async () => {
            const running = start('--strategy', 'in-place')
            await running.says('[STARTED] Stop writers')
            disk.fill()
            const finished = await running.finished
            expect(finished.code, whole(finished)).toBe(10)
            expect(whole(finished)).toMatch(/runbook-small-\S+.*no space/i)
            await asBefore()
            expect((await readdir(disk.path)).filter((name) => name !== 'filler')).toEqual([])
          },
        )
      } finally {
        disk.destroy()
      }
    },
    180_000,
  )
})

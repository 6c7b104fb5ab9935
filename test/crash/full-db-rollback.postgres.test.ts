import { chownSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SmallDisk } from '../fixtures/loop-disk.ts'
import { ask } from '../fixtures/postgres-world.ts'
import { canMount, postgresBinaries } from '../fixtures/requirements.ts'
import { PostgresShop, ShopServer } from './postgres-shop.ts'
import { whole } from './scene.ts'

const patience = 120_000

/** As docs/targets.md prints it, for the role `app` and the database `shop`. */
function leastRights(): string {
  const text = readFileSync(join(import.meta.dirname, '../../docs/targets.md'), 'utf8')
  const [, section = ''] = text.split('### The least rights of a role')
  const sql = /```sql\n([^`]+)```/.exec(section)?.[1]
  if (sql === undefined) throw new Error('docs/targets.md prints no rights')
  return sql
}

describe.skipIf(!postgresBinaries())('full-db-rollback on Postgres', () => {
  let server: ShopServer
  beforeAll(async () => {
    server = await ShopServer.start()
    await ask(server.cluster.url, 'create role app')
  }, patience)
  afterAll(() => server?.[Symbol.asyncDispose](), patience)

  const open = async (): Promise<PostgresShop> => {
    const shop = await PostgresShop.open(server, '', { name: 'shop', user: 'app' })
    await ask(server.cluster.url, leastRights())
    return shop
  }

  it(
    'restores with the least rights that the documents print',
    async () => {
      await using shop = await open()
      const run = await shop.scene.type(shop.run('--strategy', 'beside'))
      expect(run.code, whole(run)).toBe(0)
      await shop.scene.expectSettled(await shop.scene.entries(), 'succeeded', null)
      await shop.expectData('new')
    },
    patience,
  )

  it(
    'rolls back with them',
    async () => {
      await using shop = await open()
      const killed = await shop.scene.type(shop.run('--strategy', 'beside'), {
        when: 'after',
        type: 'intent',
        step: 'check-health',
      })
      expect(killed.signal, whole(killed)).toBe('SIGKILL')
      const [opened] = await shop.scene.entries()
      const back = await shop.scene.type(['rollback', opened?.run ?? ''])
      expect(back.code, whole(back)).toBe(0)
      await shop.scene.expectSettled(await shop.scene.entries(), 'rolled-back', null)
      await shop.expectData('old')
    },
    patience,
  )

  describe.skipIf(!canMount())('on a server whose disk is full', () => {
    let disk: SmallDisk

    beforeAll(async () => {
      disk = new SmallDisk(40 * 1024)
      const { uid, gid } = statSync(server.cluster.dataDir)
      const folder = join(disk.path, 'data')
      mkdirSync(folder)
      for (const path of [disk.path, folder]) chownSync(path, uid, gid)
      await ask(server.cluster.url, `create tablespace small location '${folder}'`)
    }, patience)
    afterAll(async () => {
      await ask(server.cluster.url, 'drop tablespace small')
      disk.destroy()
    }, patience)

    it.each([
      // It fails when it creates the copy.
      ['beside'],
      // It fails in pg_restore, with the writers stopped.
      ['in-place'],
    ])(
      '%s: goes back with the service up, names that disk and leaves nothing',
      async (strategy) => {
        await using shop = await PostgresShop.open(server, '', { tablespace: 'small' })
        const { database } = shop
        // Space in the tables for what is sold meanwhile.
        await ask(server.cluster.urlOf(database), 'vacuum orders')
        disk.fillUpTo(64 * 1024)
        try {
          const run = await shop.scene.type(shop.run('--strategy', strategy))
          const said = whole(run)
          expect(run.code, said).toBe(10)
          expect(said).toMatch(
            new RegExp(
              `the disk of the Postgres server at 127\\.0\\.0\\.1:${server.cluster.port} is full: .*No space left on device`,
            ),
          )
          expect(said).toContain('hint: make room on that disk, then start again')
          expect(said.includes('downtime'), said).toBe(strategy === 'in-place')
        } finally {
          disk.empty()
        }
        await shop.scene.expectSettled(await shop.scene.entries(), 'rolled-back', null)
        await shop.expectData('old')
        expect(
          await ask(server.cluster.url, "select rolname from pg_roles where rolname like '%\\_\\_rb\\_%'"),
        ).toEqual([])
      },
      patience,
    )
  })
})

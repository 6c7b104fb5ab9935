import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatabaseCopy, Migrations, MigrationTool } from '../../src/drivers/migrations.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import { watchedScope } from '../fixtures/scope.ts'

export const initial = '1a2b3c4d5e6f'
export const status = '2b3c4d5e6f70'
export const glossary = '3c4d5e6f7081'

/**
 * A database at `status`, and two images: the older one with `initial` and `status`, the newer one, which the stack's files name, with
 * `glossary` too.
 */
export interface MigrationsWorld {
  readonly tool: MigrationTool
  readonly older: string
  readonly newer: string
  migrations(scope: Scope): Migrations
  /** What `alembic_version` says. */
  level(): Promise<string>
  /** A copy of the database as it is now, and its level; null where a database cannot be copied. */
  copied(): Promise<{ readonly copy: DatabaseCopy; level(): Promise<string> } | null>
  /** How many containers of one-offs there are. */
  oneOffs(): Promise<number>
  close(): Promise<void>
}

export function migrationsContract(kind: string, open: () => Promise<MigrationsWorld>): void {
  describe(`migrations: ${kind}`, () => {
    let world: MigrationsWorld
    let migrations: Migrations
    beforeAll(async () => {
      world = await open()
      migrations = world.migrations(watchedScope())
    }, 120_000)
    afterAll(() => world?.close())

    const using = (image: string | null): MigrationTool => ({ ...world.tool, image })

    test('what an image holds, newest first, with what each one does', async () => {
      const { revisions } = await migrations.history(using(world.newer))
      expect(
        revisions.map(({ id, down, head, message, downgrade }) => [id, down, head, message, downgrade]),
      ).toEqual([
        [glossary, [status], true, 'add_glossary_table', 'present'],
        [status, [initial], false, 'add_document_status', 'present'],
        [initial, [], false, 'initial_schema', 'present'],
      ])
      expect(revisions[0]?.adds).toContain('create_table glossary')
      expect(revisions[0]?.breaks).toEqual(['RENAME COLUMN title TO heading'])
      expect(revisions[1]).toMatchObject({ adds: ['add_column documents'], breaks: [] })
    }, 60_000)

    test('the revision of the database, and not that of a copy, on which the tool works as well', async () => {
      const copied = await world.copied()
      if (copied !== null) {
        await migrations.upgrade({ ...using(world.newer), copy: copied.copy }, glossary)
        expect(await copied.level()).toBe(glossary)
      }
      expect(await migrations.current(using(world.newer))).toEqual([status])
    }, 60_000)

    test('another image holds another history, and none means the one of the stack', async () => {
      expect((await migrations.history(using(world.older))).revisions.map(({ id }) => id)).toEqual([
        status,
        initial,
      ])
      expect((await migrations.history(using(null))).revisions.map(({ id }) => id)).toEqual([
        glossary,
        status,
        initial,
      ])
    }, 60_000)

    test('T.11: up and down again, each twice, and between them an image without the revision can neither tell of it nor leave it', async () => {
      for (let times = 0; times < 2; times += 1) await migrations.upgrade(using(world.newer), glossary)
      expect(await world.level()).toBe(glossary)
      const unknown = {
        code: 'failed',
        message: expect.stringContaining(`Can't locate revision identified by '${glossary}'`) as string,
      }
      await expect(migrations.current(using(world.older))).rejects.toMatchObject(unknown)
      await expect(migrations.downgrade(using(world.older), status)).rejects.toMatchObject(unknown)
      expect(await world.level()).toBe(glossary)
      for (let times = 0; times < 2; times += 1) await migrations.downgrade(using(world.newer), status)
      expect(await world.level()).toBe(status)
    }, 60_000)

    test('a revision that nobody has is an error, and nothing happens', async () => {
      await expect(migrations.downgrade(using(world.newer), 'feedfeed')).rejects.toMatchObject({
        code: 'failed',
      })
      expect(await world.level()).toBe(status)
    }, 60_000)

    test('an image that is not there', async () => {
      await expect(migrations.history(using('runbook-test/nowhere:0'))).rejects.toMatchObject({
        code: 'failed',
      })
    }, 60_000)

    test('leaves no container behind', async () => {
      expect(await world.oneOffs()).toBe(0)
    })
  })
}

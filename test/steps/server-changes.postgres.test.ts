import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Databases } from '../../src/drivers/databases.ts'
import { reportServerChanges, serverFacts } from '../../steps/databases/lib/server-changes.ts'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { watchedScope } from '../fixtures/scope.ts'

describe.skipIf(!requirement())('a dump that changes the server it is restored on', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>
  let databases: Databases
  let folder = ''

  beforeAll(async () => {
    fixture = await serverFixture()
  })
  afterAll(() => fixture?.stop())
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'changes-'))
    world = await fixture.world()
    databases = world.databases(watchedScope())
  })
  afterEach(async () => {
    await world.sql('DROP ROLE IF EXISTS evil_role', 'postgres')
    await world.sql('ALTER SYSTEM RESET work_mem', 'postgres')
    await world.close()
    await rm(folder, { recursive: true })
  })

  const reported = async (
    before: Awaited<ReturnType<typeof serverFacts>>,
    copies: readonly string[] = ['shop_copy'],
  ): Promise<readonly string[]> => {
    const lines: string[] = []
    const io = { databases, remains: (line: string) => void lines.push(line), note: () => undefined }
    await reportServerChanges(io, world.database, before, copies)
    return lines
  }

  test('is reported with the role that it created, also after the copy is gone', async () => {
    await world.sql(`
      CREATE FUNCTION evil(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'evil_role') THEN
          CREATE ROLE evil_role SUPERUSER LOGIN;
          GRANT pg_monitor TO evil_role;
          ALTER ROLE evil_role SET work_mem = '7MB';
        END IF;
        RETURN true; END $$;
      CREATE TABLE trap (id int CHECK (evil(id)));
      INSERT INTO trap VALUES (1)`)
    const dump = await databases.dump(world.database, 'shop', join(folder, 'shop.dump'))
    await world.sql('DROP ROLE evil_role', 'postgres')
    const before = await serverFacts({ databases }, world.database, ['shop_copy'])
    expect(await reported(before)).toEqual([])
    await databases.restoreBeside({ ...fixture.databaseOf(), restoreAs: 'user' }, dump, 'shop_copy')
    const changes = [
      'on the server, membership of evil_role in pg_monitor was created: member',
      'on the server, role evil_role was created: superuser, login',
      'on the server, settings of role evil_role was created: work_mem=7MB',
    ]
    expect(await reported(before)).toEqual(changes)
    await databases.drop(world.database, 'shop_copy')
    expect(await reported(before)).toEqual(changes)
  })

  test('is compared without an error in the log where the role may not read all, which is said once', async () => {
    const scope = watchedScope()
    const [own, plain] = [world.databases(scope), fixture.databaseOf({ user: 'rb_plain' })]
    const before = await serverFacts({ databases: own }, plain, ['shop_copy'])
    const notes: string[] = []
    await reportServerChanges(
      { databases: own, remains: () => undefined, note: (line: string) => void notes.push(line) },
      plain,
      before,
      ['shop_copy'],
    )
    expect(notes).toEqual([
      'whether the dump changes settings with ALTER SYSTEM is not checked: rb_plain may not read pg_file_settings',
    ])
    expect(scope.text()).toBe('')
  })

  test('is reported with a setting of the server, but not with those of the copy', async () => {
    const before = await serverFacts({ databases }, world.database, ['shop_copy'])
    await world.sql('CREATE DATABASE shop_copy', 'postgres')
    await world.sql("ALTER DATABASE shop_copy SET work_mem = '8MB'", 'postgres')
    expect(await reported(before)).toEqual([])
    await world.sql("ALTER SYSTEM SET work_mem = '9MB'", 'postgres')
    const changes = ['on the server, setting work_mem was created: 9MB']
    expect(await reported(before)).toEqual(changes)
    await world.sql('ALTER DATABASE shop_copy RENAME TO shop_kept', 'postgres')
    expect(await reported(before, ['shop_copy', 'shop_kept'])).toEqual(changes)
    expect(await reported(before)).toContain(
      'on the server, settings of database shop_kept was created: work_mem=8MB',
    )
    await databases.drop(world.database, 'shop_kept')
  })

  test('is unknown, and said to be so, where the server cannot be asked any more', async () => {
    const before = await serverFacts({ databases }, world.database, ['shop_copy'])
    const dead = { ...databases, query: async () => Promise.reject(new Error('gone')) }
    const lines: string[] = []
    const io = { databases: dead, remains: (line: string) => void lines.push(line), note: () => undefined }
    await reportServerChanges(io, world.database, before, ['shop_copy'])
    expect(lines).toEqual([
      'whether the dump changed roles or settings of the server is unknown: they cannot be read',
    ])
  })
})

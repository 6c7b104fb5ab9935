import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Databases } from '../../src/drivers/databases.ts'
import type { Json } from '../../src/kernel/json.ts'
import { acts } from '../../src/model/step.ts'
import { swapDatabase } from '../../steps/index.ts'
import { eventually } from '../fixtures/eventually.ts'
import { connected } from '../fixtures/postgres-world.ts'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'
import { provenCopyOf } from './proven-copy.ts'

describe.skipIf(!requirement())('the proof that exactly the old data is live again', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>
  let databases: Databases
  const aside = 'shop__old_20260203_050000_abcde'
  const staged = 'shop__rb'

  beforeAll(async () => {
    // Autovacuum looks at each database every second, and finds something to do after each change.
    fixture = await serverFixture([
      'autovacuum_naptime=1s',
      'autovacuum_vacuum_threshold=0',
      'autovacuum_vacuum_scale_factor=0',
      'autovacuum_analyze_threshold=0',
      'autovacuum_analyze_scale_factor=0',
    ])
  })
  afterAll(() => fixture?.stop())
  beforeEach(async () => {
    world = await fixture.world()
    databases = world.databases(watchedScope())
    const dump = await databases.dump(world.database, 'shop', world.place('shop.dump'))
    await databases.restoreBeside(world.database, dump, staged)
    await world.sql("UPDATE orders SET note = 'bad'")
  })
  afterEach(() => world.close())

  /** The step on the real server, surveyed. Nothing of it reads a fingerprint, which would be the slow proof. */
  const surveyed = async () => {
    const hands = handsOn(damagedShop())
    const services = shop.writers as NonNullable<typeof shop.writers>
    await hands.io.services.stop(services, 1)
    const quick = {
      ...databases,
      fingerprint: () => Promise.reject(new Error('a proof in constant time reads no rows')),
    }
    const [look, io] = [
      { ...hands.look, databases: quick },
      { ...hands.io, databases: quick },
    ]
    const writers = { names: services.names, stoppedAt: '2026-02-03T05:00:00Z' }
    const proven = await provenCopyOf(databases, world.database, staged)
    const { step, input } = opened(
      swapDatabase({ database: world.database, staged: proven, writers, services }),
    )
    if (!acts(step)) throw new Error('it does not act')
    const before = (await step.survey(look, input)) as Json
    const probe = (way: 'forward' | 'back' = 'back') => step.probe(look, { input, before, way })
    return {
      probe,
      run: async () => (await step.run(io, { input, before })) as Json,
      undo: async (output?: Json) => step.undo?.(io, { input, before, output }),
      after: async () => step.afterUndo?.(io, { input, before, output: undefined }),
    }
  }
  const admin = (text: string) => world.sql(text, 'postgres')
  const notes = async () => (await world.sql('SELECT DISTINCT note FROM orders')).map((row) => row['note'])
  const unproven = { is: 'torn', why: expect.stringContaining('somebody opened it to sessions') as string }

  test('nobody can write to the old database, not even a superuser, until its undo is proven', async () => {
    const swap = await surveyed()
    const output = await swap.run()
    await expect(connected(fixture.urlOf(aside))).rejects.toThrow('not currently accepting connections')
    await expect(databases.identity(world.database, aside)).rejects.toMatchObject({
      hint: expect.stringContaining('a run closed it'),
    })
    expect(await notes()).toEqual(['first', 'second'])
    await swap.undo(output)
    await expect(connected(fixture.urlOf('shop'))).rejects.toThrow('not currently accepting connections')
    expect(await swap.probe()).toEqual({ is: 'absent' })
    await swap.after()
    expect(await notes()).toEqual(['bad'])
  })

  test('what the server does by itself gives no alarm: autovacuum, freezing, a checkpoint', async () => {
    const swap = await surveyed()
    const output = await swap.run()
    const commits = async () =>
      Number(
        (await admin(`SELECT xact_commit FROM pg_stat_database WHERE datname = '${aside}'`))[0]?.[
          'xact_commit'
        ],
      )
    const before = await commits()
    await eventually(async () => (await commits()) > before, 'autovacuum has worked in the old database')
    await admin('VACUUM (FREEZE, ANALYZE) pg_database')
    await admin('CHECKPOINT')
    await admin('VACUUM FULL pg_database')
    await swap.undo(output)
    expect(await swap.probe()).toEqual({ is: 'absent' })
  })

  test.each([
    ['and it stays open', false, true],
    ['and it stays open, with no output on record', false, false],
    ['and it is closed again', true, true],
    ['and it is closed again, with no output on record', true, false],
  ])('one row changed behind its back is not taken for the old data, %s', async (_, closes, told) => {
    const swap = await surveyed()
    const output = await swap.run()
    await admin(`ALTER DATABASE ${aside} ALLOW_CONNECTIONS true`)
    await world.sql("UPDATE orders SET note = 'changed behind its back' WHERE id = 1", aside)
    if (closes) await admin(`ALTER DATABASE ${aside} ALLOW_CONNECTIONS false`)
    await swap.undo(told ? output : undefined)
    expect(await swap.probe()).toEqual(unproven)
    expect(await notes()).toContain('changed behind its back')
  })

  test('the live database may be changed meanwhile, even its privileges', async () => {
    const swap = await surveyed()
    const output = await swap.run()
    await world.sql("INSERT INTO orders VALUES (3, 'new')")
    await admin('GRANT CONNECT ON DATABASE shop TO shop_reader')
    await swap.undo(output)
    expect(await swap.probe()).toEqual({ is: 'absent' })
  })

  test('what was written until the exchange is old data, and its sessions are ended', async () => {
    const swap = await surveyed()
    const client = await connected(fixture.urlOf('shop'))
    await client.query("UPDATE orders SET note = 'late'")
    await swap.run()
    await expect(client.query("UPDATE orders SET note = 'too late'")).rejects.toThrow()
    await swap.undo()
    expect(await swap.probe()).toEqual({ is: 'absent' })
    await swap.after()
    expect(await notes()).toEqual(['late'])
  })

  test('a swap that was killed when it had only closed the database is done again, or undone', async () => {
    const swap = await surveyed()
    await admin('ALTER DATABASE shop ALLOW_CONNECTIONS false')
    expect(await swap.probe('forward')).toEqual({ is: 'absent' })
    expect(await swap.probe()).toEqual({ is: 'absent' })
    await swap.after()
    expect(await notes()).toEqual(['bad'])
    await admin('ALTER DATABASE shop ALLOW_CONNECTIONS false')
    await swap.run()
    expect(await notes()).toEqual(['first', 'second'])
  })

  test('it is proven where the database that was live meanwhile is gone', async () => {
    const swap = await surveyed()
    const output = await swap.run()
    await admin('DROP DATABASE shop')
    await swap.undo(output)
    expect(await swap.probe()).toEqual({ is: 'absent' })
    await swap.after()
    expect(await notes()).toEqual(['bad'])
  })

  test('a rename by hand, and back, is not taken for a database that was never put aside', async () => {
    const swap = await surveyed()
    await admin('ALTER DATABASE shop RENAME TO elsewhere')
    await world.sql("UPDATE orders SET note = 'changed behind its back' WHERE id = 1", 'elsewhere')
    await admin('ALTER DATABASE elsewhere RENAME TO shop')
    expect(await swap.probe()).toEqual(unproven)
  })
})

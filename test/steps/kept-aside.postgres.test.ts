import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acts } from '../../src/model/step.ts'
import type { Json } from '../../src/kernel/json.ts'
import { restoreBeside, swapDatabase } from '../../steps/index.ts'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn, opened, sentenceOf } from './hands.ts'
import { provenCopyOf } from './proven-copy.ts'

describe.skipIf(!requirement())('rows that production writes to a restored database', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>
  let folder = ''

  beforeAll(async () => {
    fixture = await serverFixture()
    folder = await mkdtemp(join(tmpdir(), 'kept-'))
    world = await fixture.world()
  })
  afterAll(async () => {
    await world.close()
    await fixture.stop()
    await rm(folder, { recursive: true })
  })

  test('are all in the database that the rollback keeps, which counts them', async () => {
    const databases = world.databases(watchedScope())
    const { database } = world
    await world.sql(`
      CREATE TABLE sales (id int PRIMARY KEY); INSERT INTO sales SELECT generate_series(1, 20);
      CREATE TABLE "Notes" (id int)`)
    const archive = await databases.dump(database, 'shop', join(folder, 'shop.dump'))
    await world.sql('DELETE FROM sales WHERE id > 5')

    const hands = handsOn(damagedShop())
    const services = shop.writers as NonNullable<typeof shop.writers>
    await hands.io.services.stop(services, 1)
    const [look, io] = [
      { ...hands.look, databases },
      { ...hands.io, databases },
    ]
    const perform = async (call: unknown) => {
      const { step, input } = opened(call)
      if (!acts(step)) throw new Error('it does not act')
      const before = (await step.survey(look, input)) as Json
      return { step, input, before, output: (await step.run(io, { input, before })) as Json }
    }
    const back = async ({
      step,
      ...act
    }: Awaited<ReturnType<typeof perform>>): Promise<readonly string[]> => {
      const probe = () => step.probe(look, { ...act, way: 'back' })
      if ((await probe()).is !== 'absent') await step.undo?.(io, act)
      expect(await probe()).toEqual({ is: 'absent' })
      await step.afterUndo?.(io, act)
      return ((await step.remains?.(look, act)) ?? []).map(sentenceOf)
    }

    const restored = await perform(restoreBeside({ database, archive }))
    const { name } = restored.output as { readonly name: string }
    const tables = (await databases.fingerprint({ ...database, fingerprint: 'rows' }, name)).tables
    const staged = await provenCopyOf(databases, database, name, tables)
    const writers = { names: services.names, stoppedAt: '2026-02-03T05:00:00Z' }
    const swapped = await perform(swapDatabase({ database, staged, writers, services }))

    const acknowledged: number[] = []
    const client = new Client({ connectionString: fixture.urlOf('shop') })
    await client.connect()
    for (let id = 1_001; id <= 1_040; id += 1) {
      await client.query('INSERT INTO sales VALUES ($1)', [id])
      acknowledged.push(id)
    }
    await client.query('INSERT INTO "Notes" VALUES (1)')
    await client.end()

    const lines = [...(await back(swapped)), ...(await back(restored))]
    const kept = 'shop__kept_20260203_050000_abcde'
    expect((await databases.beside(database)).filter((one) => one !== 'postgres')).toEqual([kept])
    expect((await databases.query(database, 'shop', 'SELECT count(*)::int AS n FROM sales'))[0]).toEqual({
      n: 5,
    })
    const found = await databases.query(database, kept, 'SELECT id FROM sales WHERE id > 1000 ORDER BY id')
    expect(found.map(({ id }) => id)).toEqual(acknowledged)
    expect(lines).toEqual([expect.stringContaining(kept)])
    expect(lines[0]).toMatch(
      /Notes\S* 1 row instead of 0 \(\+1\), \S*sales\S* 60 rows instead of 20 \(\+40\)/,
    )
    expect(lines[0]).toContain(`--dbname=${kept}`)
    await databases.drop(database, kept)
  })
})

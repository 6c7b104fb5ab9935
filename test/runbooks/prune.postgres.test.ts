import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crash } from '../crash/crash.ts'
import { Scene, sourceOf, whole } from '../crash/scene.ts'
import { startCluster, type PostgresCluster } from '../fixtures/postgres-cluster.ts'
import { postgresBinaries } from '../fixtures/requirements.ts'

const patience = 120_000
const aside = (day: number): string => `shop__old_2026010${day}_000000_k7f2q`
const dump = (day: number): string => `shop-replaced-2026010${day}-000000-k7f2q.dump`
const pruned = ['run', 'prune', '--what', 'databases', '--confirm', 'prune shop']

describe.skipIf(!postgresBinaries())('prune, on databases of Postgres', () => {
  let cluster: PostgresCluster
  let scene: Scene
  const ask = async (sql: string): Promise<readonly { readonly [column: string]: unknown }[]> => {
    const client = new Client({ connectionString: cluster.url })
    await client.connect()
    try {
      return (await client.query(sql)).rows as { readonly [column: string]: unknown }[]
    } finally {
      await client.end()
    }
  }
  const databases = async () =>
    (await ask("SELECT datname FROM pg_database WHERE datname LIKE 'shop%' ORDER BY 1")).map(
      ({ datname }) => datname,
    )

  beforeAll(async () => {
    cluster = await startCluster()
    scene = await Scene.make(
      null,
      () => `
import { defineConfig } from ${sourceOf('src/index.ts')}
export default defineConfig({ state: './state', artifacts: './artifacts', runbooks: [${sourceOf('runbooks')}], targets: { shop: {
  database: { engine: 'postgres', name: 'shop', user: 'postgres', host: '127.0.0.1', port: ${cluster.port} }, retention: { dumps: './dumps', keepOld: '7d' },
} } })
`,
      { PATH: `${cluster.bin}:${process.env['PATH']}` },
    )
    mkdirSync(scene.path('dumps'))
    await ask('CREATE DATABASE shop')
    await execa(join(cluster.bin, 'psql'), [
      '--quiet',
      '--dbname',
      cluster.urlOf('shop'),
      '--command',
      "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'kept')",
    ])
    for (const name of ['shop_of_somebody', 'shop__rb_20260101_000000_k7f2q', aside(1), aside(2), aside(3)])
      await ask(`CREATE DATABASE ${name} TEMPLATE shop`)
    for (const day of [1, 2])
      await execa(join(cluster.bin, 'pg_dump'), [
        '--format=custom',
        `--file=${scene.path('dumps', dump(day))}`,
        cluster.urlOf('shop'),
      ])
  }, patience)
  afterAll(async () => {
    await scene[Symbol.asyncDispose]()
    await cluster.stop()
  }, patience)

  it(
    'leaves a database put aside that somebody is connected to, the newest one, and all that no run put aside',
    async () => {
      const client = new Client({ connectionString: cluster.urlOf(aside(1)), application_name: 'an analyst' })
      await client.connect()
      try {
        const before = await databases()
        const foretold = await scene.type([...pruned, '--dry-run'])
        expect(foretold.code, whole(foretold)).toBe(0)
        expect(whole(foretold)).toMatch(new RegExp(`the database ${aside(2)} \\(\\d+ bytes\\) is removed`))
        expect(await databases()).toEqual(before)
        const finished = await scene.type(pruned)
        expect(finished.code, whole(finished)).toBe(0)
        expect(await databases()).toEqual(before.filter((name) => name !== aside(2)))
        expect(readdirSync(scene.path('dumps'))).toEqual([dump(2)])
        expect((await client.query('SELECT note FROM orders')).rows).toEqual([{ note: 'kept' }])
      } finally {
        await client.end()
      }
    },
    patience,
  )

  it(
    'drops what was chosen and no more, killed while it drops',
    async () => {
      await ask(`CREATE DATABASE ${aside(2)} TEMPLATE shop`)
      const before = await databases()
      const crashed = await crash(
        scene,
        pruned,
        { kill: { when: 'before', type: 'ended', step: 'drop-old-databases' }, way: 'resume' },
        { outcome: 'succeeded' },
        [],
      )
      expect(crashed).toMatchObject({ killed: true, outcome: 'succeeded' })
      expect(await databases()).toEqual(before.filter((name) => name !== aside(1) && name !== aside(2)))
    },
    patience,
  )
})

import { spawnSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'

/** An image with Postgres 16 or newer that is on this machine already. */
export const postgresImage = process.env['BENCH_POSTGRES'] ?? 'postgres:17'

/** @returns what it printed. @throws Error if it fails */
export function docker(...args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync('docker', args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`docker ${args.join(' ')} ended with ${status}:\n${stderr}`)
  return stdout.trim()
}

export const psql = (container: string, database: string, sql: string): string =>
  docker('exec', container, 'psql', '-qtAU', 'postgres', '-h', '127.0.0.1', '-d', database, '-c', sql)

/** By TCP: the temporary server of a first start does not listen there. */
export async function untilReady(container: string): Promise<void> {
  for (;;) {
    const { status } = spawnSync('docker', ['exec', container, 'pg_isready', '-q', '-h', '127.0.0.1'])
    if (status === 0) return
    docker('inspect', container)
    await setTimeout(300)
  }
}

export const databaseSize = (container: string, database: string): string =>
  psql(container, database, `SELECT pg_size_pretty(pg_database_size('${database}'))`)

/** Orders with two indexes: 5,000 rows are about 1 MB. */
export const ordersTable = (rows: number): string => `
  CREATE TABLE orders AS SELECT i AS id, i * 7919 % 100003 AS customer, timestamptz 'epoch' + i * interval '1 minute' AS placed,
    md5(i::text) || md5((i + 1)::text) AS note FROM generate_series(1::bigint, ${rows}) AS i;
  ALTER TABLE orders ADD PRIMARY KEY (id);
  CREATE INDEX ON orders (customer)`

import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresOrphans } from '../../src/adapters/postgres/orphans.ts'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { ask, connected } from '../fixtures/postgres-world.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { orphansContract } from './orphans.contract.ts'

describe.skipIf(!requirement())('sessions that a run left', () => {
  let fixture: ServerFixture
  beforeAll(async () => {
    fixture = await serverFixture()
  })
  afterAll(() => fixture?.stop())

  const orphansOf = (port: number) =>
    postgresOrphans({
      ...fixture.means(),
      scope: watchedScope(),
      databases: ['shop', 'till'].map((name) => fixture.databaseOf({ name, via: { ...fixture.via, port } })),
    })

  orphansContract('sessions of PostgreSQL', async () => {
    const clients: Client[] = []
    return {
      orphans: orphansOf(fixture.cluster.port),
      async leave(run, step, how) {
        const client = await connected(
          `${fixture.cluster.url}?application_name=${encodeURIComponent(`rb:${run}:${step}`)}`,
        )
        clients.push(client)
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
        if (how === 'stubborn') client.query('SELECT pg_sleep(1000)').catch(() => undefined)
        return `127.0.0.1:${fixture.cluster.port} ${rows[0]?.pid}`
      },
      lives: async (id) =>
        (await ask(fixture.cluster.url, `SELECT FROM pg_stat_activity WHERE pid = ${id.split(' ')[1]}`))
          .length > 0,
      async close() {
        await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
      },
    }
  })

  test('where nobody answers, nobody knows', async () => {
    await expect(orphansOf(1).find('run')).rejects.toMatchObject({ code: 'in-doubt' })
  })
})

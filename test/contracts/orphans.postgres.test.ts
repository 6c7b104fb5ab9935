import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Operator } from '../../src/adapters/terminal/people.ts'
import { postgresOrphans } from '../../src/adapters/postgres/orphans.ts'
import { driversFor } from '../../src/cli/drivers.ts'
import { KeptPrograms } from '../../src/adapters/process/kept-programs.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import { defineStep } from '../../src/model/step.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { password, requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { ask, connected } from '../fixtures/postgres-world.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { book, target as bare } from '../model/bare.ts'
import { orphansContract } from './orphans.contract.ts'

describe.skipIf(!requirement())('sessions that a run left', () => {
  let fixture: ServerFixture
  beforeAll(async () => {
    fixture = await serverFixture()
  })
  afterAll(() => fixture?.stop())

  const orphansOf = (port: number, isDown = async () => false) =>
    postgresOrphans({
      ...fixture.means(),
      scope: watchedScope(),
      isDown,
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

  test('are none where the server is known to be stopped, and unknown where it only does not answer', async () => {
    const nobody = 1
    expect(await orphansOf(nobody, async () => true).end('run-x')).toEqual([])
    await expect(orphansOf(nobody).end('run-x')).rejects.toMatchObject({
      code: 'in-doubt',
      down: `127.0.0.1:${nobody}`,
    })
    // One that answers is asked, whatever is believed of it.
    const run = `run-${process.pid}-asked`
    const client = await connected(
      `${fixture.cluster.url}?application_name=${encodeURIComponent(`rb:${run}:step`)}`,
    )
    client.on('error', () => undefined)
    expect(await orphansOf(fixture.cluster.port, async () => true).end(run)).toHaveLength(1)
    await client.end().catch(() => undefined)
  })

  test.each(['host', 'services', 'http', 'records', 'access'])(
    'are ended before a resume, whatever the kind of the killed step: %s.replay',
    async (family) => {
      const run = `20260203T041200Z-${family}`
      const database = fixture.databaseOf({ name: 'shop', via: fixture.via })
      const replay = defineStep<JsonObject, null>({
        kind: `${family}.replay`,
        version: 1,
        effect: 'exercise',
        describe: () => 'Replays.',
        run: async () => null,
      })
      const own = book(({ step }) => step('Replay', replay({ database: database as unknown as JsonObject })))
      const { plan } = planOf(own, { ...bare, database }, {})
      const entries = [
        { run, entry: { type: 'opened', plan } },
        { run, entry: { type: 'intent', step: 'replay', attempt: 1, input: plan.steps[0]?.input } },
      ] as unknown as readonly Stored[]
      const means = {
        clock: systemClock,
        journal: { read: async () => entries },
        register: () => undefined,
        state: '/nonexistent',
        program: 'runbook',
        environment: { ...process.env, SHOP_PASSWORD: password },
        programs: new KeptPrograms(),
        operator: () => ({}) as Operator,
      }
      const { orphans } = driversFor(means, watchedScope())
      const client = await connected(
        `${fixture.cluster.url}?application_name=${encodeURIComponent(`rb:${run}:replay`)}`,
      )
      client.query('SELECT pg_sleep(1000)').catch(() => undefined)
      try {
        expect(await orphans.end(run)).toContainEqual(
          expect.objectContaining({ what: 'session', step: 'replay' }),
        )
        expect(await orphans.find(run)).toEqual([])
      } finally {
        await client.end().catch(() => undefined)
      }
    },
  )

  test('where nobody answers, nobody knows', async () => {
    await expect(orphansOf(1).find('run')).rejects.toMatchObject({ code: 'in-doubt' })
  })
})

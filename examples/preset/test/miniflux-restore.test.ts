import { defineConfig, sha256, type Json, type JsonObject } from 'runbook'
import {
  dumpBytes,
  everyMoment,
  fakeMachine,
  fakeServer,
  fakeWorld,
  lay,
  runWith,
  runningFleet,
  somebody,
  targetOf,
  type FakeMachine,
} from 'runbook/testing'
import { expect, test } from 'vitest'
import book from '../src/runbooks/miniflux-restore.ts'
import { miniflux } from '../src/target.ts'

const config = defineConfig({ targets: { reader: miniflux() } })
const target = targetOf(config, 'reader')
const phrase = target.database?.confirmPhrase ?? ''
const settings = '/srv/miniflux/miniflux.env'
const good = { users: [{ id: 1 }], feeds: [{ id: 1 }, { id: 2 }] }
const damaged = { users: [{ id: 1 }], feeds: [{ id: 1 }] }

interface Given {
  readonly environment?: string
  readonly status?: number
  readonly dumped?: typeof good
}

/** A Miniflux that has lost a feed, and last night's dump. */
function machine({
  environment = 'RUN_MIGRATIONS=1\n',
  status = 200,
  dumped = good,
}: Given = {}): FakeMachine {
  const world = fakeWorld({
    fleet: runningFleet({ miniflux: 'miniflux/miniflux:2.2.14', db: 'postgres:17-alpine' }),
    server: fakeServer({ miniflux: damaged }),
    person: somebody(phrase, phrase, phrase, phrase),
  })
  lay(world.disk, settings, environment)
  runWith(world.fleet, world.disk, { miniflux: [settings] })
  const time = new Date(world.clock.now().getTime() - 3_600_000).toISOString()
  const name = `miniflux-${time.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')}.dump`
  const dump = dumpBytes({
    engine: 'postgres',
    major: 17,
    database: 'miniflux',
    takenAt: time,
    tables: dumped,
    roles: [],
    extensions: [],
  })
  lay(world.disk, `/srv/miniflux/backups/${name}`, dump)
  lay(world.disk, `/srv/miniflux/backups/${name}.sha256`, `${sha256(dump)}  ${name}\n`)
  world.web.answers.set('http://127.0.0.1:8080/healthcheck', [{ status }])
  return fakeMachine(world, { book, target })
}

const feeds = ({ world }: FakeMachine): number =>
  world.server.databases.get('miniflux')?.tables['feeds']?.length ?? 0

test('restores the feeds', async () => {
  const one = machine()
  expect(await one.run()).toMatchObject({ outcome: 'succeeded' })
  expect(feeds(one)).toBe(2)
})

test('puts the damaged data back when Miniflux does not come up', async () => {
  const one = machine({ status: 500 })
  expect(await one.run()).toMatchObject({ outcome: 'rolled-back' })
  expect(feeds(one)).toBe(1)
})

test('refuses a Miniflux that would not start on an older schema', async () => {
  for (const environment of ['', 'RUN_MIGRATIONS=0\n']) {
    const one = machine({ environment })
    const before = one.world.state()
    const { outcome, findings } = await one.run()
    expect(outcome).toBe('refused')
    expect(findings).toContainEqual(
      expect.objectContaining({ problem: expect.stringContaining('RUN_MIGRATIONS is not 1') as string }),
    )
    expect(one.world.state()).toEqual(before)
  }
})

test('keeps what is live where nobody could log in on the restored data', async () => {
  const one = machine({ dumped: { ...good, users: [] } })
  expect(await one.run()).not.toMatchObject({ outcome: 'succeeded' })
  expect(feeds(one)).toBe(1)
})

test('is safe at every moment', async () => {
  expect(await everyMoment(machine, { compare: withoutWhatIsKept })).toContain('databases.swap')
}, 300_000)

/** A rollback keeps the log and the data that was live meanwhile. */
const withoutWhatIsKept = (state: JsonObject): JsonObject => {
  const { files, databases, folders: _folders, ...rest } = state
  return {
    ...rest,
    files: without(files, '/restore-checklist.md'),
    databases: without(databases, '__kept_'),
  }
}

const without = (all: Json | undefined, part: string): JsonObject =>
  Object.fromEntries(Object.entries(all as JsonObject).filter(([name]) => !name.includes(part)))

import { describe, expect, it } from 'vitest'
import book from '../../runbooks/migration-downgrade.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { fakeMachine, type FakeWorld, type FakeMigration } from '../../src/testing/index.ts'
import { rc2 } from '../fixtures/fake-migrations.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { after, api, badApi, before, checklist, envFile, type ApiParts } from './fake-releases.ts'

const tablesOf = (world: FakeWorld) => world.server.databases.get('api')?.tables
const dumped = (path: string): boolean =>
  path.startsWith('/srv/api/backups/rollback/') && path.endsWith('.dump')

const common = {
  book,
  target: api,
  records: [checklist],
  dated: (path: string): boolean => dumped(path.replace(/\.manifest\.json(\.sig)?$/, '')),
  params: { with: 'rc2' },
}
provesItself({
  ...common,
  name: 'migration-downgrade of a breaking migration',
  world: () => badApi({ tables: after, running: 'rc1' }),
  succeeded(world) {
    expect(tablesOf(world)).toEqual(before)
    expect([...world.disk.files.keys()].filter(dumped)).toHaveLength(1)
    expect(world.fleet.services.get('api')?.instance).toMatchObject({ state: 'running', image: 'api:rc1' })
  },
})

async function attempt(
  params: JsonObject,
  parts: ApiParts = {},
  change: (world: FakeWorld) => void = () => undefined,
): Promise<{ result: Result | string; world: FakeWorld }> {
  const world = badApi({ tables: after, running: 'rc1', ...parts })
  change(world)
  const result = await fakeMachine(world, { book, target: api })
    .run(params)
    .catch((thrown: unknown) => String(thrown))
  return { result, world }
}

/** The newest migration refuses to take a table back that has rows. */
function refusing({ migrations: { images } }: FakeWorld): void {
  const [newest, ...older] = rc2
  const back: FakeMigration['back'] = (tables) => {
    if ((tables['glossary'] ?? []).length > 0)
      throw new RunbookError('failed', "Can't downgrade, would delete data")
    return newest!.back(tables)
  }
  images.set('api:rc2', [{ ...newest!, back }, ...older])
}

describe('migration-downgrade', () => {
  it('asks for the rights of its dump and of its undo before it stops anything', async () => {
    const { result, world } = await attempt({ with: 'rc2' }, {}, ({ disk, server }) => {
      disk.folders.add('/srv/api/backups/rollback')
      disk.denied.add('/srv/api/backups/rollback')
      server.missingRights.push({
        lacks: 'the rights of owner, who owns the table public.t',
        certain: true,
        cures: ['ALTER TABLE public.t OWNER TO api'],
        of: ['restore in place'],
      })
    })
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect((result as Result).findings.map(({ hint }) => hint)).toEqual(
      expect.arrayContaining([
        'permit it: setfacl -m u:1000:rwx /srv/api/backups/rollback',
        'permit it as a superuser: ALTER TABLE public.t OWNER TO api',
      ]),
    )
    expect(world.faults.reached).not.toContain('services.stop')
  })

  it('S4.95: empties the table first where it is told to; its rows are in the dump', async () => {
    const { result, world } = await attempt({ with: 'rc2', empty: 'glossary' }, {}, refusing)
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(tablesOf(world)).toEqual(before)
    expect(
      [...world.disk.files].filter(([path]) => dumped(path)).map(([, body]) => Buffer.from(body).toString()),
    ).toEqual([expect.stringContaining('how long it may take')])
    for (const [empty, words] of [
      ['terms', /table terms not found in/],
      ['a; drop table b', /is not a table name/],
    ] as const) {
      const refused = await attempt({ with: 'rc2', empty }, {}, refusing)
      expect(JSON.stringify(refused.result)).toMatch(words)
      expect(tablesOf(refused.world)).toEqual(after)
    }
  })

  const instances = (world: FakeWorld) =>
    ['api', 'jobs'].map((name) => world.fleet.services.get(name)?.instance)
  const rollBack: JsonObject = { application: 'roll-back' }

  it('goes back with the application, in the order that the images allow', async () => {
    const { result, world } = await attempt(rollBack, { running: 'rc2' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(tablesOf(world)).toEqual(before)
    expect(instances(world)).toMatchObject([
      { state: 'running', image: 'api:rc1' },
      { state: 'running', image: 'api:rc1' },
    ])
    expect(Buffer.from(world.disk.files.get(envFile) ?? []).toString()).toContain('IMAGE_TAG=rc1 ')
  })

  it.each<readonly [string, number]>([
    ['migrations.downgrade', 1],
    ['images.pull', 1],
    ['migrations.history', 2],
    ['files.write', 1],
    ['services.up jobs', 1],
    ['health', 1],
  ])('with the application, is as before where %s fails', async (moment, time) => {
    const { result, world } = await attempt(rollBack, { running: 'rc2' }, (here) => {
      if (moment === 'health') here.web.answers.set('http://api/readyz', [{ status: 503 }])
      else here.faults.order(moment, 'fail', time)
    })
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(tablesOf(world)).toEqual(after)
    expect(Buffer.from(world.disk.files.get(envFile) ?? []).toString()).toContain('IMAGE_TAG=rc2 ')
    expect(instances(world)).toMatchObject([
      { state: 'running', image: 'api:rc2' },
      { state: 'running', image: 'api:rc2' },
    ])
  })

  it('keeps a migration that only added, and touches nothing', async () => {
    const { result, world } = await attempt(
      { with: 'rc2' },
      { answers: { 'migration-kind': 'additive: only a table' } },
    )
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(tablesOf(world)).toEqual(after)
    expect(world.fleet.made).toBe(badApi({ running: 'rc1' }).fleet.made)
    expect(world.fleet.services.get('api')?.instance?.state).toBe('running')
  })

  it('T.11: refuses the image of the rolled-back application, which cannot locate the revision, and names the way', async () => {
    const { result, world } = await attempt({})
    expect(JSON.stringify(result)).toContain('does not contain the revision 3c4d5e6f7081')
    expect(result).toMatchObject({ code: 'verification' })
    expect(tablesOf(world)).toEqual(after)
    expect(world.fleet.services.get('api')?.instance?.state).toBe('running')
  })

  it.each<readonly [string, JsonObject, ApiParts, RegExp]>([
    ['a revision that nobody has', { with: 'rc2', to: 'feed' }, {}, /revision feed not found in/],
    ['the revision it is at', { with: 'rc2', to: '3c4d5e6f7081' }, {}, /already/],
    ['a tag that is none', { with: '--help' }, {}, /is not an image tag/],
    ['an answer that is neither', { with: 'rc2' }, { answers: { 'migration-kind': 'yes' } }, /neither/],
    [
      'a skipped decision',
      { with: 'rc2' },
      { answers: { 'migration-kind': 'skip: no time' } },
      /breaking or additive/,
    ],
  ])('refuses %s, and touches nothing', async (_, params, parts, words) => {
    const { result, world } = await attempt(params, parts)
    expect(JSON.stringify(result)).toMatch(words)
    expect(tablesOf(world)).toEqual(after)
    expect(world.fleet.services.get('api')?.instance?.state).toBe('running')
  })

  it('refuses a migration without a downgrade', async () => {
    const [newest, ...older] = rc2
    const { result, world } = await attempt({ with: 'rc2' }, {}, ({ migrations }) => {
      migrations.images.set('api:rc2', [
        { ...newest!, told: { ...newest!.told, downgrade: 'empty' } },
        ...older,
      ])
    })
    expect(JSON.stringify(result)).toContain('its downgrade() does nothing')
    expect(tablesOf(world)).toEqual(after)
  })

  it('goes down to a revision by its beginning', async () => {
    const { result, world } = await attempt({ with: 'rc2', to: '1a2b' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(tablesOf(world)?.['alembic_version']).toEqual([{ version_num: '1a2b3c4d5e6f' }])
  })

  it('S4.94: a downgrade that refuses ("would delete data") leaves all as it was', async () => {
    const { result, world } = await attempt({ with: 'rc2' }, {}, refusing)
    expect(JSON.stringify(result)).toContain('would delete data')
    expect(JSON.stringify(result)).toContain('--empty TABLE')
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(tablesOf(world)).toEqual(after)
    expect(world.fleet.services.get('api')?.instance?.state).toBe('running')
  })
})

import { describe, expect, it } from 'vitest'
import auth from '../../runbooks/auth-rollback.ts'
import container from '../../runbooks/container-rollback.ts'
import rapid from '../../runbooks/rapid-rollback.ts'
import stack from '../../runbooks/stack-rollback.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import {
  dumpBytes,
  fakeMachine,
  fakeServer,
  layInVolume,
  type FakeMigration,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { rc1, rc2 } from '../fixtures/fake-migrations.ts'
import { braceAccess, composed, edited } from './fake-access.ts'
import { badlyDeployed, badlyLinked, badlyPinned, braceShop, linkedShop, pinnedShop } from './fake-brace.ts'
import { codexTarget, deployed } from './fake-codex.ts'
import { bad, contextsafeWorld, good, target as contextsafe } from './fake-contextsafe.ts'

/** The database is at the revision of rc2, which rc1 lacks. */
const level = { alembic_version: [{ version_num: '3c4d5e6f7081' }], orders: [{ id: 1 }] }

function migrated(
  world: FakeWorld,
  images: { readonly [image: string]: readonly FakeMigration[] },
): FakeWorld {
  const server = fakeServer({ shop: level })
  Object.assign(world.server, server)
  Object.assign(world.migrations, { images: new Map(Object.entries(images)), database: 'shop' })
  return world
}

function withMigrations(target: Target, service: string): Target {
  const { stack: at } = target
  if (at === undefined) throw new Error('the target has no stack')
  return {
    ...target,
    database: {
      engine: 'postgres',
      name: 'shop',
      user: 'app',
      via: { kind: 'compose', stack: at, service: 'db' },
      confirmPhrase: 'restore shop',
      fingerprint: 'rows',
    },
    migrations: {
      tool: { stack: at, service, image: null, command: ['alembic'], copy: null },
      readyField: 'migrations_current',
    },
  } as Target
}

type Case = {
  readonly book: Runbook
  readonly target: Target
  readonly params: JsonObject
  readonly world: () => FakeWorld
  /** The image of the release, as the tool is run with it. */
  readonly image: string
}

const cases: readonly (readonly [string, Case])[] = [
  [
    'rapid-rollback by names that move',
    {
      book: rapid,
      target: withMigrations(braceShop, 'backend'),
      params: { to: '1.4' },
      world: badlyDeployed,
      image: 'brace/backend:1.4',
    },
  ],
  [
    'rapid-rollback by a tag in the env file',
    {
      book: rapid,
      target: withMigrations(pinnedShop, 'backend'),
      params: { to: '1.4' },
      world: badlyPinned,
      image: 'brace/backend:1.4',
    },
  ],
  [
    'rapid-rollback by the folder of a release',
    {
      book: rapid,
      target: withMigrations(linkedShop, 'backend'),
      params: { to: '2026-02-02' },
      world: badlyLinked,
      image: 'brace/backend:latest',
    },
  ],
  [
    'stack-rollback',
    {
      book: stack,
      target: withMigrations(codexTarget, 'app'),
      params: { env: 'both' },
      world: () => deployed(),
      image: 'codex-completions-api:latest',
    },
  ],
]

describe.each(cases)('%s to an image older than the revision of the database', (_, { book, ...one }) => {
  const { target, params, image } = one
  const attempt = async (migrations: readonly FakeMigration[], more: JsonObject = {}) => {
    const world = migrated(one.world(), { [image]: migrations })
    const made = world.fleet.made
    const before = JSON.stringify([...world.fleet.services])
    const result = await fakeMachine(world, { book, target }).run({ ...params, ...more })
    return {
      result,
      untouched: world.fleet.made === made && JSON.stringify([...world.fleet.services]) === before,
    }
  }

  it('is refused before a container is recreated', async () => {
    const { result, untouched } = await attempt(rc1)
    expect(result).toMatchObject({
      code: 'verification',
      failure: {
        message: expect.stringContaining(
          'does not contain the revision 3c4d5e6f7081 that shop is at',
        ) as string,
        hint: expect.stringContaining('--schema ahead') as string,
      },
    })
    expect(untouched).toBe(true)
  })

  it('is done where the migration only added', async () => {
    expect((await attempt(rc1, { schema: 'ahead' })).result).toMatchObject({ code: 'succeeded' })
  })

  it('is done where the image has the revision', async () => {
    expect((await attempt(rc2)).result).toMatchObject({ code: 'succeeded' })
  })
})

describe('auth-rollback to a Compose file that names an image', () => {
  const attempt = async (
    migrations: readonly FakeMigration[],
    schema = 'fits',
    change?: (world: FakeWorld) => void,
  ) => {
    const world = migrated(edited({ compose: composed.bad }), { 'brace:1': migrations, 'brace:broken': rc2 })
    change?.(world)
    const machine = fakeMachine(world, { book: auth, target: withMigrations(braceAccess, 'backend') })
    const result = await machine.run({ what: 'compose', from: null, schema })
    const { image } = world.fleet.services.get('backend')!.instance!
    return { result, image, told: JSON.stringify(machine.entries) }
  }

  it('older than the revision of the database is refused before a container is recreated', async () => {
    const { result, image } = await attempt(rc1)
    expect(result).toMatchObject({ outcome: 'rolled-back', code: 'verification' })
    expect(result.failure?.hint).toContain('--schema ahead')
    expect(image).toBe('brace:broken')
  })

  it.each([
    ['that only lacks additions is brought up with --schema ahead', rc1, 'ahead'],
    ['that has the revision is brought up', rc2, 'fits'],
  ] as const)('%s', async (_, migrations, schema) => {
    const { result, image } = await attempt(migrations, schema)
    expect(result).toMatchObject({ code: 'succeeded' })
    expect(image).toBe('brace:1')
  })

  it('is brought up where the broken file took the database down, and that is said', async () => {
    const { result, told } = await attempt(rc1, 'fits', ({ fleet }) => {
      fleet.services.get('db')!.instance!.state = 'stopped'
    })
    expect(result).toMatchObject({ code: 'succeeded' })
    expect(told).toContain('"schema":"unknown"')
  })
})

it('stack-rollback of the environment without the database asks nothing', async () => {
  const world = migrated(deployed(), {})
  const machine = fakeMachine(world, { book: stack, target: withMigrations(codexTarget, 'app') })
  expect(await machine.run({ env: 'dev' })).toMatchObject({ code: 'succeeded' })
})

describe('container-rollback of an application with its database in a volume', () => {
  const target: Target = {
    ...contextsafe,
    migrations: {
      tool: { stack: contextsafe.stack!, service: 'api', image: null, command: ['alembic'], copy: null },
      readyField: 'migrations_current',
    },
  } as Target

  const at = { service: 'api', path: '/app/data/contextsafe.db' }
  const attempt = async (release: readonly FakeMigration[], params: JsonObject = {}) => {
    const world = contextsafeWorld()
    const tables = { alembic_version: [{ version_num: '3c4d5e6f7081' }] }
    const body = dumpBytes({
      engine: 'sqlite',
      major: 3,
      database: null,
      takenAt: null,
      tables,
      roles: [],
      extensions: [],
    })
    layInVolume(world.volumes, at.service, at.path, body)
    const images = new Map([
      [bad, rc2],
      [good, release],
    ])
    Object.assign(world.migrations, { images, database: at })
    return { world, result: await fakeMachine(world, { book: container, target }).run(params) }
  }

  it('is refused before anything is touched', async () => {
    const { world, result } = await attempt(rc1)
    expect(result).toMatchObject({
      code: 'verification',
      failure: { hint: expect.stringContaining('runbook run sqlite-downgrade') as string },
    })
    expect(world.faults.reached).not.toContain('services.stop')
  })

  it.each([
    [rc2, {}],
    [rc1, { schema: 'ahead' }],
  ] as const)(
    'is done where the image has the revision, or the migration only added',
    async (release, params) => {
      expect((await attempt(release, params)).result).toMatchObject({ code: 'succeeded' })
    },
  )

  it('goes on where the tool cannot say, and notes that it is unknown', async () => {
    const world = contextsafeWorld()
    const machine = fakeMachine(world, { book: container, target })
    expect(await machine.run({})).toMatchObject({ code: 'succeeded' })
    expect(
      machine.entries.flatMap(({ entry }) =>
        entry.type === 'ended' && entry.step === 'check-that-the-image-contains-the-database-revision'
          ? [entry.output]
          : [],
      ),
    ).toEqual([{ image: good, revision: null, schema: 'unknown' }])
  })
})

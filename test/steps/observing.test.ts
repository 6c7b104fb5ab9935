import { describe, expect, it, test } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import type { PostgresDatabase } from '../../src/drivers/databases.ts'
import { acts } from '../../src/model/step.ts'
import type { Finding } from '../../src/model/step.ts'
import {
  type dumpBytes,
  fakeImage,
  lay,
  layInVolume,
  nobody,
  somebody,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { meets } from '../../steps/databases/assert-restored.ts'
import { besideName } from '../../steps/databases/lib/names.ts'
import { mismatch } from '../../steps/http/check-health.ts'
import {
  approval,
  assertRestored,
  checkHealth,
  inspectHealth,
  inspectPorts,
  checkKeyFiles,
  dumpDatabase,
  logResult,
  makeStaging,
  requireExact,
  requireFit,
  restoreBeside,
  runCommand,
  runOneOff,
  startServices,
  stopServices,
  verifyBackup,
  verifyDump,
} from '../../steps/index.ts'
import { alone, facts, handsOn, opened } from './hands.ts'
import { damagedShop, goodOrders, layDump, shop } from './fake-shop.ts'

const needed = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the shop lacks a section')
  return value
}
const database = needed(shop.database)
const backups = needed(shop.backups)
const stack = needed(shop.stack)

async function run(world: FakeWorld, call: unknown, hands = handsOn(world)): Promise<Json> {
  const { step, input } = opened(call)
  if (acts(step)) throw new Error('it acts')
  return (await step.run(hands.io, input)) as Json
}

async function preflight(world: FakeWorld, call: unknown): Promise<readonly Finding[]> {
  const { step, input } = opened(call)
  return (await step.preflight?.(handsOn(world).look, input, alone)) ?? []
}

describe('verifyDump', () => {
  const dump = (file: string | null = null, takenBefore: string | null = null) =>
    verifyDump({ database, from: backups, file, takenBefore })

  it('takes the newest, or the newest before the bad deployment, or the one that is named', async () => {
    const world = damagedShop()
    layDump(world, 'shop-20260203_044500.dump')
    expect(await run(world, dump())).toMatchObject({
      file: '/backups/db/shop-20260203_044500.dump',
      takenAt: '2026-02-03T04:45:00.000Z',
      dated: 'by-name',
    })
    expect(await run(world, dump(null, '2026-02-03T04:45:00Z'))).toMatchObject({
      file: '/backups/db/shop-20260203_040000.dump',
    })
    expect(await run(world, dump('/backups/db/shop-20260203_040000.dump'))).toMatchObject({
      takenAt: '2026-02-03T04:00:00.000Z',
    })
  })

  it.each<[string, (world: FakeWorld) => unknown, string, string]>([
    [
      'of another database',
      (world) => dump(layDump(world, 'shop-20260203_050000.dump', { database: 'blog' })),
      'verification',
      'is a dump of the database blog, not of shop',
    ],
    [
      'of another engine',
      (world) => dump(layDump(world, 'shop-20260203_050000.dump', { engine: 'sqlite' })),
      'verification',
      'is a sqlite dump, not postgres',
    ],
    [
      'taken when the bad deployment had begun',
      (world) => dump(layDump(world, 'shop-20260203_050000.dump'), '2026-02-03T05:00:00Z'),
      'preflight',
      'not before the bad deployment began (2026-02-03T05:00:00Z)',
    ],
    [
      'older than all',
      () => dump(null, '2026-02-03T01:00:00Z'),
      'preflight',
      'the oldest of 1 was taken 2026-02-03T04:00:00',
    ],
    ['that is not there', () => dump('/backups/db/none.dump'), 'usage', 'does not exist'],
    [
      'that is damaged',
      (world) => {
        const file = layDump(world, 'shop-20260203_050000.dump')
        world.disk.files.set(file, Buffer.from('x'.repeat(50)))
        return dump(file)
      },
      'verification',
      'checksum mismatch in',
    ],
    [
      'too small',
      (world) => (lay(world.disk, '/backups/db/shop-20260203_050000.dump', 'tiny'), dump()),
      'verification',
      'has 4 bytes',
    ],
  ])('refuses one %s', async (_, call, code, message) => {
    const world = damagedShop()
    await expect(run(world, call(world))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    })
  })

  it('says what reading it takes on this disk, so that a dry run does', async () => {
    const world = damagedShop()
    const hands = handsOn(world)
    const unpacked = { bytes: 1_234_567, folder: '/var/tmp' }
    const { inspect } = hands.io.databases
    const databases = {
      ...hands.io.databases,
      inspect: async (...args: Parameters<typeof inspect>) => ({ ...(await inspect(...args)), unpacked }),
    }
    await run(world, dump(), { ...hands, io: { ...hands.io, databases } })
    expect(hands.notes.join('\n')).toMatch(/is unpacked .* 1234567 bytes in \/var\/tmp \(TMPDIR\)/)
    const streamed = handsOn(world)
    await run(world, dump(), streamed)
    expect(streamed.notes.join('\n')).not.toContain('unpacked')
  })

  it('finds before the run that the newest is too old, and only warns where it was asked for', async () => {
    const world = damagedShop()
    world.clock.pass(26 * 3_600_000)
    expect(await preflight(world, dump())).toMatchObject([
      { level: 'refuse', problem: expect.stringContaining('27.0 h ago') as string },
    ])
    expect(await preflight(world, dump('/backups/db/shop-20260203_040000.dump'))).toMatchObject([
      { level: 'warn' },
    ])
    expect(await preflight(world, dump(null, '2026-02-03T04:30:00Z'))).toEqual([])
    expect(await preflight(world, verifyBackup({ from: backups, file: null }))).toMatchObject([
      { level: 'refuse' },
    ])
  })
})

describe('plain SQL', () => {
  const plain = async (world: FakeWorld) =>
    handsOn(world).look.databases.inspect(
      database,
      layDump(world, 'shop-20260203_040500.sql', { format: 'cluster', wrapped: ['gzip'] }),
    )

  it('replaces nothing in place, whatever it holds', async () => {
    const world = damagedShop()
    await expect(run(world, requireExact({ archive: await plain(world) }))).rejects.toMatchObject({
      code: 'verification',
      hint: expect.stringContaining('--strategy beside') as string,
    })
    const archive = await handsOn(world).look.databases.inspect(
      database,
      layDump(world, 'shop-20260203_040600.dump'),
    )
    expect(await run(world, requireExact({ archive }))).toEqual(archive)
  })

  it('is trusted only if each row that was counted in it is in the copy', async () => {
    const world = damagedShop()
    const archive = await plain(world)
    await handsOn(world).io.databases.restoreBeside(database, archive, 'shop__rb_plain')
    const copy = { name: 'shop__rb_plain', bytes: 1 }
    const asserted = (of: typeof archive) =>
      run(world, assertRestored({ database, copy, archive: of, assertions: [] }))
    expect(await asserted(archive)).toMatchObject({ name: copy.name })
    const [counted] = archive.contents?.rows ?? []
    if (archive.contents === undefined || counted === undefined) throw new Error('nothing was counted')
    const more = { ...archive.contents, rows: [{ ...counted, rows: counted.rows + 1 }] }
    await expect(asserted({ ...archive, contents: more })).rejects.toThrow(
      'its rows differ from those in the dump',
    )
    await expect(asserted({ ...archive, format: 'custom', contents: more })).resolves.toMatchObject({
      name: copy.name,
    })
  })
})

test.each([
  [[], 'checks that tables are there and have rows, since no assertions are configured.'],
  [['a'], 'checks the one configured assertion.'],
  [['a', 'b'], 'checks the 2 configured assertions.'],
])('a plan says what %j assertions come to', (names, words) => {
  const assertions = names.map((name) => ({ name, sql: 'select 1', expect: { equals: 1 } }))
  const archive = { file: '/backups/db/x.dump' } as unknown as Parameters<typeof assertRestored>[0]['archive']
  const { step, input } = opened(
    assertRestored({ database, copy: { name: 'copy', bytes: 1 }, archive, assertions }),
  )
  expect(step.describe(input)).toContain(words)
})

describe('requireFit', () => {
  const fit = async (world: FakeWorld, file = '/backups/db/shop-20260203_040000.dump') =>
    requireFit({ database, archive: await handsOn(world).look.databases.inspect(database, file) })

  it('says what it compared', async () => {
    const world = damagedShop()
    expect(await run(world, await fit(world))).toMatchObject({ server: '17.6', major: 17, host: 'pretended' })
  })

  it('says with whose rights the dump will be restored', async () => {
    const world = damagedShop()
    const [limited, hands] = [await fit(world), handsOn(world)]
    expect(await run(world, limited, hands)).toMatchObject({
      rights: expect.stringMatching(/^as \S+__partial, without superuser rights$/) as string,
    })
    expect(hands.notes).toEqual([expect.stringContaining('without superuser rights') as string])
    world.server.superuserNeeds.push('the dump has event trigger guard')
    const [needing, others] = [await fit(world), handsOn(world)]
    const because = 'because the dump has event trigger guard'
    const { user } = database as PostgresDatabase
    expect(await run(world, needing, others)).toMatchObject({
      rights: `with SUPERUSER rights of ${user}, ${because}`,
    })
    expect(others.notes).toEqual([
      `restoring this dump runs its SQL with superuser rights of ${user} on pretended, ${because}`,
    ])
  })

  it('of a restore in place too, which replaces objects of every owner', async () => {
    const world = damagedShop()
    const archive = await handsOn(world).look.databases.inspect(
      database,
      '/backups/db/shop-20260203_040000.dump',
    )
    expect(await run(world, requireFit({ database, archive, strategy: 'in-place' }))).toMatchObject({
      rights: expect.stringContaining('with SUPERUSER rights') as string,
    })
  })

  it.each<[string, Partial<Parameters<typeof dumpBytes>[0]>, string]>([
    ['another major version', { major: 16 }, 'it is a dump of postgres 16, and the server is 17.6'],
    ['a missing role', { roles: ['app', 'boss'] }, 'the server lacks the roles boss'],
    ['a missing extension', { extensions: ['postgis'] }, 'the server lacks the extensions postgis'],
  ])('refuses %s', async (_, more, message) => {
    const world = damagedShop()
    await expect(
      run(world, await fit(world, layDump(world, 'shop-20260203_043000.dump', more))),
    ).rejects.toMatchObject({ code: 'verification', message: expect.stringContaining(message) as string })
  })

  it('finds a standby before the run', async () => {
    const world = damagedShop()
    world.server.acceptsWrites = false
    expect(await preflight(world, await fit(world))).toMatchObject([
      { level: 'refuse', problem: expect.stringContaining('read-only') as string },
    ])
  })
})

describe('assertRestored', () => {
  const assert = async (
    world: FakeWorld,
    tables: Parameters<typeof dumpBytes>[0]['tables'],
    archived = tables,
  ) => {
    const file = layDump(world, 'shop-20260203_043000.dump', { tables: archived })
    world.server.databases.set('copy', { tables, generation: 'x', owner: 'app' })
    return assertRestored({
      database,
      copy: { name: 'copy', bytes: 1 },
      archive: await handsOn(world).look.databases.inspect(database, file),
      assertions: needed(shop.assertions),
    })
  }

  it('counts, asks, and reads the migration revision', async () => {
    const world = damagedShop()
    const hands = handsOn(world)
    expect(
      await run(
        world,
        await assert(world, { orders: goodOrders, alembic_version: [{ version_num: 'c3' }] }),
        hands,
      ),
    ).toEqual({
      name: 'copy',
      tables: [
        { table: 'alembic_version', rows: 1 },
        { table: 'orders', rows: 2 },
      ],
      revision: 'c3',
      answers: [{ name: 'there are orders', answer: 2 }],
    })
    expect(hands.notes).toEqual(['2 tables, 3 rows, revision c3'])
  })

  it.each<
    [string, Parameters<typeof dumpBytes>[0]['tables'], Parameters<typeof dumpBytes>[0]['tables'], string]
  >([
    [
      'lacks a table of the dump',
      { orders: goodOrders },
      { orders: goodOrders, customers: [{ id: 1 }] },
      'tables of the dump are missing from the copy: customers',
    ],
    ['is empty', { orders: [] }, {}, 'every table of the copy is empty'],
    ['has no tables', {}, {}, 'the copy has no tables'],
    [
      'answers wrongly',
      { orders: [], other: [{ id: 1 }] },
      {},
      'assertion "there are orders" failed: expected at least 1, found 0',
    ],
  ])('refuses a copy that %s', async (_, tables, archived, message) => {
    const world = damagedShop()
    await expect(run(world, await assert(world, tables, archived))).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining(message) as string,
    })
  })

  it.each<[Json, Parameters<typeof meets>[1], boolean]>([
    [5, { atLeast: 5 }, true],
    ['5', { atLeast: 5 }, true],
    [4, { atLeast: 5 }, false],
    [null, { atLeast: 0 }, false],
    ['', { atLeast: 0 }, false],
    [true, { atLeast: 0 }, false],
    ['x', { atLeast: 0 }, false],
    ['12', { equals: 12 }, true],
    ['', { equals: 0 }, false],
    [{ a: 1 }, { equals: { a: 1 } }, true],
    ['a', { oneOf: ['b', 'a'] }, true],
    ['c', { oneOf: ['a'] }, false],
    [null, { equals: null }, true],
  ])('meets: %j and %j is %j', (answer, expected, verdict) => expect(meets(answer, expected)).toBe(verdict))
})

describe('checkHealth', () => {
  const url = 'http://shop/health'
  const health = () => checkHealth({ checks: needed(shop.health) })
  const ok = { status: 200, json: { ok: true } }

  it('says how often a check must pass', () => {
    const saying = (passes: number): string => {
      const checks = needed(shop.health).map((check) => ({ ...check, passes }))
      return checkHealth({ checks }).step.describe({ checks })
    }
    expect(saying(1)).toContain(' answers 200, once, for at most 60 s.')
    expect(saying(3)).toContain(' answers 200, 3 times in a row, for at most 60 s.')
  })

  it('wants as many passes in a row as the configuration says', async () => {
    const world = damagedShop()
    world.web.answers.set(url, [
      'refused',
      ok,
      { status: 500 },
      ok,
      { status: 200, json: { ok: false } },
      ok,
      ok,
    ])
    expect(await run(world, health())).toMatchObject({ checks: [{ tries: 7, status: 200 }] })
  })

  it('gives up when its time is up, and says what it saw last', async () => {
    const world = damagedShop()
    world.web.answers.set(url, [{ status: 503 }])
    await expect(run(world, health())).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(
        /not healthy within 60 s \(6[01] tries\): .* answered 503, not 200/,
      ) as string,
    })
  })

  describe('by the own check of a service', () => {
    const service = { stack: needed(shop.stack), names: ['web'] }
    const checks = [{ name: 'web', service, passes: 2, withinSeconds: 5, everySeconds: 1 }]
    const seeded = (state: 'healthy' | 'unhealthy' | 'starting' | 'none') => {
      const world = damagedShop()
      const web = needed(world.fleet.services.get('web'))
      web.health = state
      return { world, web }
    }

    it('says so', () => {
      expect(checkHealth({ checks }).step.describe({ checks })).toBe(
        'Waits until the health check of web has passed, 2 times in a row, for at most 5 s.',
      )
    })

    it('needs as many passes in a row, and no request', async () => {
      const { world } = seeded('healthy')
      world.web.answers.clear()
      expect(await run(world, checkHealth({ checks }))).toEqual({
        checks: [{ name: 'web', service: 'web', tries: 2, milliseconds: expect.any(Number) as number }],
      })
    })

    it.each([
      ['unhealthy', 'web is unhealthy by its own check'],
      ['starting', 'the health check of web is still starting'],
      ['none', 'web runs, but has no health check of its own'],
    ] as const)('does not take %s for healthy', async (state, why) => {
      await expect(run(seeded(state).world, checkHealth({ checks }))).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining(why) as string,
      })
    })

    it('is seen by diagnose, which asks no address for it', async () => {
      const { world, web } = seeded('unhealthy')
      world.web.answers.clear()
      const sights = [{ case: 'deploy-failed', evidence: 'web is unhealthy by its own check' }]
      expect(await run(world, inspectHealth({ checks }))).toEqual({ sights })
      web.health = 'healthy'
      expect(await run(world, inspectHealth({ checks }))).toEqual({ sights: [] })
      for (const service of world.fleet.services.values()) service.instance = null
      expect(await run(world, inspectPorts({ stack: needed(shop.stack), checks }))).toEqual({ sights: [] })
    })

    it('does not take one that is missing for healthy', async () => {
      const { world, web } = seeded('healthy')
      web.instance = null
      await expect(run(world, checkHealth({ checks }))).rejects.toThrow('web is missing')
    })
  })

  it.each([
    [{ status: 201, json: null }, 'answered 201'],
    [{ status: 200, json: { ok: false } }, 'ok = false'],
    [{ status: 200, json: null }, 'ok = undefined'],
    [{ status: 200, json: { ok: true, more: 1 } }, null],
  ])('holds %j against a check', (answer, why) => {
    const found = mismatch(
      { url, status: 200, json: { ok: true } },
      { excerpt: '', milliseconds: 1, ...answer },
    )
    if (why === null) expect(found).toBeNull()
    else expect(found).toContain(why)
  })
})

describe('checkKeyFiles', () => {
  it('names all that is wrong at once', async () => {
    const world = damagedShop()
    const at = (path: string, body: string): void => lay(world.disk, `/root/${path}`, body)
    at('a.json', '{"x":{"y":2}}')
    at('b.yaml', 'x: [1')
    at('c.toml', 'x = "y"')
    at('d.db', 'no database')
    at('e.txt', '')
    const file = (
      path: string,
      parse: 'none' | 'json' | 'yaml' | 'toml' | 'sqlite',
      expected: Record<string, Json> = {},
      minBytes = 1,
    ) => ({ path, parse, minBytes, expect: expected })
    await expect(
      run(
        world,
        checkKeyFiles({
          root: '/root',
          files: [
            file('a.json', 'json', { 'x.y': 3 }),
            file('b.yaml', 'yaml'),
            file('c.toml', 'toml', { x: 'y' }),
            file('d.db', 'sqlite'),
            file('e.txt', 'none'),
            file('f.txt', 'none'),
          ],
        }),
      ),
    ).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringMatching(
        /a\.json has x\.y = 2, expected 3; cannot read b\.yaml as yaml.*; cannot read d\.db .*no SQLite header.*; e\.txt has 0 bytes.*; f\.txt is missing/s,
      ) as string,
    })
  })
})

describe('what is run for its exit code', () => {
  it('fails where it is not zero, and says where its output is', async () => {
    const world = damagedShop()
    const smoke = world.fleet.services.get('smoke')
    if (smoke !== undefined) smoke.once = () => ({ exitCode: 3, output: 'no' })
    await expect(run(world, runOneOff({ oneOff: needed(shop.smoke) }))).rejects.toThrow(
      'smoke ended with exit code 3',
    )
    world.programs.installed.set('npm', { version: '11', run: () => ({ exitCode: 1 }) })
    const command = runCommand({
      argv: ['npm', 'ci'],
      directory: '/srv/staging',
      environment: {},
      within: 'smoke test',
    })
    await expect(run(world, command)).rejects.toThrow('"npm ci" ended with exit code 1')
    expect(opened(command).step.needs?.(opened(command).input)).toMatchObject([{ program: 'npm' }])
  })

  describe('whose image is not on this machine, as after `docker image prune --all`', () => {
    const line = 'docker compose --project-name shop --file /srv/shop/compose.yml'
    const web = { services: { stack, names: ['web'] } }
    const missing = (world: FakeWorld): FakeWorld => {
      needed(world.fleet.services.get('web')).instance = null
      return world
    }

    it.each([
      ['a one-off', 'smoke:2', 'smoke', () => runOneOff({ oneOff: needed(shop.smoke) })],
      ['a service without a container', 'web:2', 'web', () => startServices(web)],
    ] as const)('%s is warned of, with the command', async (_, image, service, call) => {
      expect(await preflight(missing(damagedShop()), call())).toEqual([
        {
          level: 'warn',
          about: service,
          problem: `${image}, the image of ${service}, is not on this machine: the run fails if Compose cannot pull it then`,
          hint: `get it now: ${line} pull ${service}; if it is built here: ${line} build ${service}`,
        },
      ])
      const world = missing(damagedShop())
      world.images.images.set(`sha256:${'c1'.repeat(32)}`, fakeImage(image))
      expect(await preflight(world, call())).toEqual([])
    })

    it('is refused where it is built, since no run builds an image', async () => {
      const { step, input } = opened(runOneOff({ oneOff: needed(shop.smoke) }))
      const { look } = handsOn(damagedShop())
      const declared = async () => [{ service: 'smoke', image: null }]
      const built = { ...look, services: { ...look.services, declared } }
      expect(await step.preflight?.(built, input, alone)).toMatchObject([
        { level: 'refuse', hint: `${line} build smoke` },
      ])
    })

    it('is refused where it has a name and is built, since a one-off pulls no such image', async () => {
      const { step, input } = opened(runOneOff({ oneOff: needed(shop.smoke) }))
      const { look } = handsOn(damagedShop())
      const declared = async () => [{ service: 'smoke', image: 'smoke:2', built: true as const }]
      const built = { ...look, services: { ...look.services, declared } }
      expect(await step.preflight?.(built, input, alone)).toMatchObject([
        {
          level: 'refuse',
          problem: 'smoke:2, the image of smoke, is not on this machine, and a run builds none',
          hint: `${line} build smoke; or ${line} pull smoke`,
        },
      ])
    })

    it('is of no interest where the container is there', async () => {
      expect(await preflight(damagedShop(), startServices(web))).toEqual([])
    })
  })

  it('is refused where what it depends on is down, and no step starts that', async () => {
    const { step, input } = opened(runOneOff({ oneOff: needed(shop.smoke) }))
    const world = damagedShop()
    world.images.images.set(`sha256:${'c1'.repeat(32)}`, fakeImage('smoke:2'))
    const { look } = handsOn(world)
    const declared = async () => [{ service: 'smoke', image: 'smoke:2', needs: ['web'] }]
    const depending = { ...look, services: { ...look.services, declared } }
    expect(await step.preflight?.(depending, input, alone)).toEqual([])
    needed(world.fleet.services.get('web')).instance = null
    expect(await step.preflight?.(depending, input, alone)).toMatchObject([
      {
        level: 'refuse',
        problem: 'smoke depends on web, which has no container, and no step starts it',
        hint: expect.stringContaining(' up --detach --no-deps web; or take it out') as string,
      },
    ])
    const started = { ...alone, starterOf: () => 'Start writers' }
    expect(await step.preflight?.(depending, input, started)).toEqual([])
  })

  it('is refused before the run where the stack does not know it', async () => {
    const world = damagedShop()
    expect(
      await preflight(world, runOneOff({ oneOff: { stack, service: 'smoek', command: [] } })),
    ).toMatchObject([{ level: 'refuse', problem: 'service smoek not found in the stack shop' }])
    await expect(
      preflight(world, stopServices({ services: { stack, names: ['wbe'] } })),
    ).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('approval', () => {
  const ask = (acceptsEnvironment = false) =>
    approval({ phrase: 'do it', showing: { database: 'shop' }, acceptsEnvironment })

  it('takes the phrase, letter for letter', async () => {
    const world = damagedShop()
    world.person = somebody('Do it', 'do it')
    expect(await run(world, ask())).toMatchObject({ by: 'somebody', how: 'terminal', text: 'do it' })
    world.person = somebody('x', 'y', 'z')
    await expect(run(world, ask())).rejects.toMatchObject({ code: 'preflight' })
  })

  it('is refused before the run where nobody can be asked', async () => {
    const world = damagedShop()
    world.person = nobody
    expect(await preflight(world, ask())).toMatchObject([{ level: 'refuse', hint: "add --confirm 'do it'" }])
    world.person = { ...nobody, confirm: 'do it' }
    expect(await preflight(world, ask())).toEqual([])
    world.person = { ...nobody, restoreConfirm: 'YES' }
    expect(await preflight(world, ask())).toHaveLength(1)
    expect(await preflight(world, ask(true))).toEqual([])
  })
})

describe('room', () => {
  it('is looked for before the run', async () => {
    const world = damagedShop()
    const calls = [
      dumpDatabase({ database, name: 'shop', folder: '/backups/kept', label: 'current' }),
      makeStaging({ under: '/srv/staging' }),
      restoreBeside({
        database,
        archive: await handsOn(world).look.databases.inspect(
          database,
          '/backups/db/shop-20260203_040000.dump',
        ),
      }),
    ]
    for (const call of calls) expect(await preflight(world, call)).toEqual([])
    world.disk.freeBytes = 0
    for (const call of calls) expect(await preflight(world, call)).toMatchObject([{ level: 'refuse' }])
  })

  const data = needed(shop.data)
  const at = { stack, service: 'web', path: '/data/shop.db' }
  const folder = '/srv/live'
  type Contents = Omit<Parameters<typeof makeStaging>[0], 'under'>
  it.each<readonly [string, Contents, (world: FakeWorld) => number]>([
    [
      'an archive: it is decrypted and unpacked',
      { archives: [{ from: data.place, file: null }] },
      ({ disk }) => 2 * sizeOf(disk.files, '/backups/data/'),
    ],
    [
      'a plain archive: it is unpacked',
      { archives: [{ from: needed(shop.bundle).place, file: null }] },
      ({ disk }) => sizeOf(disk.files, '/backups/releases/'),
    ],
    [
      'a backup that is read as it is: an encrypted one is decrypted',
      { archives: [{ from: data.place, file: null, as: 'decrypted' }] },
      ({ disk }) => sizeOf(disk.files, '/backups/data/'),
    ],
    [
      'a plain backup that is read as it is: nothing',
      { archives: [{ from: backups, file: null, as: 'decrypted' }] },
      () => 1,
    ],
    [
      'a copy of a folder, which is used in place: nothing',
      { archives: [{ from: { ...data.place, pattern: 'tree-{time}' }, file: null, as: 'tree' }] },
      () => 1,
    ],
    [
      'a folder that is archived and unpacked again, without what is excluded',
      { folders: [{ folder, exclude: ['*.log', 'cache'] }] },
      () => 700,
    ],
    ['a file of a volume that is copied', { copies: [at] }, () => 900],
    ['several: the sum', { copies: [at], folders: [{ folder, exclude: ['*.log', 'cache'] }] }, () => 1600],
  ])('staging must have room for %s', async (_, contents, bytes) => {
    const world = damagedShop()
    layInVolume(world.volumes, 'web', at.path, 'x'.repeat(900))
    lay(world.disk, `${folder}/shop.db`, 'x'.repeat(400))
    lay(world.disk, `${folder}/deep/er/page`, 'x'.repeat(300))
    lay(world.disk, `${folder}/noise.log`, 'x'.repeat(5_000))
    lay(world.disk, `${folder}/cache/entry`, 'x'.repeat(5_000))
    lay(world.disk, '/backups/data/tree-20260203_040000/page', 'x'.repeat(5_000))
    const call = makeStaging({ under: '/srv/staging', ...contents })
    const needs = bytes(world)
    world.disk.freeBytes = needs
    expect(await preflight(world, call)).toEqual([])
    world.disk.freeBytes = needs - 1
    expect(await preflight(world, call)).toMatchObject([
      { level: 'refuse', about: '/srv/staging', hint: 'make room: df -h /srv/staging' },
    ])
  })
})

const sizeOf = (files: ReadonlyMap<string, Uint8Array>, under: string): number =>
  [...files].reduce(
    (sum, [path, body]) =>
      sum + (path.startsWith(under) && !/\.sha256$|\/tree-/.test(path) ? body.length : 0),
    0,
  )

describe('logResult', () => {
  const line = async (
    run: Parameters<typeof handsOn>[1],
    about: string | null = 'a.dump',
  ): Promise<string> => {
    const world = damagedShop()
    const { io } = handsOn(world, run)
    const { step, input } = opened(logResult({ checklist: null, about }))
    if (!acts(step)) throw new Error('it does not act')
    const before = (await step.survey(io, input)) as Json
    expect(before).toEqual({ file: '/artifacts/3.10/restore-checklist.md' })
    await step.run(io, { input, before })
    return (
      Buffer.from(world.disk.files.get('/artifacts/3.10/restore-checklist.md') ?? [])
        .toString()
        .trimEnd()
        .split('\n')
        .at(-1) ?? ''
    )
  }

  it('writes one line under a heading, with what was measured', async () => {
    expect(await line({})).toBe(
      '| 2026-02-03 05:00 | full-db-rollback | shop | succeeded | a.dump | 1m 1s | – | 1h | 20260203-050000-abcde | ada |',
    )
  })

  it('keeps one row one row, whatever is in it', async () => {
    const odd = await line(
      { by: 'eve | ada\n| x', standing: { ...facts.standing, outcome: 'rolled-back', failure: 'a|b\r\nc' } },
      null,
    )
    expect(odd.split(/(?<!\\)\|/)).toHaveLength(12)
    expect(odd).toContain('rolled-back: a\\|b  c')
  })
})

describe('names beside the live one', () => {
  it.each([
    ['shop', 'shop__rb_20260203_050000_abcde'],
    ['x'.repeat(63), `${'x'.repeat(28)}__rb_20260203_050000_abcde`],
  ])('of %j is %j', (live, name) => {
    expect(besideName(live, 'rb', facts.id)).toBe(name)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(54)
  })
  it('stays within the bytes that a server keeps, also for letters of several bytes', () => {
    expect(Buffer.byteLength(besideName('ü'.repeat(40), 'old', facts.id))).toBeLessThanOrEqual(63)
  })
})

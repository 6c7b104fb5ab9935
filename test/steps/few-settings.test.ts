import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import diagnose from '../../runbooks/diagnose.ts'
import findGood from '../../runbooks/find-good-backup.ts'
import fullDbRollback from '../../runbooks/full-db-rollback.ts'
import rapidRollback from '../../runbooks/rapid-rollback.ts'
import restoreTest from '../../runbooks/restore-test.ts'
import { packagedBooks } from '../../src/cli/catalog.ts'
import { catalogue } from '../../src/config/catalogue.ts'
import { configSchema } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { sections } from '../../src/sections/index.ts'
import { configTopic } from '../../src/views/config-text.ts'
import { listText } from '../../src/views/list.ts'
import { missingSections, sectionsOf, type Target } from '../../src/model/target.ts'
import { doesTheSame } from '../../src/model/work.ts'
import { planOf } from '../../src/model/plan.ts'
import { fallbacksOf, type Runbook } from '../../src/model/runbook.ts'
import { paramLines } from '../../src/views/params.ts'
import { planMarkdown } from '../../src/views/plan-markdown.ts'
import { planText } from '../../src/views/plan-text.ts'
import { dryRunText } from '../../src/views/dry-run.ts'
import { reportOf } from '../../src/views/report.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { dumpBytes, fakeImage, fakeMachine, lay, type FakeWorld } from '../../src/testing/index.ts'
import { doctorOn, foundBy, healthyShop, journalOf } from '../run/readiness/healthy.ts'
import { badOrders, damagedShop, goodOrders } from './fake-shop.ts'

/** What a team has to write: eight lines. */
const eightLines = {
  stack: { kind: 'compose', project: 'shop', files: ['compose.yml'] },
  writers: ['web', 'worker'],
  database: { engine: 'postgres', service: 'db', name: 'shop', user: 'app' },
  backups: { directory: '/backups/db', pattern: 'shop-{time}.dump', maxAge: '26h', minBytes: 10 },
  health: [{ name: 'web', url: 'http://shop/health' }],
}
const of = (sections: object): Target =>
  targetOf(configSchema.parse({ targets: { shop: sections } }), 'shop', {
    directory: '/srv/shop',
    home: '/root',
    host: 'pretended',
  })

/** The image of the service `db` is here, that of a throwaway by its own name is not. */
function world(): FakeWorld {
  const shop = damagedShop()
  shop.images.images.set(`sha256:${'a1'.repeat(32)}`, fakeImage('postgres:17'))
  return shop
}

const few = of(eightLines)
const noSmoke = 'no smoke test is configured: only the health checks prove that the application works'
const noAssertions = 'no assertions are configured'
const noRetention = 'no retention is configured: replaced data is dumped into /backups/db/replaced'
const noRestoreTest = 'no restoreTest is configured: the throwaway server has the image of the service db'
const noApp = 'no app is configured: a release is taken to be the writers, web, worker'

test('the doctor looks at the runbooks that work with defaults, and at the proofs that they owe', async () => {
  const reports = await doctorOn(healthyShop(), { target: few, journal: journalOf([]) })
  const factsOf = (check: string) => reports.find((report) => report.check === check)?.facts.join('\n')
  const fitting = (await packagedBooks()).filter(({ about }) => missingSections(about, few).length === 0)
  expect(fitting.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['full-db-rollback', 'restore-test', 'rapid-rollback']),
  )
  expect(factsOf('runbooks')).toContain(`${fitting.length} runbooks fit`)
  expect(foundBy(reports).map(({ problem }) => problem)).toContain('restore-test has never succeeded on shop')
})

test('the doctor looks for the image that a throwaway server will have', async () => {
  const seen = async (world: FakeWorld) =>
    foundBy(await doctorOn(world, { target: of({ ...eightLines, restoreTest: {} }), journal: journalOf([]) }))
      .filter(({ check }) => check === 'images')
      .map(({ problem }) => problem)
      .filter((problem) => problem.includes('Postgres'))
  expect(await seen(world())).toEqual([])
  expect(await seen(damagedShop())).toEqual([
    expect.stringContaining('the image postgres:17-alpine is not on this machine'),
  ])
})

const shown = (book: Runbook, target: Target): string => {
  const { plan } = planOf(book, target, fallbacksOf(book))
  const markdown = planMarkdown(plan, paramLines(book.about.params)).replaceAll('\\', '')
  for (const { says } of plan.defaults ?? []) expect(markdown).toContain(says)
  return planText(plan, paramLines(book.about.params))
}

describe('with eight lines of configuration', () => {
  const cases: readonly (readonly [string, Runbook, readonly string[]])[] = [
    ['full-db-rollback', fullDbRollback, [noSmoke, noAssertions, noRetention]],
    ['restore-test', restoreTest, [noAssertions, noRestoreTest]],
    ['find-good-backup', findGood, [noAssertions, noRestoreTest]],
    ['rapid-rollback', rapidRollback, [noApp]],
    ['diagnose', diagnose, []],
  ]
  test.each(cases)('%s is planned, and says what each default costs', (_, book, says) => {
    expect(missingSections(book.about, few)).toEqual([])
    const text = shown(book, few)
    for (const line of says) expect(text).toContain(`\n  ${line}`)
    expect(text.split('runbook help config')).toHaveLength(says.length + 1)
    expect(text).not.toContain('‹--dump›')
  })

  test('full-db-rollback brings the data back, and dry run and report say what is less certain', async () => {
    const shop = world()
    const machine = fakeMachine(shop, { book: fullDbRollback, target: few })
    expect((await machine.dryRun({})).code).toBe('succeeded')
    const foreseen = dryRunText(machine.entries, [])
    expect(foreseen).toContain(`\nNot configured:\n  - ${noAssertions}`)
    expect(foreseen).toContain(`\n  - ${noSmoke} (\`runbook help config smoke\`)\n`)
    expect((await machine.run({})).code).toBe('succeeded')
    expect(shop.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
    const report = reportOf(recordOf(machine.entries))
    expect(report).toContain('## Not configured\n\n- `assertions`: `no assertions')
    expect(report).toContain(`- \`smoke\`: \`${noSmoke}\``)
    expect(
      [...shop.disk.files.keys()].filter((file) => file.startsWith('/backups/db/replaced/')),
    ).not.toEqual([])
    expect(shop.faults.reached.some((moment) => moment.includes('runOneOff'))).toBe(false)
  })

  test('full-db-rollback still refuses an empty copy, and names the command with the next older one', async () => {
    const shop = world()
    const file = '/backups/db/shop-20260203_041000.dump'
    const body = dumpBytes({
      engine: 'postgres',
      major: 17,
      database: 'shop',
      takenAt: '2026-02-03T04:10:00Z',
      tables: { orders: [] },
      roles: [],
      extensions: [],
    })
    lay(shop.disk, file, body)
    lay(shop.disk, `${file}.sha256`, `${sha256(body)}  shop-20260203_041000.dump\n`)
    const result = await fakeMachine(shop, { book: fullDbRollback, target: few }).run({})
    expect(result.code).toBe('verification')
    expect(JSON.stringify(result)).toContain('every table of the copy is empty')
    expect(JSON.stringify(result)).toContain(
      'runbook run full-db-rollback --target shop --strategy beside --dump /backups/db/shop-20260203_040000.dump',
    )
    expect(shop.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
  })

  test('restore-test uses the image that the stack has, and needs no record', async () => {
    const shop = world()
    const machine = fakeMachine(shop, { book: restoreTest, target: few })
    expect((await machine.run({})).code).toBe('succeeded')
    const report = reportOf(recordOf(machine.entries))
    expect(report).toContain('postgres:17')
    expect(report).not.toContain('alpine, 17')
    expect(report).toContain(noRestoreTest)
    expect(shop.containers.containers.size).toBe(0)
  })

  test('restore-test takes the official image where the one of the stack is not here, and names both cures where none is', async () => {
    const shop = damagedShop()
    const bare = await fakeMachine(shop, { book: restoreTest, target: few }).run({})
    expect(bare.code).toBe('preflight')
    expect(JSON.stringify(bare)).toContain('set restoreTest.image in runbook.config.ts')
    shop.images.images.set(`sha256:${'a2'.repeat(32)}`, fakeImage('postgres:17-alpine'))
    expect((await fakeMachine(shop, { book: restoreTest, target: few }).run({})).code).toBe('succeeded')
  })

  test('restore-test stops where the image of the stack is older than the dump', async () => {
    const shop = damagedShop()
    const service = shop.fleet.services.get('db')
    if (service !== undefined) service.declared = 'postgres:16'
    shop.images.images.set(`sha256:${'a3'.repeat(32)}`, fakeImage('postgres:16'))
    const result = await fakeMachine(shop, { book: restoreTest, target: few }).run({})
    expect(result.outcome).toBe('rolled-back')
    expect(JSON.stringify(result)).toMatch(/the image postgres:16 has Postgres 16\.\d+, and .* comes from 17/)
    expect(shop.containers.containers.size).toBe(0)
  })

  test('diagnose suggests what defaults make possible', async () => {
    expect(sectionsOf(few)).toEqual(expect.arrayContaining(['assertions', 'retention', 'app', 'restoreTest']))
    expect(sectionsOf(few)).not.toContain('smoke')
    const { plan } = planOf(diagnose, few, fallbacksOf(diagnose))
    expect(JSON.stringify(plan.steps.at(-1)?.input)).toContain('"retention"')
    expect((await fakeMachine(world(), { book: diagnose, target: few }).run({})).code).toBe('succeeded')
  })
})

describe('a default', () => {
  const full = {
    ...eightLines,
    app: ['web'],
    assertions: [],
    retention: { dumps: '/kept', keepOld: '1d' },
    smoke: { service: 'smoke' },
    restoreTest: { image: 'postgres:{major}-alpine' },
  }

  test('gives way to what is configured, and leaves the plan without a word', () => {
    for (const book of [fullDbRollback, restoreTest, rapidRollback]) {
      const { plan } = planOf(book, of(full), fallbacksOf(book))
      expect(plan).not.toHaveProperty('defaults')
      expect(JSON.stringify(plan.target)).toBe(JSON.stringify(of(full)))
    }
    expect(of(full).restoreTest).not.toHaveProperty('imageOf')
  })

  test('is in the plan only where the runbook needs it', () => {
    const { plan } = planOf(restoreTest, few, fallbacksOf(restoreTest))
    expect(plan.target).toHaveProperty('restoreTest')
    expect(plan.target).toHaveProperty('assertions')
    expect(plan.target).not.toHaveProperty('retention')
    expect(few).not.toHaveProperty('assertions')
  })

  test('that is worded in another way does not stop a resume', () => {
    const { plan } = planOf(fullDbRollback, few, fallbacksOf(fullDbRollback))
    expect(doesTheSame({ ...plan, defaults: [{ section: 'smoke', says: 'other words' }] }, plan)).toBe(true)
    const other = planOf(fullDbRollback, of({ ...eightLines, smoke: { service: 'smoke' } }), {}).plan
    expect(doesTheSame(plan, other)).toBe(false)
  })

  test('that builds on a missing section is missing too, and the refusal names the page of each', () => {
    const { writers: _writers, backups: _backups, ...less } = eightLines
    expect(missingSections(rapidRollback.about, of(less))).toEqual(['app'])
    expect(() => planOf(fullDbRollback, of(less), {})).toThrow(
      'cannot plan full-db-rollback for shop: not configured: backups, writers, retention',
    )
    try {
      planOf(fullDbRollback, of(less), {})
    } catch (thrown) {
      expect((thrown as { readonly hint: string }).hint).toContain('`runbook help config writers`')
    }
    const sqlite = of({ ...eightLines, database: { engine: 'sqlite', file: 'shop.db' } })
    expect(missingSections(restoreTest.about, sqlite)).toEqual(['restoreTest'])
  })
})

test('docs/targets.md has a row for each section with a default', async () => {
  const page = await readFile(new URL('../../docs/targets.md', import.meta.url), 'utf8')
  const chapter = page.slice(page.indexOf('\n## Defaults\n'), page.indexOf('\n## Files and folders\n'))
  const rows = [...chapter.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  const table: readonly (readonly [string, { readonly absent?: unknown }])[] = Object.entries(sections)
  expect(rows.sort()).toEqual(
    table.flatMap(([name, { absent }]) => (absent === undefined ? [] : [name])).sort(),
  )
})

test('a runbook that fits no target names the page of each section that is missing', () => {
  const targets = [{ name: 'shop', lacks: missingSections(fullDbRollback.about, of({ title: 'Empty' })) }]
  const { name, about } = fullDbRollback
  expect(listText([{ name, from: 'package', title: about.title, when: about.when, targets }])).toContain(
    [
      '  Not for: shop (missing: database, backups, writers, health, retention)',
      '  To configure: runbook help config database; runbook help config backups; runbook help config writers; runbook help config health; runbook help config retention\n',
    ].join('\n'),
  )
})

test('the help of a section says what applies without it', () => {
  const topic = catalogue().find(({ name }) => name === 'smoke')
  expect(topic === undefined ? '' : configTopic(topic, undefined)).toContain(
    '\n  Default: no smoke test; the health checks alone prove that the application works.\n',
  )
})

import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import spot from '../../runbooks/monthly-spot-restore.ts'
import { planOf } from '../../src/model/plan.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { fakeMachine, nobody, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself, type Procedure } from '../fixtures/matrix.ts'
import { badOrders, damagedShop, goodOrders, shop } from './fake-shop.ts'

const checklist = '/artifacts/checklist.md'

function logged(world: FakeWorld, { run }: Result): void {
  const told = Buffer.from(world.disk.files.get(checklist) ?? []).toString()
  expect(told.split('\n').filter((line) => line.includes(run))).toHaveLength(1)
  expect(told).toContain('| succeeded |')
}

function rolledBack(world: FakeWorld, result: Result): void {
  logged(world, result)
  expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
  expect(
    [...world.fleet.services.values()].filter(({ instance }) => instance?.state === 'running'),
  ).toHaveLength(3)
  const kept = [...world.disk.files.keys()].filter((path) => path.startsWith('/backups/kept/'))
  expect(kept).toEqual([
    expect.stringMatching(/^\/backups\/kept\/shop-[\w-]+\.dump$/),
    `${kept[0]}.manifest.json.sig`,
    `${kept[0]}.manifest.json`,
  ])
}

function lookedAt(world: FakeWorld, result: Result): void {
  logged(world, result)
  expect(world.disk.folders.has('/srv/staging')).toBe(true)
  expect([...world.disk.files.keys()].filter((path) => path.startsWith('/srv/staging/'))).toEqual([])
  expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
}

// Dumps state when they were taken
const common = {
  target: shop,
  world: damagedShop,
  records: [checklist],
  dated: (path: string) => path.startsWith('/backups/kept/'),
}
const procedures: readonly Procedure[] = [
  {
    ...common,
    name: 'full-db-rollback beside',
    book: rollback,
    params: { strategy: 'beside' },
    succeeded: rolledBack,
  },
  {
    ...common,
    name: 'full-db-rollback in place',
    book: rollback,
    params: { strategy: 'in-place' },
    succeeded: rolledBack,
  },
  { ...common, name: 'monthly-spot-restore', book: spot, params: {}, succeeded: lookedAt },
]

procedures.forEach(provesItself)

describe.each(procedures)('$name', ({ book, target, params, world }) => {
  it('names the dry run that foretold it', async () => {
    const machine = fakeMachine(world(), { book, target })
    const { run } = await machine.dryRun(params)
    await machine.run(params)
    expect(machine.entries[0]?.entry).toMatchObject({ type: 'opened', mode: 'run', foretoldBy: run })
  })
})

it.each(procedures)('the plan of $name needs no driver', ({ book, params }) => {
  expect(planOf(book, shop, params).plan.digest).toBe(planOf(book, shop, { ...params }).plan.digest)
})

const procedure = (book: Runbook): readonly string[] =>
  planOf(book, shop, {}).plan.steps.map(
    ({ title, says, phase, only }) =>
      `${phase}${only.map(({ is }) => ` (${is})`).join('')}: ${title}. ${says}`,
  )

describe('full-db-rollback with the duties of a person', () => {
  const target = { ...shop, duties: ['full-db-rollback'] }
  const said = {
    window: 'compared with the deployment log',
    backup: 'shop-20260203_040000',
    'post-mortem': 'skip: a drill',
  }

  it('asks for the window, the file and the post-mortem, and records who said what', async () => {
    const world = damagedShop()
    world.person = { ...world.person, answers: said }
    const machine = fakeMachine(world, { book: rollback, target })
    const result = await machine.run({ strategy: 'beside' })
    expect(result).toMatchObject({ code: 'succeeded', outcome: 'succeeded' })
    rolledBack(world, result)
    const duties = machine.entries.flatMap(({ entry }) =>
      entry.type === 'ended' &&
      typeof entry.output === 'object' &&
      entry.output !== null &&
      'outcome' in entry.output
        ? [entry.output]
        : [],
    )
    expect(duties).toMatchObject([
      { name: 'window', outcome: 'done', by: 'somebody', text: said.window },
      { name: 'backup', outcome: 'done' },
      { name: 'post-mortem', outcome: 'skipped', text: 'a drill' },
    ])
  })

  it('is refused, before anything is touched, where nobody can be asked and one answer is missing', async () => {
    const world = damagedShop()
    world.person = {
      ...nobody,
      confirm: shop.database?.confirmPhrase ?? '',
      answers: { window: said.window, backup: said.backup },
    }
    const before = world.state()
    const result = await fakeMachine(world, { book: rollback, target }).run({ strategy: 'beside' })
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(JSON.stringify(result.findings)).toContain('--answer post-mortem=')
    expect({ ...world.state(), files: {} }).toEqual({ ...before, files: {} })
  })
})

it('the plan of a rollback reads as a procedure', () => {
  expect(procedure(rollback)).toMatchInlineSnapshot(`
    [
      "reversible: Start the database if it is stopped. Starts db if it is stopped, and waits until it answers.",
      "reversible: Choose and verify the dump. Reads ‹--dump› from /backups/db to its last byte, and compares it with its signed manifest or checksum.",
      "reversible: Check version compatibility. Compares the versions of server, tools and dump for shop, checks that the server has the roles and extensions that the dump needs, and says with whose rights it is restored.",
      "reversible: Compare the dump with the live database. Compares the tables of shop with those of the dump, and refuses if the dump lacks one that has rows, except ‹--accept-loss›.",
      "reversible: Ask the operator. Asks the operator to type "restore shop on pretended".",
      "reversible (beside): Restore beside the live database. Restores the dump ‹after "Choose and verify the dump"› beside shop, which stays in service.",
      "reversible (beside): Assert on the copy. Counts the rows of every table in the copy, reads its migration revision, and checks the one configured assertion; nobody else can connect to it from then on until it goes live.",
      "reversible (beside): Stop writers. Stops web and worker and checks that they are stopped.",
      "reversible (beside): Swap the restored database in. Makes the copy ‹after "Assert on the copy"› the live shop by exchanging names; the old one stays under another name.",
      "reversible (in-place): Check that the dump can replace data in place. Checks that ‹after "Choose and verify the dump"› is of a form that can replace live data in place.",
      "reversible (in-place): Stop writers for the restore in place. Stops web and worker and checks that they are stopped.",
      "reversible (in-place): Dump the live database. Dumps shop into /backups/kept, named before-rollback, reads the dump back and signs its manifest.",
      "reversible (in-place): Restore the dump in place. Replaces the data of shop by ‹after "Check that the dump can replace data in place"› in one transaction.",
      "reversible (in-place): Assert on the restored data. Counts the rows of every table in the copy, reads its migration revision, and checks the one configured assertion.",
      "reversible: Start writers. Starts web and worker without building.",
      "reversible: Check health. Waits until http://shop/health answers 200, 2 times in a row, for at most 60 s.",
      "reversible: Run smoke tests. Runs smoke once and takes its exit code.",
      "committed (beside): Open the old database. Lets sessions connect to ‹after "Swap the restored database in"› again.",
      "committed (beside): Record the old data. Reads every row of the replaced database, for the record.",
      "committed (beside) (true): Dump the old database. Dumps ‹after "Swap the restored database in"› into /backups/kept, named replaced, reads the dump back and signs its manifest.",
      "lastly: Log the result. Adds a line about this run to /artifacts/checklist.md.",
    ]
  `)
})

it('the plan of a spot restore reads as a procedure', () => {
  expect(procedure(spot)).toMatchInlineSnapshot(`
    [
      "reversible: Choose and verify the release bundle. Reads ‹--bundle› from /backups/releases and compares it with its signed manifest or checksum.",
      "reversible: Choose and verify the data archive. Reads ‹--archive› from /backups/data and compares it with its signed manifest or checksum.",
      "reversible: Create a staging folder. Creates an empty folder for this run under /srv/staging.",
      "reversible: Extract the release bundle. Unpacks ‹after "Choose and verify the release bundle"› into staging as bundle; refuses links, devices and paths that lead outside.",
      "reversible: Extract the data archive. Unpacks ‹after "Choose and verify the data archive"› into staging as data; refuses links, devices and paths that lead outside.",
      "reversible: Install production dependencies. Runs "npm ci" in ‹after "Extract the release bundle"›, and refuses a folder that was changed since.",
      "reversible: Start the release in dry-run mode. Runs "node server.js --dry-run" in ‹after "Install production dependencies"›, and refuses a folder that was changed since.",
      "reversible: Spot-check key files. Checks that config.json and shop.db exist, parse and have the expected values.",
      "lastly: Clean up staging. Removes this run's folder under /srv/staging.",
      "lastly: Log the result. Adds a line about this run to /artifacts/checklist.md.",
    ]
  `)
})

it('a spot restore without a dry-run command reports that the start is not tested, and starts nothing', async () => {
  const { bundle } = shop
  if (bundle === undefined) throw new Error('the shop lacks a bundle')
  const target = { ...shop, bundle: { ...bundle, dryRun: null } }
  const { plan } = planOf(spot, target, {})
  expect(plan.steps.map(({ says }) => says)).toContain(
    'Reports what is not tested, since bundle.dryRun is not set: whether the release starts.',
  )
  const machine = fakeMachine(damagedShop(), { book: spot, target })
  const warning = {
    level: 'warn',
    about: 'bundle.dryRun',
    problem: 'not tested, since bundle.dryRun is not set: whether the release starts',
  }
  expect((await machine.dryRun()).findings).toMatchObject([warning])
  expect(await machine.run()).toMatchObject({ code: 'succeeded' })
  expect(
    machine.entries.flatMap(({ entry }) => (entry.type === 'preflighted' ? entry.findings : [])),
  ).toEqual([expect.objectContaining(warning)])
})

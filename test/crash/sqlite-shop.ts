import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'vitest'
import { memoryFolder } from '../fixtures/memory-folder.ts'
import { processServices } from '../../src/adapters/process/services.ts'
import { stamp, systemClock } from '../../src/kernel/clock.ts'
import type { ProcessStack } from '../../src/drivers/services.ts'
import { compileCache } from '../fixtures/compile-cache.ts'
import { eventually } from '../fixtures/eventually.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { receiptsIn, receiptsOf } from './receipts.ts'
import { processesWith, Scene, sourceOf } from './scene.ts'

const hour = 3_600_000
const orders = 3_000
const app = join(import.meta.dirname, 'selling.ts')
const phrase = 'restore the shop'

/** The revision that each of the two kinds of data bears: live before the run, and in the backup. */
const revisions = { old: 'd4_bad', new: 'c3_good' } as const
export type Generation = keyof typeof revisions

/** The rows as they were made, without what was sold since. */
export type Content = { readonly base: string; readonly receipts: readonly string[] }

/** Where the run must fail, once the restored data is live. */
export type Breakage = 'health' | 'smoke' | null

/** What all scenes of a suite begin with: a damaged database of some 3,000 orders, a good backup and one that came too late. */
export class ShopTemplate implements Disposable {
  readonly folder = mkdtempSync(join(memoryFolder, 'crash-shop-'))
  readonly badSince: string
  readonly base: Readonly<Record<Generation, string>>

  constructor() {
    const now = Date.now()
    this.badSince = new Date(now - 3 * hour).toISOString()
    for (const name of ['data', 'backups']) mkdirSync(join(this.folder, name))
    const live = join(this.folder, 'data', 'shop.db')
    const database = new Database(live)
    fill(database)
    database.pragma('wal_checkpoint(TRUNCATE)')
    this.#backUp(live, new Date(now - 4 * hour))
    database.exec(
      `update orders set total_cents = 0 where id % 3 = 0; delete from customers where id > 150; update alembic_version set version_num = '${revisions.old}'`,
    )
    database.pragma('wal_checkpoint(TRUNCATE)')
    this.#backUp(live, new Date(now - hour))
    database.close()
    this.base = { old: contentOf(live).base, new: contentOf(this.#backup(new Date(now - 4 * hour))).base }
  }

  #backup(takenAt: Date): string {
    return join(this.folder, 'backups', `shop-${stamp(takenAt)}.db`)
  }

  #backUp(live: string, takenAt: Date): void {
    const file = this.#backup(takenAt)
    copyFileSync(live, file)
    const copy = new Database(file)
    copy.pragma('journal_mode = DELETE')
    copy.close()
    writeFileSync(
      `${file}.sha256`,
      `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
    )
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true })
  }
}

function fill(database: Database.Database): void {
  database.pragma('journal_mode = WAL')
  database.exec(`
    create table alembic_version (version_num text primary key);
    create table customers (id integer primary key, name text not null);
    create table orders (id integer primary key, customer_id integer not null references customers (id), total_cents integer not null, receipt text unique);
    insert into alembic_version values ('${revisions.new}');
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 200) insert into customers select i, 'Customer ' || i from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${orders}) insert into orders select i, 1 + (i * 7919) % 150, 500 + (i * 104729) % 90000, null from n;
  `)
}

/** All rows of a database that nobody has open. */
export function contentOf(file: string): Content {
  const database = new Database(file, { fileMustExist: true })
  try {
    const rows = [
      'select * from alembic_version order by 1',
      'select * from customers order by 1',
      'select * from orders where receipt is null order by 1',
    ].map((sql) => database.prepare(sql).raw().all())
    return {
      base: createHash('sha256').update(JSON.stringify(rows)).digest('hex'),
      receipts: database
        .prepare('select receipt from orders where receipt is not null')
        .pluck()
        .all()
        .map(String)
        .sort(),
    }
  } finally {
    database.close()
  }
}

/** One shop as local processes on SQLite, open and selling. */
export class SqliteShop implements AsyncDisposable {
  readonly scene: Scene
  readonly #template: ShopTemplate
  readonly #stack: ProcessStack
  readonly #port: number

  private constructor(scene: Scene, template: ShopTemplate, stack: ProcessStack, port: number) {
    this.scene = scene
    this.#template = template
    this.#stack = stack
    this.#port = port
  }

  /** @param more sections of the target, as text */
  static async open(template: ShopTemplate, breakage: Breakage, more = ''): Promise<SqliteShop> {
    const [port = 0] = await freePorts(1)
    const scene = await Scene.make(template.folder, (folder) => configuration(folder, port, breakage, more))
    if (breakage !== null) writeFileSync(scene.path(`broken-${breakage}`), '')
    const stack: ProcessStack = {
      kind: 'process',
      project: 'shop',
      directory: scene.folder,
      state: scene.path('processes'),
      services: servicesOf(scene.folder, port),
    }
    const shop = new SqliteShop(scene, template, stack, port)
    // Not waited for: it watches for a second whether the service exits, and a sale shows sooner that it does not.
    const started = shop.#services.start(shop.#writers)
    started.catch(() => undefined)
    await Promise.race([
      started.then(() => new Promise(() => undefined)),
      eventually(async () => (await shop.revision()) === revisions.old, 'the shop sells'),
    ])
    return shop
  }

  run(strategy: 'beside' | 'in-place', ...more: readonly string[]): readonly string[] {
    return [
      'run',
      'full-db-rollback',
      '--bad-since',
      this.#template.badSince,
      '--strategy',
      strategy,
      ...this.confirm,
      ...more,
    ]
  }

  readonly confirm = ['--confirm', phrase] as const

  get #services() {
    return processServices({ scope: watchedScope(), clock: systemClock })
  }

  get #writers() {
    return { stack: this.#stack, names: ['app'] }
  }

  /** Of the data that is sold on; null where nobody sells. */
  async revision(): Promise<string | null> {
    try {
      return (
        (await (await fetch(`http://127.0.0.1:${this.#port}/`)).json()) as { readonly revision: string }
      ).revision
    } catch {
      return null
    }
  }

  /**
   * The shop sells, on this data and no other: every row as it was made, every sale that was receipted on it, and no row more.
   * Nothing of the other data is left, but the old database and its dump where the run says that it keeps them, and after a rollback the
   * data that was live, with every sale that was receipted on it.
   */
  async expectData(
    live: Generation,
    kept: readonly ('aside' | 'replaced' | 'before-rollback')[],
  ): Promise<void> {
    await eventually(async () => (await this.revision()) !== null, 'the writers are up again')
    expect(await this.revision(), 'the data that the shop sells on').toBe(revisions[live])
    expect(processesWith(`RUNBOOK_SERVICE=${this.#stack.state}/app`).length, 'writers').toBe(1)
    await this.#services.stop(this.#writers, 5)
    this.#expectContent(this.scene.path('data', 'shop.db'), live)
    const data = (await this.scene.list('data')).filter(
      // A run that is killed with its work done leaves the file of its lock: it locks nothing, and the next run removes it.
      (name) => !name.endsWith('-wal') && !name.endsWith('-shm') && name !== '.shop.db.runbook-lock',
    )
    const asides = data.filter((name) => /^shop\.db__old_|^shop__old_/.test(name))
    const keptFiles = data.filter((name) => /^shop(?:\.db)?__kept_/.test(name))
    expect(data.toSorted(), 'files beside the live database').toEqual(
      ['shop.db', ...asides, ...keptFiles].toSorted(),
    )
    expect(asides.length, 'old databases').toBe(kept.includes('aside') ? 1 : 0)
    for (const name of asides) this.#expectContent(this.scene.path('data', name), 'old')
    const inDumps = await this.scene.list('dumps')
    const allDumps = inDumps.filter((name) => !/\.manifest\.json(?:\.sig)?$/.test(name))
    const manifests = allDumps.flatMap((name) => [`${name}.manifest.json`, `${name}.manifest.json.sig`])
    expect(inDumps.toSorted(), 'each dump has a signed manifest').toEqual(
      [...allDumps, ...manifests].toSorted(),
    )
    const dumps = allDumps.filter((name) => !/-kept-.*\.db$/.test(name))
    const wereLive = [
      ...keptFiles.map((name) => this.scene.path('data', name)),
      ...allDumps.filter((name) => !dumps.includes(name)).map((name) => this.scene.path('dumps', name)),
    ]
    const soldOnNew = receiptsIn(this.scene).some((receipt) => receipt.startsWith(revisions.new))
    if (live === 'new') expect(wereLive, 'kept data').toEqual([])
    else if (soldOnNew) expect(wereLive.length, 'kept data').toBe(1)
    for (const file of wereLive) this.#expectContent(file, 'new')
    const labels = dumps.map((name) => /-(replaced|before-rollback)-.*\.db$/.exec(name)?.[1] ?? name)
    expect(labels, 'dumps').toEqual(kept.filter((what) => what !== 'aside'))
    for (const name of dumps) this.#expectContent(this.scene.path('dumps', name), 'old')
    expect(await this.scene.list('tmp'), 'temporary files').toEqual([])
  }

  /** One line in the checklist for each ending that was reached, the last one being the one that holds. */
  async expectTold(outcome: string, run: string): Promise<void> {
    const lines = readFileSync(this.scene.path('checklist.md'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(`| ${run} |`))
    expect(lines.length, 'lines of the checklist').toBe(1)
    expect(lines.at(-1)).toContain(`| ${outcome}`)
  }

  #expectContent(file: string, generation: Generation): void {
    const { base, receipts } = contentOf(file)
    expect(
      base === this.#template.base[generation],
      `${basename(file)} holds exactly the ${generation} rows`,
    ).toBe(true)
    expect(receipts, `sales in ${basename(file)}`).toEqual(receiptsOf(this.scene, revisions[generation]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#services.stop(this.#writers, 5)
    await this.scene[Symbol.asyncDispose]()
  }
}

function servicesOf(folder: string, port: number): ProcessStack['services'] {
  const environment = {
    SHOP_FILE: join(folder, 'data', 'shop.db'),
    SHOP_PORT: String(port),
    SHOP_RECEIPTS: join(folder, 'receipts'),
    SHOP_BROKEN: join(folder, 'broken'),
    ...compileCache,
  }
  return {
    app: { command: [process.execPath, app, 'serve'], environment, oneOff: false },
    smoke: { command: [process.execPath, app, 'smoke'], environment, oneOff: true },
  }
}

function configuration(folder: string, port: number, breakage: Breakage, more: string): string {
  return `
import { defineConfig } from ${sourceOf('src/index.ts')}
export default defineConfig({
  runbooks: [${sourceOf('runbooks')}], artifacts: './artifacts', state: './state',
  targets: {
    shop: {
      objectives: { rto: '5m', rpo: '24h' },
      stack: { kind: 'process', project: 'shop', directory: '.', state: './processes', services: ${JSON.stringify(servicesOf(folder, port))} },
      writers: ['app'],
      database: { engine: 'sqlite', file: './data/shop.db', confirmPhrase: ${JSON.stringify(phrase)} },
      backups: { directory: './backups', pattern: 'shop-{time}.db', maxAge: '26h', minBytes: '10KiB' },
      assertions: [{ name: 'no order without its total', sql: 'select count(*) from orders where total_cents <= 0', equals: 0 }],
      health: [{ name: 'shop', url: 'http://127.0.0.1:${port}/', json: { status: 'ok' }, passes: 2, every: 0.02, within: ${breakage === 'health' ? 0.5 : 20} }],
      smoke: { service: 'smoke' },
      checklist: './checklist.md',
      retention: { dumps: './dumps' },
      ${more}
    },
  },
})
`
}

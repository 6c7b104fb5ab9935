import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'

const config = `import { defineConfig } from 'runbook'

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  targets: {
    shop: {
      database: { engine: 'sqlite', file: 'data/shop.db', confirmPhrase: 'restore it' },
      backups: { directory: './backups', pattern: 'shop-{time}.db', maxAge: '100000d', checksums: 'if-present' },
      assertions: [{ name: 'no order is worthless', sql: 'select count(*) from orders where total <= 0', equals: 0 }],
    },
    vault: {
      stack: { kind: 'compose', project: 'vault', files: ['compose.yml'] },
      volumeDatabase: { service: 'web', path: '/data/shop.db' },
      backups: { directory: './backups', pattern: 'shop-{time}.db', maxAge: '100000d', checksums: 'if-present' },
      assertions: [{ name: 'no order is worthless', sql: 'select count(*) from orders where total <= 0', equals: 0 }],
    },
    bare: { settings: {} },
  },
})
`

let project: Project
beforeEach(async () => {
  project = await Project.make()
  await writeFile(project.path('runbook.config.ts'), config)
  await rm(project.path('runbooks'), { recursive: true })
  await mkdir(project.path('runbooks'))
  await mkdir(project.path('data'))
  await mkdir(project.path('backups'))
  shopAt(project.path('data/shop.db'), 0)
  for (const [day, total] of [
    ['01', 5],
    ['02', 5],
    ['03', 0],
    ['04', 0],
  ] as const)
    shopAt(project.path(`backups/shop-202602${day}_040000.db`), total)
})
afterEach(() => project[Symbol.asyncDispose]())

function shopAt(file: string, total: number): void {
  const database = new Database(file)
  database.exec(
    `create table orders (id integer primary key, total integer); insert into orders values (1, ${total})`,
  )
  database.close()
}

test('the backups as a table and as JSON, and a target without any', async () => {
  const { code, out } = await project.run(['backups', '--target', 'shop'])
  expect(code).toBe(0)
  expect(out).toMatch(/^TAKEN +AGE +SIZE +FORMAT +VOUCHED FOR BY +LAST PROVEN +FILE +FITS$/m)
  expect(out).toMatch(/^2026-02-04 04:00:00 UTC .* sqlite 3 +nothing +never +shop-20260204_040000.db +yes$/m)
  expect(out).toContain('Find the newest good one:  runbook backups find-good --target shop\n')
  const lines = jsonLines((await project.run(['backups', '--target', 'shop', '--json'])).out)
  expect(lines.map(({ name }) => name)).toEqual(
    ['04', '03', '02', '01'].map((day) => `shop-202602${day}_040000.db`),
  )
  const bare = await project.run(['backups', '--target', 'bare'])
  expect(bare.code).toBe(2)
  expect(bare.err).toContain('not configured: database, backups')
})

test('find-good names the newest good one, how to restore it, and what proved it', async () => {
  const { code, out } = await project.run(['backups', 'find-good', '--target', 'shop', '--reason', 'a test'])
  expect(code).toBe(0)
  expect(out).toContain(`good: ${project.path('backups/shop-20260202_040000.db')}, taken `)
  expect(out).toContain(`bad: ${project.path('backups/shop-20260203_040000.db')}, taken `)
  expect(out).toContain('Restoring it needs `writers` and `health`:  runbook help config writers\n')
  const listed = jsonLines((await project.run(['backups', '--target', 'shop', '--json'])).out)
  expect(
    listed.map(({ proven }) => (proven as { readonly runbook: string } | null)?.runbook ?? null),
  ).toEqual([null, null, 'find-good-backup', null])
})

test('a compressed backup fits a database in a volume, since its restore unpacks it', async () => {
  const packed = project.path('backups/shop-20260206_040000.db.gz')
  await writeFile(packed, gzipSync(await readFile(project.path('backups/shop-20260202_040000.db'))))
  await writeFile(project.path('runbook.config.ts'), config.replaceAll('shop-{time}.db', 'shop-{time}.db.gz'))
  const { out } = await project.run(['backups', '--target', 'vault'])
  expect(out).toMatch(/ sqlite 3, gzip +nothing +never +shop-20260206_040000\.db\.gz +yes/)
})

test('of a SQLite database in a volume, which need not run for it', async () => {
  const { code, out } = await project.run(['backups', '--target', 'vault'])
  expect(code).toBe(0)
  expect(out).toMatch(/^2026-02-04 04:00:00 UTC .* sqlite 3 +nothing +never +shop-20260204_040000.db +yes$/m)
  expect(out).toContain('Find the newest good one:  runbook backups find-good --target vault\n')
  await writeFile(project.path('backups/shop-20260205_040000.db'), 'SQLite format 3\0 and no more')
  const found = await project.run(['backups', 'find-good', '--target', 'vault', '--reason', 'a test'])
  expect(found.code, found.err).toBe(0)
  expect(found.out).toContain(`good: ${project.path('backups/shop-20260202_040000.db')}, taken `)
  expect(found.out).toContain(`bad: ${project.path('backups/shop-20260203_040000.db')}, taken `)
  expect(found.out).toContain(
    'Restoring it needs `writers`, `health`, `retention`, `staging` and `operators`:  runbook help config writers\n',
  )
  const listed = jsonLines((await project.run(['backups', '--target', 'vault', '--json'])).out)
  expect(
    listed.map(({ fits, proven }) => [
      fits,
      (proven as { readonly runbook: string } | null)?.runbook ?? null,
    ]),
  ).toEqual([
    [false, null],
    [true, null],
    [true, null],
    [true, 'find-good-volume-backup'],
    [true, null],
  ])
})

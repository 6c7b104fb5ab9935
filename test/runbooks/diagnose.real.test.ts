import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LocalShop } from '../fixtures/local-shop.ts'

vi.setConfig({ testTimeout: 120_000 })

let shop: LocalShop
beforeEach(async () => {
  shop = await LocalShop.open()
})
afterEach(() => shop[Symbol.asyncDispose]())

it('looks at a real shop that is sick, says what and what to type, and touches nothing', async () => {
  const before = await readFile(shop.file)
  const { code, stdout, stderr } = await shop.type(['run', 'diagnose'])
  expect(code, stdout + stderr).toBe(0)
  expect(stdout + stderr).toContain('data-wrong: assertion "every order has its total" failed: found 666')
  expect(stdout + stderr).toContain(
    'next: runbook run full-db-rollback --target shop --bad-since WHEN --dry-run',
  )
  expect(await readFile(shop.file)).toEqual(before)
  const [evidence = ''] = (await readdir(join(shop.folder, 'artifacts', '_'))).filter((name) =>
    name.includes('diagnose'),
  )
  expect(await readFile(join(shop.folder, 'artifacts', '_', evidence, 'run.json'), 'utf8')).toContain(
    'failed: found 666',
  )
})

it('a database that is locked, and an app that is stopped, are each told of in one look', async () => {
  await shop.stopApp()
  const holder = new Database(shop.file)
  holder.pragma('locking_mode = EXCLUSIVE')
  holder.exec('begin exclusive; update orders set total = total')
  try {
    const { code, stdout, stderr } = await shop.type(['run', 'diagnose', '--symptom', 'health'])
    expect(code, stdout + stderr).toBe(0)
    expect(stdout + stderr).toContain('database-locked: ')
    expect(stdout + stderr).toContain('next: stop all containers, then start them again')
  } finally {
    holder.exec('rollback')
    holder.close()
  }
})

it('a folder of backups that is gone and a health check that refuses are findings, not failures', async () => {
  await rename(join(shop.folder, 'backups'), join(shop.folder, 'elsewhere'))
  await shop.stopApp()
  const { code, stdout, stderr } = await shop.type(['run', 'diagnose', '--json'])
  expect(code, stdout + stderr).toBe(0)
  expect(stdout).toContain('"case":"mount-unavailable"')
  expect(stdout).toContain('"case":"deploy-failed"')
})

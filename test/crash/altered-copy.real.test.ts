import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import Database from 'better-sqlite3'
import type { Kill } from './kill.ts'
import { ShopTemplate, SqliteShop } from './sqlite-shop.ts'

let template: ShopTemplate
beforeAll(() => {
  template = new ShopTemplate()
})
afterAll(() => template[Symbol.dispose]())

const whole = ({ code, signal, stdout, stderr }: Awaited<ReturnType<SqliteShop['scene']['type']>>): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

/** Killed with SIGKILL; then orders are deleted from the copy, as by `sqlite3`. */
async function altered(shop: SqliteShop, kill: Kill): Promise<string> {
  const { scene } = shop
  const killed = await scene.type(shop.run('beside'), kill)
  expect(killed.signal, whole(killed)).toBe('SIGKILL')
  const copies = (await scene.list('data')).filter((name) => /__rb_[\d_a-z]+$/.test(name))
  expect(copies).toHaveLength(1)
  const copy = new Database(scene.path('data', String(copies[0])), { fileMustExist: true })
  copy.exec('delete from orders where id > 1000')
  copy.close()
  return (await scene.entries())[0]?.run ?? ''
}

describe('a copy of a SQLite database that somebody wrote to while the run was killed', () => {
  it('keeps the resume from stopping anything, and the rollback drops it', async () => {
    await using shop = await SqliteShop.open(template, null)
    const run = await altered(shop, { when: 'before', type: 'intent', step: 'stop-writers' })
    const resumed = await shop.scene.type(['resume', run])
    expect(resumed.code, whole(resumed)).toBe(12)
    expect(resumed.stdout + resumed.stderr).toContain('since it was checked, somebody wrote to it')
    expect(await shop.revision()).toBe('d4_bad')
    const back = await shop.scene.type(['rollback', run])
    expect(back.code, whole(back)).toBe(0)
    await shop.expectData('old', [])
    await shop.scene.expectSettled(await shop.scene.entries(), 'rolled-back', null)
  }, 120_000)

  it('does not go live where the run was killed right before the exchange', async () => {
    await using shop = await SqliteShop.open(template, null)
    const run = await altered(shop, { when: 'after', type: 'intent', step: 'swap-the-restored-database-in' })
    const resumed = await shop.scene.type(['resume', run])
    expect(resumed.code, whole(resumed)).toBe(14)
    await shop.expectData('old', [])
    await shop.scene.expectSettled(await shop.scene.entries(), 'rolled-back', null)
  }, 120_000)
})

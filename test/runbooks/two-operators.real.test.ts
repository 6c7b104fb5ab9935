import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { damagedData, goodData, LocalShop } from '../fixtures/local-shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

let shop: LocalShop
beforeEach(async () => {
  shop = await LocalShop.open({ orders: 20_000 })
  const config = await readFile(join(shop.folder, 'runbook.config.ts'), 'utf8')
  await writeFile(
    join(shop.folder, 'second.config.ts'),
    config.replace("state: './state'", "state: './second-state'"),
  )
})
afterEach(() => shop[Symbol.asyncDispose]())

const second = (): Promise<Finished> => shop.type(['--config', 'second.config.ts', ...shop.rollback()])
const lockFiles = async (): Promise<readonly string[]> =>
  (await readdir(shop.folder, { recursive: true })).filter((name) => name.endsWith('.runbook-lock'))

it('two state folders on one SQLite file: the second is refused, and the first goes on', async () => {
  const running = shop.start(shop.rollback())
  await running.says('[STARTED] Restore beside')
  const refused = await second()
  expect(refused.code, whole(refused)).toBe(13)
  expect(whole(refused)).toMatch(/is held by run \d{8}-\d{6}-\w+ \(\S+ on \S+, since \d{4}-/)
  const finished = await running.finished
  expect(finished.code, whole(finished)).toBe(0)
  expect(shop.data()).toEqual(goodData)
  expect(await lockFiles()).toEqual([])
}, 180_000)

it('a killed run is rolled back by its own, and the other may work then', async () => {
  const running = shop.start(shop.rollback())
  await running.says('[STARTED] Swap the restored database in')
  running.child.kill('SIGKILL')
  await running.finished
  const back = await shop.type(['rollback', '--confirm', shop.phrase])
  expect(back.code, whole(back)).toBe(0)
  expect(shop.data()).toEqual({ ...damagedData, worthless: 6_666 })
  const next = await second()
  expect(next.code, whole(next)).toBe(0)
  expect(await lockFiles()).toEqual([])
}, 180_000)

import { expect, test } from 'vitest'
import type { Backups } from '../../../src/drivers/backups.ts'
import type { Drivers } from '../../../src/drivers/drivers.ts'
import { remembered } from '../../../src/run/readiness/remembered.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { healthyShop, shop } from './healthy.ts'

function counted() {
  const world = healthyShop()
  const asked: string[] = []
  const drivers = world.drivers(watchedScope())
  const backups = new Proxy(drivers.backups, {
    get:
      (driver: Backups, method: keyof Backups) =>
      (...args: readonly never[]) => {
        asked.push(method)
        return (driver[method] as (...all: readonly never[]) => unknown)(...args)
      },
  })
  return { asked, world, drivers: { ...drivers, backups } as Drivers }
}

test('a question is put once, and a failure is an answer', async () => {
  const { asked, drivers } = counted()
  const { look } = remembered(drivers, null)
  const [one, other] = await Promise.all([look.backups.list(shop.backups!), look.backups.list(shop.backups!)])
  expect(one).toBe(other)
  const nowhere = { ...shop.backups!, directory: '/nowhere' }
  await expect(look.backups.list(nowhere)).rejects.toThrow('no such folder')
  await expect(look.backups.list(nowhere)).rejects.toThrow('no such folder')
  expect(asked).toEqual(['list', 'list'])
})

test('what is too large is not read, and said so', async () => {
  const { asked, drivers } = counted()
  const { look, withheld } = remembered(drivers, 20)
  const [newest] = await look.backups.list(shop.backups!)
  await expect(look.backups.verify(shop.backups!, newest!)).rejects.toThrow('was not read to its end')
  await expect(look.databases.inspect(shop.database!, newest!.file)).rejects.toThrow(
    'was not read to its end',
  )
  expect([...withheld]).toHaveLength(1)
  expect(asked).toEqual(['list'])
})

test('nothing in it can act', () => {
  const { drivers } = counted()
  const { look } = remembered(drivers, null)
  expect(Object.keys(look.files)).not.toContain('write')
  expect(Object.keys(look.services)).not.toContain('stop')
  expect(Object.keys(look.people)).toEqual(['reachable'])
})

import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import { dumpBytes, lay, nobody, runningFleet, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop, shop } from './fake-shop.ts'

const { stack, database, backups } = shop
if (stack === undefined || database?.engine !== 'postgres' || backups === undefined)
  throw new Error('the shop has a database in its stack')

const named = (name: string): Target['name'] => name as Target['name']

/** Another database in the same container, with a writer of its own. */
export const till: Target = {
  ...shop,
  name: named('till'),
  title: 'Till',
  writers: { stack, names: ['till'] },
  database: { ...database, name: 'till' },
  backups: { ...backups, directory: '/backups/till', pattern: 'till-{time}.dump' },
}

/** The same with a writer of the shop. */
export const tillWithWorker: Target = {
  ...till,
  name: named('till-with-worker'),
  writers: { stack, names: ['till', 'worker'] },
}

/** The shop under another name. */
export const alias: Target = { ...shop, name: named('alias') }

/** The stack with both databases, both damaged. Nobody is at the terminal, and all is confirmed. */
export function damagedBoth(): FakeWorld {
  const world = damagedShop()
  const service = runningFleet({ till: 'till:2' }).services.get('till')
  if (service !== undefined) world.fleet.services.set('till', service)
  world.server.databases.set('till', {
    tables: { orders: [{ id: 9, total: -9 }] },
    generation: 'created till',
    owner: 'app',
  })
  const name = 'till-20260203_040000.dump'
  const body = dumpBytes({
    engine: 'postgres',
    major: 17,
    database: 'till',
    takenAt: '2026-02-03T04:00:00Z',
    tables: { orders: [{ id: 9, total: 9 }] },
    roles: ['app'],
    extensions: [],
  })
  lay(world.disk, `/backups/till/${name}`, body)
  lay(world.disk, `/backups/till/${name}.sha256`, `${sha256(body)}  ${name}\n`)
  world.person = { ...nobody, restoreConfirm: 'YES' }
  return world
}

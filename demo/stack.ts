import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { stamp } from '../src/kernel/clock.ts'
import { place } from './place.ts'
import { createReleases, writeChecksum } from './releases.ts'

const hour = 3_600_000
const orders = 100_000
const days = 7

/**
 * When things happened, relative to now: nightly backups, then the bad deployment, then one more backup
 * with the damage.
 */
export const story = (now: Date) => ({
  badSince: new Date(now.getTime() - 3 * hour),
  goodBackups: Array.from({ length: days }, (_, day) => new Date(now.getTime() - 4 * hour - day * 24 * hour)),
  badBackup: new Date(now.getTime() - 1 * hour),
})

/** Rebuilds the shop: a database of 100,000 orders, and a week of backups with checksums. */
export function createStack(now: Date): void {
  rmSync(place.folder, { recursive: true, force: true })
  mkdirSync(dirname(place.database), { recursive: true, mode: 0o700 })
  mkdirSync(place.backups, { mode: 0o700 })
  const { goodBackups, badBackup } = story(now)
  const database = new Database(place.database)
  fill(database, now)
  database.pragma('wal_checkpoint(TRUNCATE)')
  for (const takenAt of goodBackups)
    backUp(takenAt, (copy) =>
      copy.prepare('delete from orders where placed_at > ?').run(takenAt.toISOString()),
    )
  damage(database)
  database.pragma('wal_checkpoint(TRUNCATE)')
  backUp(badBackup, () => undefined)
  database.close()
  createReleases(goodBackups[0] ?? now)
}

function fill(database: Database.Database, now: Date): void {
  database.pragma('journal_mode = WAL')
  database.exec(`
    create table alembic_version (version_num text primary key);
    create table customers (id integer primary key, name text not null, email text not null unique);
    create table orders (id integer primary key, customer_id integer not null references customers (id), total_cents integer not null, placed_at text not null);
    create index orders_by_customer on orders (customer_id);
    insert into alembic_version values ('c3_orders');
  `)
  const customer = database.prepare('insert into customers (id, name, email) values (?, ?, ?)')
  const order = database.prepare(
    'insert into orders (id, customer_id, total_cents, placed_at) values (?, ?, ?, ?)',
  )
  const span = days * 24 * hour
  database.transaction(() => {
    for (let id = 1; id <= 2_000; id += 1) customer.run(id, `Customer ${id}`, `customer-${id}@shop.example`)
    for (let id = 1; id <= orders; id += 1) {
      const placedAt = new Date(now.getTime() - span + (id / orders) * span)
      order.run(id, 1 + ((id * 7919) % 2_000), 500 + ((id * 104_729) % 90_000), placedAt.toISOString())
    }
  })()
}

/** The bad deployment: a migration meant to turn cents into euros, which sets every third total to 0. */
function damage(database: Database.Database): void {
  database.exec(
    "update orders set total_cents = 0 where id % 3 = 0; update alembic_version set version_num = 'd4_euros';",
  )
}

function backUp(takenAt: Date, change: (copy: Database.Database) => unknown): void {
  const file = join(place.backups, `shop-${stamp(takenAt)}.db`)
  copyFileSync(place.database, file)
  const copy = new Database(file)
  change(copy)
  // A backup is one file: none of it may be left in a -wal beside it.
  copy.pragma('journal_mode = DELETE')
  copy.close()
  writeChecksum(file)
}

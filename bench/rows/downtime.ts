import type { Row } from '../row.ts'
import { Shops } from '../shops.ts'

/** Postgres: 5,000 rows are about 1 MB. */
const sizes = {
  quick: [
    { name: 'mb10', megabytes: 10 },
    { name: 'mb40', megabytes: 40 },
  ],
  full: [
    { name: 'mb10', megabytes: 10 },
    { name: 'mb100', megabytes: 100 },
    { name: 'mb1000', megabytes: 1_000 },
  ],
} as const

/** How long writers are down, for databases of growing size: a curve that should be flat beside one that is not. */
export const downtime: Row = {
  name: 'downtime',
  title: 'Downtime of writers in a rollback of a Postgres database',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const shops = quick ? sizes.quick : sizes.full
    const open = await Shops.open(
      folder,
      shops.map(({ name, megabytes }) => ({ name, rows: megabytes * 5_000 })),
    )
    const curve = (name: string, down: (shop: string) => Promise<number>) =>
      shops.map(({ name: shop, megabytes }) => ({
        name: `${name}, ${megabytes.toLocaleString('en')} MB`,
        at: { curve: name, x: megabytes },
        once: () => down(shop),
      }))
    return {
      rounds: quick ? 1 : 3,
      size: shops.map(({ name }) => open.size(name)).join(', '),
      xTitle: 'size of the database, MB',
      contestants: [
        ...curve('`full-db-rollback`', async (shop) => (await open.rollBack(shop)).writersDown),
        ...curve('stop, `pg_restore --clean`, start', async (shop) => (await open.byHand(shop)).writersDown),
      ],
      close: () => open.close(),
    }
  },
}

import type { Contestant, Row } from '../row.ts'
import { Shops, type Outage } from '../shops.ts'

const parts = [
  ['', 'whole'],
  [', until writers write again', 'recovered'],
  [', the longest time without a write', 'writersDown'],
  [', the longest time without a read', 'readGap'],
] as const

/** A database that is replaced by a dump of it, while one client writes and one reads. */
export const exchange: Row = {
  name: 'exchange',
  title: 'Rolling a Postgres database back to a dump',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const rows = quick ? 200_000 : 5_000_000
    const shops = await Shops.open(folder, [{ name: 'shop', rows }])
    return {
      rounds: quick ? 2 : 5,
      size: `${rows.toLocaleString('en')} rows, ${shops.size('shop')}`,
      contestants: [
        ...measuresOf('stop, `pg_restore --clean`, start', () => shops.byHand('shop')),
        ...measuresOf('`full-db-rollback`', () => shops.rollBack('shop')),
      ],
      close: () => shops.close(),
    }
  },
}

/** The first does the work; the others say what was measured besides. */
function measuresOf(name: string, once: () => Promise<Outage>): readonly Contestant[] {
  let latest: Outage | null = null
  return parts.map(([words, part]) => ({
    name: `${name}${words}`,
    once: async () => {
      if (part === 'whole' || latest === null) latest = await once()
      return latest[part]
    },
  }))
}

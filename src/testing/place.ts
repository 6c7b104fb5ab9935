import type { Database } from '../drivers/databases.ts'

/** What errors of real drivers name where a database is down: its service, such as `shop/db`. */
export const placeOf = (database: Database, otherwise: string): string =>
  database.engine === 'postgres' && database.via.kind === 'compose'
    ? `${database.via.stack.project}/${database.via.service}`
    : otherwise

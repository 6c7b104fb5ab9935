import type { Database } from '../drivers/databases.ts'
import { runsInService } from '../model/data-volumes.ts'

/** What errors of real drivers name where a database is down: its service, such as `shop/db`. */
export const placeOf = (database: Database, otherwise: string): string =>
  runsInService(database) ? `${database.via.stack.project}/${database.via.service}` : otherwise

import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import type { Server, ServerPlace } from './server/server.ts'

/**
 * data_directory is visible to superusers and pg_read_all_settings only; current_setting would raise an error
 * for others.
 */
const placeQuery = `
SELECT json_build_object('dataDirectory', s.setting, 'port', pg_catalog.current_setting('port')::integer,
  'startedAtSeconds', pg_catalog.floor(extract(epoch FROM pg_catalog.pg_postmaster_start_time())))
FROM pg_catalog.pg_settings AS s WHERE s.name = 'data_directory';`

/**
 * Free bytes of the data directory's file system, not of other tablespaces. Null if it is unknown or not
 * accessible.
 */
export async function freeBytes(server: Server, scope: Scope): Promise<number | null> {
  const script = {
    database: maintenance(server),
    doing: `read the data directory of ${server.host}`,
    script: placeQuery,
  }
  const [place] = (await records(server, script, scope)) as readonly ServerPlace[]
  return place === undefined ? null : server.freeBytes(place, scope)
}

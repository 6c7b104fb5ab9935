import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import type { Server, ServerPlace } from './server/server.ts'

/** data_directory is shown to superusers and pg_read_all_settings alone (current_setting with missing_ok still refuses others). */
const placeQuery = `
SELECT json_build_object('dataDirectory', s.setting, 'port', pg_catalog.current_setting('port')::integer,
  'startedAtSeconds', pg_catalog.floor(extract(epoch FROM pg_catalog.pg_postmaster_start_time())))
FROM pg_catalog.pg_settings AS s WHERE s.name = 'data_directory';`

/** Where the server's own folder lies; a tablespace elsewhere is not looked at. Null where it does not say, or lies out of our reach. */
export async function freeBytes(server: Server, scope: Scope): Promise<number | null> {
  const script = {
    database: maintenance(server),
    doing: `ask ${server.host} where its data lies`,
    script: placeQuery,
  }
  const [place] = (await records(server, script, scope)) as readonly ServerPlace[]
  return place === undefined ? null : server.freeBytes(place, scope)
}

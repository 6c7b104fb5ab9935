import { literal } from './quote.ts'

/** Part of what psql prints where the guard ends it. */
export const initializing =
  'the database system is starting up: the image initializes it with a temporary server'

/**
 * Ends a session that reached the temporary server of a first start. The official image initializes a new data directory with
 * a server that listens on the socket only, runs the scripts of /docker-entrypoint-initdb.d in it, and then starts
 * the real one: what goes on in between would be lost or would break that off (docker-library/postgres,
 * docker-entrypoint.sh: `-c listen_addresses='' -p PORT`, both on the command line). Selects no row.
 */
const guard = `SELECT 1 WHERE CAST(CASE WHEN (SELECT count(*) FROM pg_catalog.pg_settings WHERE source = 'command line' AND (name = 'port' OR name = 'listen_addresses' AND setting = '')) = 2 THEN ${literal(initializing)} ELSE '0' END AS integer) = 1`

/** For a psql that reads its script from its input, before it does. */
export const guardArguments: readonly string[] = [`--command=${guard}`, '--file=-']

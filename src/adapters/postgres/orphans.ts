import { downOf, RunbookError } from '../../kernel/errors.ts'
import type { PostgresDatabase } from '../../drivers/databases.ts'
import type { Orphan, Orphans } from '../../drivers/orphans.ts'
import { applicationPrefix } from './server/client-environment.ts'
import { serverOfAttempt, type PostgresDeps } from './databases.ts'
import { maintenance, records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'

const rounds = 50
const pollMilliseconds = 200

/**
 * Sessions that a run left on the servers of some databases, found by application_name. A server continues
 * the current statement after its client dies, and may commit it.
 * @throws RunbookError `in-doubt` if a server cannot be queried: what still runs there is unknown
 */
export function postgresOrphans({
  databases,
  isDown,
  ...means
}: PostgresDeps & {
  readonly databases: readonly PostgresDatabase[]
  /** Whether the server is known to be stopped, as opposed to one that cannot be reached: it has no sessions. */
  readonly isDown: (database: PostgresDatabase) => Promise<boolean>
}): Orphans {
  const { scope, clock } = means
  // Two databases on one server would list every session twice.
  const servers = [
    ...new Map(
      databases.map((database) => [JSON.stringify(database.via), serverOfAttempt(database, means)]),
    ).values(),
  ]

  const query = async (run: string, select: string): Promise<readonly Orphan[]> => {
    const found = await Promise.all(
      servers.map((server) =>
        ask(server, run, select, scope).catch(async (thrown: unknown): Promise<readonly Orphan[]> => {
          if (downOf(thrown) !== undefined && (await isDown(server.database))) return []
          throw thrown
        }),
      ),
    )
    return found.flat()
  }
  const find = (run: string) => query(run, 'true')

  return {
    find,
    async end(run) {
      const ended = new Map<string, Orphan>()
      for (let round = 0; round < rounds; round++) {
        const sessions = await query(run, 'pg_catalog.pg_terminate_backend(a.pid)')
        if (sessions.length === 0) return [...ended.values()]
        for (const orphan of sessions) ended.set(orphan.id, orphan)
        await clock.sleep(pollMilliseconds, scope.signal)
      }
      const left = await find(run)
      if (left.length === 0) return [...ended.values()]
      throw new RunbookError(
        'in-doubt',
        `cannot end ${left.length} sessions of run ${run}: ${left.map(({ id }) => id).join(', ')}`,
        {
          hint: `check: SELECT * FROM pg_stat_activity WHERE application_name LIKE '${applicationPrefix(run)}%'`,
        },
      )
    },
  }
}

/** `select` is evaluated for each of the sessions. */
async function ask(
  server: Server,
  run: string,
  select: string,
  scope: PostgresDeps['scope'],
): Promise<readonly Orphan[]> {
  const prefix = applicationPrefix(run)
  const script = `
SELECT json_build_object('what', 'session', 'id', a.pid::text, 'step', pg_catalog.substr(a.application_name, ${prefix.length + 1}), 'done', ${select})
FROM pg_catalog.pg_stat_activity AS a
WHERE starts_with(a.application_name, ${literal(prefix)}) AND a.pid <> pg_catalog.pg_backend_pid() AND a.usesysid IS NOT NULL;`
  const question = {
    database: maintenance(server),
    doing: `find sessions of run ${run} at ${server.host}`,
    script,
    code: 'in-doubt' as const,
  }
  const found = (await records(server, question, scope)) as readonly Orphan[]
  return found.map(({ id, step }) => ({ what: 'session', id: `${server.host} ${id}`, step }))
}

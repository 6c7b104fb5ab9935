import { readFile, statfs } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { RunbookError } from '../../../kernel/errors.ts'
import type { PostgresDatabase, ServerPostgres } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Secrets } from '../../../drivers/secrets.ts'
import type { Shell } from '../../process/shell.ts'
import { unwrapDumps } from '../members/unwrap-dumps.ts'
import { majorOf } from '../archive/archive-header.ts'
import { clientEnvironment, cLocale } from './client-environment.ts'
import { maintenance, ownPsql, records } from './psql.ts'
import type { ClientCall, Program, Server, ServerPlace, Tool } from './server.ts'
import { installedTools, toolFor } from './installed-tools.ts'

/**
 * A server reached by host and port with the tools of this machine. The password is passed in their
 * environment only.
 */
export function hostServer(
  database: PostgresDatabase,
  via: ServerPostgres,
  { shell, secrets }: { shell: Shell; secrets: Secrets },
): Server {
  const host = `${via.host}:${via.port}`
  let installed: ReturnType<typeof installedTools> | undefined
  let major: Promise<number> | undefined

  const chosen = async (program: Program, connects: boolean, scope: Scope): Promise<string> => {
    const tools = await (installed ??= installedTools(shell, scope))
    // psql works with any server, and the newest tool reads a file best; the others must match the server.
    if (program === 'psql' || !connects) return toolFor(program, tools, null).path
    return toolFor(program, tools, await (major ??= serverMajor(server, scope))).path
  }

  const run: Server['run'] = async (
    { program, args, database: name, as, stdin, stdout }: ClientCall,
    scope,
  ) => {
    scope.signal.throwIfAborted()
    const path = await chosen(program, name !== null, scope)
    const ownPassword = async (): Promise<string | null> =>
      via.password === null || name === null ? null : (await secrets.reveal(via.password)).reveal()
    const { user, password } = as ?? { user: database.user, password: await ownPassword() }
    return shell.run(
      {
        argv: [path, ...args],
        env:
          name === null
            ? cLocale
            : {
                ...clientEnvironment({ user, database: name, password }, scope),
                ...addressOf(via),
              },
        ...(stdin === undefined ? {} : { stdin }),
        ...(stdout === undefined ? {} : { stdout }),
      },
      scope,
    )
  }

  const server: Server = {
    database,
    host,
    run,
    script: ownPsql(run),
    unwrap: unwrapDumps({ shell, secrets }),
    async tools(scope): Promise<readonly Tool[]> {
      const tools = await (installed ??= installedTools(shell, scope))
      const needed = await (major ??= serverMajor(server, scope))
      return (['psql', 'pg_dump', 'pg_restore'] as const).map((tool) => {
        const { version, path } = toolFor(tool, tools, tool === 'psql' ? null : needed)
        return { tool, version, where: path }
      })
    },
    freeBytes: (place) => freeHere(via, place),
  }
  return server
}

const addressOf = ({ host, port }: ServerPostgres): Record<string, string> => ({
  PGHOST: host,
  PGPORT: String(port),
})

async function serverMajor(server: Server, scope: Scope): Promise<number> {
  const [version] = await records(
    server,
    { database: maintenance(server), doing: `read the version of ${server.host}`, script: showVersion },
    scope,
  )
  if (typeof version !== 'string')
    throw new RunbookError('preflight', `cannot read the version of ${server.host}: unexpected answer`)
  return majorOf(version)
}

const showVersion = "SELECT to_json(current_setting('server_version'));"

/**
 * A local address may be a port forwarded to another machine with the same path: only a postmaster.pid with
 * the same start time and port (lines 3 and 4) shows that the data directory is local.
 */
async function freeHere(
  { host }: ServerPostgres,
  { dataDirectory, port, startedAtSeconds }: ServerPlace,
): Promise<number | null> {
  if (!host.startsWith('/') && host !== 'localhost' && !(isIP(host) !== 0 && /^(127\.|::1$)/.test(host)))
    return null
  try {
    const lines = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')
    // The time in the file is slightly earlier than the one SQL reports.
    if (Number(lines[3]) !== port || Math.abs(Number(lines[2]) - startedAtSeconds) > 2) return null
    const { bavail, bsize } = await statfs(dataDirectory)
    return bavail * bsize
  } catch {
    return null
  }
}

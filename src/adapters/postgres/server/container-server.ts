import type { ComposePostgres, PostgresDatabase, ThrowawayPostgres } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Secrets } from '../../../drivers/secrets.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Call, Ended } from '../../process/call.ts'
import { clientEnvironment, cLocale } from './client-environment.ts'
import type { ClientCall, Program, Server, ServerPlace, Tool } from './server.ts'
import { toolVersion } from './installed-tools.ts'

const programs: readonly Program[] = ['psql', 'pg_dump', 'pg_restore']

/** nobody: what only reads a foreign file needs no right at all. */
const nobody = '65534:65534'

/** Runs a program in the container of a service, or in one that a run made for itself. */
export type ExecIn = (
  place: ComposePostgres | ThrowawayPostgres,
  call: ContainerCall,
  scope: Scope,
) => Promise<Ended>
export type ContainerCall = Pick<Call, 'argv' | 'env' | 'stdin' | 'stdout'> & { readonly user?: string }

/**
 * A server in a container. The tools run in there, so they have its own version, and they connect by its local socket, so no port need
 * be published and no password is needed: the official image trusts that socket (`local all all trust`). With `login` they connect as others
 * do. In a throwaway they connect by TCP: while the image sets up its data another server answers on the socket, and is gone the next moment.
 */
export function containerServer(
  database: PostgresDatabase,
  via: ComposePostgres | ThrowawayPostgres,
  execIn: ExecIn,
  secrets: Pick<Secrets, 'reveal'>,
): Server {
  const host = via.kind === 'compose' ? `${via.stack.project}/${via.service}` : via.container
  const login = via.kind === 'compose' ? via.login : undefined
  const address =
    via.kind === 'throwaway'
      ? thisLoopback
      : login === undefined
        ? thisSocket
        : { ...thisSocket, PGHOST: login.host }
  const exec = (call: ContainerCall, scope: Scope) => execIn(via, call, scope)
  return {
    database,
    host,
    run: async ({ program, args, database: name, stdin, stdout }: ClientCall, scope) => {
      const password =
        name === null || login === undefined || login.password === null
          ? null
          : (await secrets.reveal(login.password)).reveal()
      return exec(
        {
          argv: [program, ...args],
          ...(stdin === undefined ? {} : { stdin }),
          ...(stdout === undefined ? {} : { stdout }),
          ...(name === null
            ? { env: cLocale, user: nobody }
            : {
                env: {
                  ...clientEnvironment({ user: database.user, database: name, password }, scope),
                  ...address,
                },
              }),
        },
        scope,
      )
    },
    async tools(scope): Promise<readonly Tool[]> {
      return Promise.all(
        programs.map(async (tool) => {
          const { stdout } = await exec({ argv: [tool, '--version'], stdout: { text: 4096 } }, scope)
          return { tool, version: toolVersion(stdout), where: host }
        }),
      )
    },
    async freeBytes({ dataDirectory }: ServerPlace, scope) {
      const { exitCode, stdout } = await exec(
        { argv: ['df', '-P', '-k', dataDirectory], stdout: { text: 65_536 } },
        scope,
      )
      return exitCode === 0 ? availableOf(stdout) : null
    },
  }
}

/** As `pg_ctl reload` does: the server's number stands first in this file (postmaster.pid, line 1), whichever process is the container's first. */
const reloadScript = 'kill -HUP "$(head -n 1 "${PGDATA:-/var/lib/postgresql/data}/postmaster.pid")"'

/**
 * Over `docker exec` and not as a signal to the container: the daemon takes any signal of that kind for a stop by hand, and would not start
 * the container again with `unless-stopped` (moby, daemon/kill.go).
 * @throws RunbookError `failed` where no server runs in there
 */
export async function reloadIn(via: ComposePostgres, execIn: ExecIn, scope: Scope): Promise<void> {
  const { exitCode, stderrTail } = await execIn(via, { argv: ['sh', '-c', reloadScript] }, scope)
  if (exitCode === 0) return
  throw new RunbookError(
    'failed',
    `could not have the server in ${via.service} read its settings: ${stderrTail.trim() || `exit code ${exitCode}`}`,
    {
      hint: `docker compose --project-name ${via.stack.project} logs ${via.service}`,
    },
  )
}

/** An image may set these for its own use; empty means unset to libpq. */
const thisSocket = { PGHOST: '', PGHOSTADDR: '', PGOPTIONS: '' } as const

const thisLoopback = { ...thisSocket, PGHOST: '127.0.0.1', PGPORT: '5432' } as const

/** The fourth column of `df -P -k`, which POSIX fixes and BusyBox keeps; in bytes. */
export function availableOf(df: string): number | null {
  const kibibytes = /^.*\s(\d+)\s+\d+%\s+\/.*$/m.exec(df)?.[1]
  return kibibytes === undefined ? null : Number(kibibytes) * 1024
}

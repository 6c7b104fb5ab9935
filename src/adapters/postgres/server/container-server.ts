import type { Readable } from 'node:stream'
import type { ComposePostgres, PostgresDatabase, ThrowawayPostgres } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Secrets } from '../../../drivers/secrets.ts'
import { cannot } from '../../../kernel/errors.ts'
import { composeLine } from '../../../model/compose-line.ts'
import type { Call, Ended } from '../../process/call.ts'
import type { Unwrap } from '../../unwrap/unwrap.ts'
import { clientEnvironment, cLocale } from './client-environment.ts'
import type { ClientCall, Program, Server, ServerPlace, Tool } from './server.ts'
import { ownPsql } from './psql.ts'
import { guardArguments } from './first-start.ts'
import { withoutRefusals } from './refusals-once.ts'
import { toolVersion } from './installed-tools.ts'

const programs: readonly Program[] = ['psql', 'pg_dump', 'pg_restore']

/** Each program says its version in one line that begins with its name; one that is missing says none. */
const versionsScript = 'for tool do "$tool" --version; done; true'

/**
 * Waits 5 seconds at most in the container: entering it for each try takes the time from the server that starts.
 * pg_isready exits with 1 or 2 where the server does not accept connections.
 */
const whenReady =
  'tries=50; while [ $tries -gt 0 ]; do pg_isready -q; case $? in 1|2) sleep 0.1;; *) break;; esac; tries=$((tries-1)); done; exec "$0" "$@"'

/** The user nobody: a program that only reads a foreign file needs no privileges. */
const nobody = '65534:65534'

/** Runs a program in the container of a service, or in a throwaway container. */
export type ExecIn = (
  place: ComposePostgres | ThrowawayPostgres,
  call: ContainerCall,
  scope: Scope,
) => Promise<Ended>
export type ContainerCall = Pick<Call, 'argv' | 'env' | 'stdin' | 'stdout'> & { readonly user?: string }

/**
 * A server in a container. The tools run inside it, so they have its version, and connect by its socket: no
 * published port and no password is needed, since the official image trusts it (`local all all trust`). With
 * `login` they connect by TCP, and so in a throwaway: the temporary server of a first start does not listen there.
 */
export function containerServer(
  database: PostgresDatabase,
  via: ComposePostgres | ThrowawayPostgres,
  execIn: ExecIn,
  { secrets, unwrap }: { readonly secrets: Pick<Secrets, 'reveal'>; readonly unwrap: Unwrap },
): Server {
  const host = via.kind === 'compose' ? `${via.stack.project}/${via.service}` : via.container
  const login = via.kind === 'compose' ? via.login : undefined
  const address =
    via.kind === 'throwaway'
      ? thisLoopback
      : login === undefined
        ? thisSocket
        : { ...thisSocket, PGHOST: login.host }
  const onSocket = via.kind === 'compose' && login === undefined
  const wordsOf = ({ program, args, database: name }: ClientCall): readonly string[] => {
    if (program !== 'psql' || name === null) return [program, ...args]
    if (via.kind === 'throwaway') return ['sh', '-c', whenReady, program, ...args]
    return [program, ...(onSocket ? guardArguments : []), ...args]
  }
  // A throwaway is asked until it answers. The step that starts it reports why it did not.
  const exec = (call: ContainerCall, scope: Scope) =>
    execIn(via, call, via.kind === 'throwaway' ? withoutRefusals(scope) : scope)
  const run: Server['run'] = async (call, scope) => {
    const { database: name, as, stdin, stdout } = call
    const ownPassword = async (): Promise<string | null> =>
      name === null || login === undefined || login.password === null
        ? null
        : (await secrets.reveal(login.password)).reveal()
    const { user, password } = as ?? { user: database.user, password: await ownPassword() }
    return exec(
      {
        argv: wordsOf(call),
        ...(stdin === undefined ? {} : { stdin }),
        ...(stdout === undefined ? {} : { stdout }),
        ...(name === null
          ? { env: cLocale, user: nobody }
          : {
              env: {
                ...clientEnvironment({ user, database: name, password }, scope),
                ...address,
              },
            }),
      },
      scope,
    )
  }
  return {
    database,
    host,
    run,
    script: ownPsql(run),
    unwrap,
    ...(via.kind === 'throwaway' ? { holdFile: (content, scope) => hold(content, exec, host, scope) } : {}),
    async tools(scope): Promise<readonly Tool[]> {
      const { stdout } = await exec(
        { argv: ['sh', '-c', versionsScript, 'sh', ...programs], stdout: { text: 4096 } },
        scope,
      )
      const lines = stdout.split('\n')
      return programs.map((tool) => ({
        tool,
        version: toolVersion(lines.find((line) => line.startsWith(`${tool} `)) ?? ''),
        where: host,
      }))
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

const holdScript = 'umask 077; file="${TMPDIR:-/tmp}/runbook-restore.dump"; cat >"$file" && printf %s "$file"'

async function hold(
  content: Readable,
  exec: (call: ContainerCall, scope: Scope) => Promise<Ended>,
  host: string,
  scope: Scope,
): Promise<string> {
  const argv = ['sh', '-c', holdScript]
  const { exitCode, stdout, stderrTail } = await exec({ argv, stdin: content, stdout: { text: 4096 } }, scope)
  if (exitCode === 0) return stdout
  throw cannot('copy', `the dump into ${host}`, stderrTail.trim() || `exit code ${exitCode}`, {
    code: 'failed',
    hint: 'check the room for containers: docker system df',
  })
}

/**
 * As `pg_ctl reload`: line 1 of postmaster.pid is the server's pid, whichever process is pid 1 of the
 * container.
 */
const reloadScript = 'kill -HUP "$(head -n 1 "${PGDATA:-/var/lib/postgresql/data}/postmaster.pid")"'

/**
 * By `docker exec`, not `docker kill`: the daemon treats such a signal as a manual stop, and would not
 * restart the container with `unless-stopped` (moby, daemon/kill.go).
 * @throws RunbookError `failed` if no server runs in the container
 */
export async function reloadIn(via: ComposePostgres, execIn: ExecIn, scope: Scope): Promise<void> {
  const { exitCode, stderrTail } = await execIn(via, { argv: ['sh', '-c', reloadScript] }, scope)
  if (exitCode === 0) return
  throw cannot(
    'reload the settings of',
    `the server in ${via.service}`,
    stderrTail.trim() || `exit code ${exitCode}`,
    { code: 'failed', hint: `check: ${composeLine(via.stack, `logs ${via.service}`)}` },
  )
}

/** An image may set these variables; libpq treats empty as unset. */
const thisSocket = { PGHOST: '', PGHOSTADDR: '', PGOPTIONS: '' } as const

const thisLoopback = { ...thisSocket, PGHOST: '127.0.0.1', PGPORT: '5432' } as const

/** The fourth column of `df -P -k` (POSIX, also BusyBox), in bytes. */
export function availableOf(df: string): number | null {
  const kibibytes = /^.*\s(\d+)\s+\d+%\s+\/.*$/m.exec(df)?.[1]
  return kibibytes === undefined ? null : Number(kibibytes) * 1024
}

import { RunbookError, type Code } from '../../../kernel/errors.ts'
import { isJson, type Json } from '../../../kernel/json.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Answering } from '../../process/conversation.ts'
import type { Ended } from '../../process/shell.ts'
import { initializing } from './first-start.ts'
import type { ClientCall, Server } from './server.ts'

export type Script = {
  readonly database: string
  /** The act, for error messages: `read the settings of x`. */
  readonly doing: string
  /** SQL for psql. Each selected row is one JSON text. */
  readonly script: string
  /** The error code; default `failed`. */
  readonly code?: Code
}

/**
 * No user settings, no command tags; rows end with a NUL byte, which JSON cannot contain; stops at the first
 * error.
 */
const rowEnd = '\0'
const psqlArguments = [
  '--no-psqlrc',
  '--quiet',
  '--no-align',
  '--tuples-only',
  '--record-separator-zero',
  '--no-password',
  '--set=ON_ERROR_STOP=1',
  '--set=VERBOSITY=verbose',
]

/** The most output kept in memory. */
export const longestAnswer = 64 * 1024 * 1024

/** A call of psql that reads SQL from its input. */
const psqlCall = (database: string, streams: Required<Pick<ClientCall, 'stdin' | 'stdout'>>): ClientCall => ({
  program: 'psql',
  args: psqlArguments,
  database,
  ...streams,
})

/** A psql that answers scripts until its input ends. */
export const answeringPsql = (server: Pick<Server, 'run'>, database: string): Answering => ({
  delimiter: rowEnd,
  longestMessage: longestAnswer,
  run: (streams, scope) => server.run(psqlCall(database, streams), scope),
})

/** Runs each script in a psql of its own. */
export const ownPsql =
  (run: Server['run']): Server['script'] =>
  async ({ database, sql }, scope) => {
    const ended = await run(psqlCall(database, { stdin: sql, stdout: { text: longestAnswer } }), scope)
    return { ...ended, rows: ended.stdout.split(rowEnd).filter((text) => text !== '') }
  }

/**
 * Runs a script and returns the JSON of each selected row, in order. The script is passed on standard input,
 * never in argv.
 * @throws RunbookError with the act and the server's message; the hint depends on the SQLSTATE
 */
export async function records(
  server: Server,
  { database, doing, script, code = 'failed' }: Script,
  scope: Scope,
): Promise<readonly Json[]> {
  const ended = await server.script({ database, sql: script }, scope)
  if (ended.exitCode !== 0) throw psqlError(server, doing, clientError(ended), code)
  return ended.rows.map((text) => {
    const value: unknown = JSON.parse(text)
    if (!isJson(value)) throw new TypeError(`output of psql is not JSON: ${text.slice(0, 80)}`)
    return value
  })
}

export type ClientError = { readonly state: string | null; readonly message: string }

/**
 * The first error of a client program: `ERROR:  42P01: relation "x" does not exist`, or one of libpq, without
 * a state.
 */
export function clientError({ stderrTail, exitCode }: Pick<Ended, 'stderrTail' | 'exitCode'>): ClientError {
  if (stderrTail.includes(initializing)) return { state: '57P03', message: initializing }
  const server = /(?:ERROR|FATAL|PANIC): {2}([0-9A-Z]{5}): (.+(?:\nDETAIL: .+)?)/.exec(stderrTail)
  if (server !== null)
    return { state: server[1] ?? null, message: (server[2] ?? '').replace(/\nDETAIL: +/, ': ') }
  const own = stderrTail
    .split('\n')
    .filter((line) => /(error|fatal|detail): /i.test(line))
    // A kept psql names the line of its input and its command.
    .map((line) => line.replace(/^psql:<stdin>:\d+: error: \\connect: /, 'psql: error: '))
  return {
    state: null,
    message:
      own.slice(0, 2).join(' ').trim() || stderrTail.trim().split('\n').at(-1) || `exit code ${exitCode}`,
  }
}

/**
 * What a full disk of the server is, which its own words, a file and "No space left on device", leave to be guessed; null
 * for every other failure. `pg_restore` prints no code.
 */
export function diskFull(
  { host }: Pick<Server, 'host'>,
  { state, message }: ClientError,
): { readonly why: string; readonly hint: string } | null {
  const isFull = state === null ? /ERROR: .*No space left on device/.test(message) : state === '53100'
  if (!isFull) return null
  return {
    why: `the disk of the Postgres server at ${host} is full: ${message}`,
    hint: `make room on that disk, then start again: its folder is the answer to SHOW data_directory, or that of the tablespace of the database in the answer to SELECT spcname, pg_tablespace_location(oid) FROM pg_tablespace; look at it on the machine or in the container of the server with df -h`,
  }
}

function psqlError(server: Server, doing: string, error: ClientError, code: Code): RunbookError {
  const { state, message } = error
  const full = diskFull(server, error)
  if (full !== null) return new RunbookError(code, `cannot ${doing}: ${full.why}`, { hint: full.hint })
  const hint = message.includes('is not currently accepting connections')
    ? 'a run closed it, and its rollback or its end opens it; by hand: ALTER DATABASE … ALLOW_CONNECTIONS true'
    : state !== null
      ? state === '42501'
        ? `grant the privilege to ${server.database.user}, the role of the target; a dry run names what a runbook needs`
        : hints[state]
      : /database ".*" does not exist/.test(message)
        ? 'check its name in runbook.config.ts; if it is lost, create an empty one of its owner, which a restore replaces: CREATE DATABASE NAME OWNER ROLE'
        : `check that PostgreSQL is running at ${server.host}`
  const damaged = state !== null && damages.includes(state)
  return new RunbookError(damaged ? 'verification' : code, `cannot ${doing}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(isDown({ state, message }) ? { down: server.host } : {}),
  })
}

/**
 * Whether no server listens, it starts or stops, or the connection broke, as opposed to an answer of the server. libpq
 * prints no code (fe-connect.c, fe-misc.c); the codes are admin_shutdown, crash_shutdown and cannot_connect_now.
 */
export const isDown = ({ state, message }: ClientError): boolean =>
  state === null
    ? /could not connect to server|connection to server (?:on|at) .* failed: (?:No such file|timeout expired|Connection (?:refused|timed out|reset)|Operation timed out|No route to host|(?:Network|Host) is unreachable)|server closed the connection|connection to server was lost|the database system is (?:starting up|shutting down|not yet accepting connections|in recovery mode)/.test(
        message,
      )
    : ['57P01', '57P02', '57P03'].includes(state)

/**
 * The data is damaged: invalid byte sequence, I/O error, undefined file, internal error, corrupted data and index. A
 * missing chunk of TOAST is an internal error before Postgres 14.
 */
const damages: readonly string[] = ['22021', '58030', '58P01', 'XX000', 'XX001', 'XX002']

/** By SQLSTATE (appendix A of the manual). */
const hints: { readonly [state: string]: string } = {
  '28P01': 'check the password configured for the target',
  '28000': 'check the role configured for the target, and pg_hba.conf',
  '53300': 'close some sessions, or raise max_connections',
  '57P03': 'wait until the server accepts connections',
  '25006': 'choose the primary: this server is read-only',
}

/**
 * Statements about a database run in another one: `postgres`, or `template1` if `postgres` is the live one. A throwaway has
 * none that is live, and its `postgres` is neither renamed nor dropped.
 */
export const maintenance = ({ database: { name, via } }: Pick<Server, 'database'>): string =>
  name === 'postgres' && via.kind !== 'throwaway' ? 'template1' : 'postgres'

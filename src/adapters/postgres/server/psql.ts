import { RunbookError, type Code } from '../../../kernel/errors.ts'
import { isJson, type Json } from '../../../kernel/json.ts'
import type { Scope } from '../../../drivers/scope.ts'
import type { Ended } from '../../process/shell.ts'
import type { Server } from './server.ts'

export type Script = {
  readonly database: string
  /** What an error says could not be done: `read the settings of x`. */
  readonly doing: string
  /** SQL for psql. Each row that it selects is one JSON text. */
  readonly script: string
  /** The code of the error; `failed` unless said otherwise. */
  readonly code?: Code
}

/** No settings of whoever runs this, no tags; rows end with a zero byte, which JSON cannot hold; the first error ends it. */
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

/** So much may answers hold in memory. */
const longestAnswer = 64 * 1024 * 1024

/**
 * Runs a script and returns the JSON of each row that it selected, in order. It goes in by standard input: nothing of it in argv.
 * @throws RunbookError naming what could not be done, the server's own words, and its SQLSTATE in the hint where that helps.
 */
export async function records(
  server: Server,
  { database, doing, script, code = 'failed' }: Script,
  scope: Scope,
): Promise<readonly Json[]> {
  const ended = await server.run(
    { program: 'psql', args: psqlArguments, database, stdin: script, stdout: { text: longestAnswer } },
    scope,
  )
  if (ended.exitCode !== 0) throw psqlError(server, doing, clientError(ended), code)
  return ended.stdout
    .split('\0')
    .filter((text) => text !== '')
    .map((text) => {
      const value: unknown = JSON.parse(text)
      if (!isJson(value)) throw new TypeError(`psql printed what is no JSON: ${text.slice(0, 80)}`)
      return value
    })
}

export type ClientError = { readonly state: string | null; readonly words: string }

/** The first error of a client program: `ERROR:  42P01: relation "x" does not exist`, or libpq's own without a state. */
export function clientError({ stderrTail, exitCode }: Pick<Ended, 'stderrTail' | 'exitCode'>): ClientError {
  const server = /(?:ERROR|FATAL|PANIC): {2}([0-9A-Z]{5}): (.+(?:\nDETAIL: .+)?)/.exec(stderrTail)
  if (server !== null)
    return { state: server[1] ?? null, words: (server[2] ?? '').replace(/\nDETAIL: +/, ': ') }
  const own = stderrTail.split('\n').filter((line) => /(error|fatal|detail): /i.test(line))
  return {
    state: null,
    words:
      own.slice(0, 2).join(' ').trim() || stderrTail.trim().split('\n').at(-1) || `exit code ${exitCode}`,
  }
}

function psqlError(server: Server, doing: string, { state, words }: ClientError, code: Code): RunbookError {
  const hint = state === null ? `look whether PostgreSQL answers at ${server.host}` : hints[state]
  return new RunbookError(code, `could not ${doing}: ${words}`, hint === undefined ? {} : { hint })
}

/** By SQLSTATE (appendix A of the manual). */
const hints: { readonly [state: string]: string } = {
  '28P01': 'look at the password that the target names',
  '28000': 'look at the role that the target names, and at pg_hba.conf',
  '42501': 'give the role of the target the right to do this',
  '53300': 'end some sessions, or raise max_connections',
  '57P03': 'wait until the server is up',
  '25006': 'choose the primary: this server is read-only',
}

/** Statements about whole databases need a session in another one: `postgres`, or `template1` where that is the live one itself. */
export const maintenance = (server: Pick<Server, 'database'>): string =>
  server.database.name === 'postgres' ? 'template1' : 'postgres'

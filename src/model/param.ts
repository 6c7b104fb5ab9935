import type { SecretHandle } from '../drivers/secrets.ts'
import type { Json } from '../kernel/json.ts'

/** What the command line knows when it reads a flag. */
export interface Reading {
  /** Absolute; relative paths start here. */
  readonly directory: string
}

/** A typed parameter of a runbook: a flag with help text. Immutable; every method gives a new one. */
export interface Param<T extends Json> {
  readonly kind: 'text' | 'path' | 'instant' | 'choice' | 'integer' | 'flag' | 'secret'
  readonly help: string
  readonly choices: readonly string[]
  /** What is taken when the flag is not given; `undefined`: the flag must be given. */
  readonly fallback: T | undefined
  /** The variable that is taken when the flag is not given, besides RUNBOOK_PARAM_NAME; null for none. */
  readonly variable: string | null
  /** @throws Error with a sentence that says what a right value looks like. */
  parse(raw: string, reading: Reading): T
  optional(): Param<T | null>
  default(value: T): Param<T>
  /** Takes the variable of this name where the flag is not given and it is not empty: for names that a team's scripts have always read. */
  orFrom(variable: string): Param<T>
}

/** `badSince` is typed `--bad-since`. */
export const flagOf = (name: string): string =>
  `--${name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()}`

type Kind = Param<Json>['kind']

function make<T extends Json>(
  kind: Kind,
  help: string,
  parse: (raw: string, reading: Reading) => T,
  more: { readonly choices?: readonly string[]; readonly fallback?: T; readonly variable?: string } = {},
): Param<T> {
  return {
    kind,
    help,
    choices: more.choices ?? [],
    fallback: more.fallback,
    variable: more.variable ?? null,
    parse,
    optional: () => make<T | null>(kind, help, parse, { ...more, fallback: null }),
    default: (value) => make(kind, help, parse, { ...more, fallback: value }),
    orFrom: (variable) => make(kind, help, parse, { ...more, variable }),
  }
}

const zoned = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:?\d{2})$/

function instant(raw: string): string {
  const text = raw.trim()
  const at = new Date(text.replace(' ', 'T'))
  if (!zoned.test(text) || Number.isNaN(at.getTime())) {
    throw new Error(
      `"${raw}" is no moment in time; write it with its zone, as 2026-02-03T04:12:00Z or 2026-02-03T05:12:00+01:00`,
    )
  }
  return at.toISOString()
}

function path(raw: string, { directory }: Reading): string {
  if (raw === '' || raw.includes('\0')) throw new Error('a path cannot be empty')
  return raw.startsWith('/') ? raw : `${directory.replace(/\/$/, '')}/${raw.replace(/^\.\//, '')}`
}

function integer(raw: string): number {
  const value = Number(raw)
  if (!/^-?\d+$/.test(raw.trim()) || !Number.isSafeInteger(value))
    throw new Error(`"${raw}" is no whole number`)
  return value
}

function flag(raw: string): boolean {
  if (['', 'true', 'yes', 'on', '1'].includes(raw.toLowerCase())) return true
  if (['false', 'no', 'off', '0'].includes(raw.toLowerCase())) return false
  throw new Error(`"${raw}" is neither yes nor no`)
}

function source(name: string): (raw: string, reading: Reading) => SecretHandle {
  return (raw, reading) => {
    if (raw.startsWith('env:') && raw.length > 4) return { secret: name, from: { env: raw.slice(4) } }
    if (raw.startsWith('file:') && raw.length > 5)
      return { secret: name, from: { file: path(raw.slice(5), reading) } }
    throw new Error('a secret never stands on the command line: write env:VARIABLE or file:PATH')
  }
}

export const param = {
  text: (help: string): Param<string> => make('text', help, (raw) => raw),
  /** Relative paths are taken from the folder in which the command is typed. */
  path: (help: string): Param<string> => make('path', help, path),
  /** A moment in time with its zone; kept as ISO 8601 in UTC. */
  instant: (help: string): Param<string> => make('instant', help, instant),
  integer: (help: string): Param<number> => make('integer', help, integer),
  /** `--name` or `--no-name`. */
  flag: (help: string): Param<boolean> => make('flag', help, flag, { fallback: false }),
  choice: <const C extends readonly [string, ...string[]]>(help: string, choices: C): Param<C[number]> =>
    make<C[number]>(
      'choice',
      help,
      (raw) => {
        if (!choices.includes(raw)) throw new Error(`"${raw}" is none of ${choices.join(', ')}`)
        return raw
      },
      { choices },
    ),
  /**
   * Names where a secret is found, `env:VARIABLE` or `file:PATH`; the plan carries that name and the value never enters it.
   * @param from where it is found when the flag is not given
   */
  secret: (help: string, from: { readonly name: string; readonly env: string }): Param<SecretHandle> =>
    make<SecretHandle>('secret', help, source(from.name), {
      fallback: { secret: from.name, from: { env: from.env } },
    }),
} as const

/** Any parameter, its value's type forgotten. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyParam = Param<any>

export type ValueOf<P> = P extends Param<infer T> ? T : never

import type { SecretHandle } from '../drivers/secrets.ts'
import type { Json } from '../kernel/json.ts'

/** Context in which a flag is parsed. */
export interface Reading {
  /** Absolute path that relative paths are resolved against. */
  readonly directory: string
}

/** A typed parameter of a runbook: a flag with help text. Immutable; every method returns a new one. */
export interface Param<T extends Json> {
  readonly kind: 'text' | 'path' | 'instant' | 'choice' | 'integer' | 'flag' | 'secret'
  readonly help: string
  readonly choices: readonly string[]
  /** Value used when the flag is not given; `undefined`: the flag is required. */
  readonly fallback: T | undefined
  /** In words, what is taken if an optional one is not given; left out where it does not say. */
  readonly without?: string
  /** Environment variable read when the flag is not given, besides RUNBOOK_PARAM_NAME; null for none. */
  readonly variable: string | null
  /** @throws Error whose message says what a valid value looks like. */
  parse(raw: string, reading: Reading): T
  /**
   * Null when the flag is not given.
   * @param without in words, what is taken then, such as `the newest one`: shown by help, plans and documents
   */
  optional(without?: string): Param<T | null>
  default(value: T): Param<T>
  /**
   * Also reads this environment variable when the flag is not given; an empty one counts as unset.
   * For variable names that a team's scripts already use.
   */
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
  more: {
    readonly choices?: readonly string[]
    readonly fallback?: T
    readonly variable?: string
    readonly without?: string
  } = {},
): Param<T> {
  return {
    kind,
    help,
    choices: more.choices ?? [],
    fallback: more.fallback,
    variable: more.variable ?? null,
    ...(more.without === undefined ? {} : { without: more.without }),
    parse,
    optional: (without) => {
      const { without: _, ...rest } = more
      return make<T | null>(kind, help, parse, {
        ...rest,
        fallback: null,
        ...(without === undefined ? {} : { without }),
      })
    },
    default: (value) => {
      const { without: _, ...rest } = more
      return make(kind, help, parse, { ...rest, fallback: value })
    },
    orFrom: (variable) => make(kind, help, parse, { ...more, variable }),
  }
}

const zoned = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:?\d{2})$/

function instant(raw: string): string {
  const text = raw.trim()
  const at = new Date(text.replace(' ', 'T'))
  if (!zoned.test(text) || Number.isNaN(at.getTime())) {
    throw new Error(
      `"${raw}" is not a time with a zone; write it as 2026-02-03T04:12:00Z or 2026-02-03T05:12:00+01:00`,
    )
  }
  return at.toISOString()
}

function path(raw: string, { directory }: Reading): string {
  if (raw === '' || raw.includes('\0')) throw new Error('a path cannot be empty or contain NUL')
  return raw.startsWith('/') ? raw : `${directory.replace(/\/$/, '')}/${raw.replace(/^\.\//, '')}`
}

function integer(raw: string): number {
  const value = Number(raw)
  if (!/^-?\d+$/.test(raw.trim()) || !Number.isSafeInteger(value))
    throw new Error(`"${raw}" is not an integer`)
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
    throw new Error('a secret cannot be given on the command line: use env:VARIABLE or file:PATH')
  }
}

export const param = {
  text: (help: string): Param<string> => make('text', help, (raw) => raw),
  /** Relative paths are resolved against the working directory of the command. */
  path: (help: string): Param<string> => make('path', help, path),
  /** A timestamp with its time zone; stored as ISO 8601 in UTC. */
  instant: (help: string): Param<string> => make('instant', help, instant),
  integer: (help: string): Param<number> => make('integer', help, integer),
  /** `--name` or `--no-name`. */
  flag: (help: string): Param<boolean> => make('flag', help, flag, { fallback: false }),
  choice: <const C extends readonly [string, ...string[]]>(help: string, choices: C): Param<C[number]> =>
    make<C[number]>(
      'choice',
      help,
      (raw) => {
        if (!choices.includes(raw)) throw new Error(`"${raw}" is not one of ${choices.join(', ')}`)
        return raw
      },
      { choices },
    ),
  /**
   * Says where to read a secret: `env:VARIABLE` or `file:PATH`. The plan holds that source, never the value.
   * @param from name of the secret, and the variable to read when the flag is not given
   */
  secret: (help: string, from: { readonly name: string; readonly env: string }): Param<SecretHandle> =>
    make<SecretHandle>('secret', help, source(from.name), {
      fallback: { secret: from.name, from: { env: from.env } },
    }),
} as const

/** A parameter of any value type. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyParam = Param<any>

export type ValueOf<P> = P extends Param<infer T> ? T : never

import type { Json } from '../kernel/json.ts'

type Called = {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly config: string | undefined
  readonly trust?: readonly string[] | undefined
  /** The name of the configuration that was found without `--config`; `runbook.config.ts` where none was. */
  readonly found?: string | undefined
}

/**
 * The command as it has to be typed here, through npx and with `--config` and `--trust` where those were used,
 * so that it can be copied.
 */
export function calledAs({ environment, config, trust = [] }: Called): string {
  const byNpx =
    environment['npm_lifecycle_event'] === 'npx' &&
    /^['"]?runbook\b/.test(environment['npm_lifecycle_script'] ?? '')
  const named = [
    ...(config === undefined ? [] : [` --config ${quoted(config)}`]),
    ...trust.map((path) => ` --trust ${quoted(path)}`),
  ].join('')
  return `${byNpx ? 'npx ' : ''}runbook${named}`
}

const quoted = (path: string): string =>
  /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

/** Not as the end of a path, which names the file itself. */
const usualConfiguration = /(?<![\w./-])runbook\.config\.ts(?![\w/-])/g

/**
 * Replaces each command of the program in a text by the form that has to be typed here, and the usual name of the
 * configuration by that of the one in use. A command is recognised alone on a line, after a label, a semicolon, a parenthesis, two spaces, "or" and
 * "then", or between backticks.
 * @param commands names of the program's commands
 */
export function asTyped(text: string, called: Called, commands: readonly string[]): string {
  const typed = new RegExp(
    `(^ *|[:;] +|\`|\\(| {2,}| (?:or|then) )runbook (?=(?:${commands.join('|')})\\b)`,
    'gm',
  )
  const name = called.config ?? called.found
  const named = name === undefined ? text : text.replaceAll(usualConfiguration, () => quoted(name))
  return named.replaceAll(typed, (_, before: string) => `${before}${calledAs(called)} `)
}

/** What a person reads in an object of `--json`. */
const read = new Set(['message', 'hint', 'problem', 'why', 'remarks'])

/** As {@link asTyped}, in what a person reads of JSON: the rest is for programs, and stays. */
export function typedIn<T extends Json>(json: T, typed: (text: string) => string): T {
  if (Array.isArray(json)) return json.map((each: Json) => typedIn(each, typed)) as unknown as T
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [
      key,
      read.has(key) ? textIn(value, typed) : typedIn(value, typed),
    ]),
  ) as T
}

/** A text, or a list of texts. */
function textIn(value: Json, typed: (text: string) => string): Json {
  if (typeof value === 'string') return typed(value)
  return Array.isArray(value) ? value.map((each: Json) => textIn(each, typed)) : typedIn(value, typed)
}

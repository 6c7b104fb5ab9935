type Called = {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly config: string | undefined
  readonly trust?: readonly string[] | undefined
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
 * configuration by that of `--config`. A command is recognised alone on a line, after a label, two spaces, "or" and "then", or
 * between backticks.
 * @param commands names of the program's commands
 */
export function asTyped(text: string, called: Called, commands: readonly string[]): string {
  const typed = new RegExp(`(^ *|: +|\`| {2,}| (?:or|then) )runbook (?=(?:${commands.join('|')})\\b)`, 'gm')
  const { config } = called
  const named = config === undefined ? text : text.replaceAll(usualConfiguration, () => quoted(config))
  return named.replaceAll(typed, (_, before: string) => `${before}${calledAs(called)} `)
}

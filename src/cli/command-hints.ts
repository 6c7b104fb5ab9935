type Called = {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly config: string | undefined
}

/** How one calls this program here: through npx where npx called it, and with the configuration that was named. What is copied must work. */
export function calledAs({ environment, config }: Called): string {
  const byNpx =
    environment['npm_lifecycle_event'] === 'npx' &&
    /^['"]?runbook\b/.test(environment['npm_lifecycle_script'] ?? '')
  const named =
    config === undefined
      ? ''
      : ` --config ${/^[\w./@+-]+$/.test(config) ? config : `'${config.replaceAll("'", "'\\''")}'`}`
  return `${byNpx ? 'npx ' : ''}runbook${named}`
}

/**
 * A text for people, with every command in it as it has to be typed here. A command stands alone on a line, after a label, or between
 * backticks.
 * @param commands names of the program's commands
 */
export function asTyped(text: string, called: Called, commands: readonly string[]): string {
  const typed = new RegExp(`(^ *|: +|\`)runbook (?=(?:${commands.join('|')})\\b)`, 'gm')
  return text.replaceAll(typed, (_, before: string) => `${before}${calledAs(called)} `)
}

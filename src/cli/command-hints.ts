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

/** Every command that a text tells to type: alone on a line, after a label, or between backticks. */
const commands =
  /(^ *|: +|`)runbook (?=(?:list|show|run|resume|rollback|status|history|evidence|unlock|help)\b)/gm

export const asTyped = (text: string, called: Called): string =>
  text.replaceAll(commands, (_, before: string) => `${before}${calledAs(called)} `)

import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

const compiled = import.meta.url.endsWith('.js')
/** Of a checkout; in a package `dist`, which is laid out the same. */
const top = new URL('../../', import.meta.url)
const at = (path: string): URL => new URL(`${path}.${compiled ? 'js' : 'ts'}`, top)

/** The version that package.json says. */
export function ownVersion(): string {
  const { version } = JSON.parse(
    readFileSync(new URL(compiled ? '../package.json' : 'package.json', top), 'utf8'),
  ) as { readonly version: string }
  return version
}

/** The runbooks that come with the program. */
export const packagedRunbooks: string = fileURLToPath(new URL('runbooks', top))

/** As in `exports` of package.json. */
const entrances: ReadonlyMap<string, string> = new Map([
  ['runbook', at('src/index').href],
  ['runbook/steps', at('steps/index').href],
  ['runbook/testing', at('src/testing/index').href],
])

/**
 * Whatever a team's files import from `runbook` is this very copy, wherever it is installed: a global command needs no node_modules beside
 * the runbooks, and there are never two copies in one process.
 */
export function registerSelfImports(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = entrances.get(specifier)
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true }
    },
  })
}

import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

const compiled = import.meta.url.endsWith('.js')
/** The root of the checkout; in a package `dist`, which has the same layout. */
const top = new URL('../../', import.meta.url)
const at = (path: string): URL => new URL(`${path}.${compiled ? 'js' : 'ts'}`, top)

/** The version in package.json. */
export function ownVersion(): string {
  const { version } = JSON.parse(
    readFileSync(new URL(compiled ? '../package.json' : 'package.json', top), 'utf8'),
  ) as { readonly version: string }
  return version
}

/** The folder of the runbooks that come with the program. */
export const packagedRunbooks: string = fileURLToPath(new URL('runbooks', top))

/** Must match `exports` of package.json. */
const entrances: ReadonlyMap<string, string> = new Map([
  ['runbook', at('src/index').href],
  ['runbook/steps', at('steps/index').href],
  ['runbook/testing', at('src/testing/index').href],
])

/**
 * Resolves imports of `runbook` in a team's files to this copy: a global install needs no node_modules beside
 * the runbooks, and a process never has two copies.
 */
export function registerSelfImports(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = entrances.get(specifier)
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true }
    },
  })
}

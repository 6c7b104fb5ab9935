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

let checkFile: (file: string) => void = () => undefined

/** From here on, checks each file that a team's code imports before it is loaded. */
export function checkImports(check: (file: string) => void): void {
  checkFile = check
}

/**
 * Resolves imports of `runbook` in a team's files to this copy: a global install needs no node_modules beside
 * the runbooks, and a process never has two copies. Files of the program and of its dependencies are not
 * checked: whoever can write them needs no runbook.
 */
export function registerSelfImports(): void {
  const own = new Set<string>()
  const isOwn = (url: string | undefined): boolean =>
    url !== undefined && (url.startsWith(top.href) || own.has(url))
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = entrances.get(specifier)
      if (url !== undefined) return { url, shortCircuit: true }
      const found = next(specifier, context)
      if (!found.url.startsWith('file:') || isOwn(found.url)) return found
      // Only an absolute path leads from the program to a file of the team.
      if (isOwn(context.parentURL) && !/^(?:file:|\/|[A-Za-z]:)/.test(specifier)) own.add(found.url)
      else checkFile(fileURLToPath(found.url))
      return found
    },
  })
}

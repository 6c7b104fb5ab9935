import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const compiled = import.meta.url.endsWith('.js')
/** The root of the checkout; in a package `dist`, which has the same layout. */
export const top = new URL('../../', import.meta.url)
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

/** The program, as Node starts it. */
export const ownProgram: string = fileURLToPath(
  new URL(compiled ? '../bin/runbook.js' : 'bin/runbook.js', top),
)

/** The names by which teams import this program, and its files. Must match `exports` of package.json. */
export const entrances: ReadonlyMap<string, string> = new Map([
  ['runbook', at('src/index').href],
  ['runbook/steps', at('steps/index').href],
  ['runbook/testing', at('src/testing/index').href],
])

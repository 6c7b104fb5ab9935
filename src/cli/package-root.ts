import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ownExtension, ownRoot } from '../kernel/own-code.ts'

const compiled = ownExtension === 'js'
const at = (path: string): URL => new URL(`${path}.${ownExtension}`, ownRoot)

/** The version in package.json. */
export function ownVersion(): string {
  const { version } = JSON.parse(
    readFileSync(new URL(compiled ? '../package.json' : 'package.json', ownRoot), 'utf8'),
  ) as { readonly version: string }
  return version
}

/** The folder of the runbooks that come with the program. */
export const packagedRunbooks: string = fileURLToPath(new URL('runbooks', ownRoot))

/** The program, as Node starts it. */
export const ownProgram: string = fileURLToPath(
  new URL(compiled ? '../bin/runbook.js' : 'bin/runbook.js', ownRoot),
)

/** The names by which teams import this program, and its files. Must match `exports` of package.json. */
export const entrances: ReadonlyMap<string, string> = new Map([
  ['runbook', at('src/index').href],
  ['runbook/steps', at('steps/index').href],
  ['runbook/testing', at('src/testing/index').href],
])

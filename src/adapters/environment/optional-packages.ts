import { existsSync, readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PackageFacts } from '../../drivers/commands.ts'
import { cannot } from '../../kernel/errors.ts'
import { optionalPackages, type OptionalPackage } from '../../kernel/optional-packages.ts'

const here = fileURLToPath(import.meta.url)

/**
 * Imports code that needs an optional package.
 * @param doing the act that needs it, and what it is done to: `['read', 'a bucket of S3']`
 * @throws RunbookError `preflight` if the package is not installed
 */
export async function withPackage<T>(
  name: OptionalPackage,
  [doing, what]: readonly [doing: string, what: string],
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load()
  } catch (thrown) {
    const missing = missingPackage(thrown)
    if (!optionalPackages[name].some((one) => one.startsWith(`${missing}@`))) throw thrown
    throw cannot(doing, what, `the npm package ${missing} is not installed`, {
      code: 'preflight',
      hint: `install it: ${installCommand(name, here)}`,
    })
  }
}

/** Whether an optional package is installed; its code is not loaded. */
export function packageFacts(name: OptionalPackage): PackageFacts {
  try {
    const [first = ''] = optionalPackages[name].map(versionOf)
    return { version: first }
  } catch (thrown) {
    if (missingPackage(thrown) === null) throw thrown
    return { install: installCommand(name, here) }
  }
}

function versionOf(versioned: string): string {
  const path = findPackageJSON(versioned.slice(0, versioned.lastIndexOf('@')), import.meta.url)
  const { version } = JSON.parse(readFileSync(path ?? '', 'utf8')) as { readonly version: string }
  return version
}

/** The package that Node did not find (its text of ERR_MODULE_NOT_FOUND); null for any other error. */
function missingPackage(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || (thrown as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND')
    return null
  return /^Cannot find package '([^']+)'/.exec(thrown.message)?.[1] ?? null
}

/**
 * What to type where this program is installed. A project has a package.json beside its outermost `node_modules`; the
 * folder of global packages has none.
 * @param file a file of this program
 */
export function installCommand(name: OptionalPackage, file: string): string {
  const [project, inside] = file.split(`${sep}node_modules${sep}`, 2)
  if (project === undefined || inside === undefined) return 'npm ci'
  const where = existsSync(`${project}${sep}package.json`) ? '--save-dev' : '--global'
  return `npm install ${where} ${optionalPackages[name].join(' ')}`
}

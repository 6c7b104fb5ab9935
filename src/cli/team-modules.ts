import { readFileSync, realpathSync } from 'node:fs'
import { registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { syntaxOf } from './module-format.ts'
import { ownRoot } from '../kernel/own-code.ts'
import { entrances } from './package-root.ts'

let checkFile: (file: string) => void = () => undefined

/** From here on, checks each file that a team's code imports before it is loaded. */
export function checkImports(check: (file: string) => void): void {
  checkFile = check
}

/** Formats by URL, as Node names them. */
const formats = new Map<string, string | null>()

/**
 * Decides how a team's files are loaded. Imports of `runbook` resolve to this copy: a global install needs no
 * node_modules beside the runbooks, and a process never has two copies. A `.ts` or `.js` outside node_modules is what its
 * syntax says, whatever the `type` of the package around it. Files of the program and of its dependencies are neither
 * checked nor changed: whoever can write them needs no runbook.
 */
export function registerTeamModules(): void {
  const own = new Set<string>()
  const isOwn = (url: string | undefined): boolean =>
    url !== undefined && (url.startsWith(ownRoot.href) || own.has(url))
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = entrances.get(specifier)
      if (url !== undefined) return { url, shortCircuit: true }
      const inside = insideProgram(specifier, context)
      if (inside !== null) return inside
      const found = commonjsAt(specifier, context) ?? next(specifier, context)
      if (!found.url.startsWith('file:') || isOwn(found.url)) return found
      // Only an absolute path leads from the program to a file of the team.
      if (isOwn(context.parentURL) && !/^(?:file:|\/|[A-Za-z]:)/.test(specifier)) {
        own.add(found.url)
        return found
      }
      const file = fileURLToPath(found.url)
      checkFile(file)
      const format = formatOf(found.url)
      if (format === null || format === found.format) return found
      if (isRequired(context)) registerRequired()
      return { ...found, format }
    },
  })

  /**
   * A file that is CommonJS, imported from a team's file by its path. In a package of type `module`, Node 24 takes the
   * format of such a file from the hook only if the hook resolves it alone.
   */
  function commonjsAt(specifier: string, context: ResolveHookContext): ResolveFnOutput | null {
    const from = context.parentURL
    if (isRequired(context) || from === undefined || !/^(?:\.{0,2}\/|file:)/.test(specifier)) return null
    if (!from.startsWith('file:') || (isOwn(from) && !specifier.startsWith('file:'))) return null
    const { href } = new URL(specifier, from)
    if (!/\.[jt]s$/.test(href) || isOwn(href)) return null
    try {
      const { href: url } = pathToFileURL(realpathSync(fileURLToPath(href)))
      checkFile(fileURLToPath(url))
      const format = formatOf(url)
      return format?.startsWith('commonjs') === true ? { url, format, shortCircuit: true } : null
    } catch (thrown) {
      // Of a file that cannot be read, Node says it best.
      if (thrown instanceof Error && 'syscall' in thrown) return null
      throw thrown
    }
  }
}

/** What is compiled, and in a checkout what it is compiled from: modules that name each other by path, ending included. */
const folders = ['src/', 'steps/', 'runbooks/'].map((folder) => new URL(folder, ownRoot).href)

/**
 * A file of the program, imported by another one. Node would look for each of them, and for the package around it: a
 * third of the time that it takes to load all steps.
 */
function insideProgram(specifier: string, context: ResolveHookContext): ResolveFnOutput | null {
  const from = context.parentURL
  const ending = /^\.{1,2}\/.*\.([jt]s)$/.exec(specifier)?.[1]
  if (ending === undefined || from === undefined || isRequired(context)) return null
  if (!folders.some((folder) => from.startsWith(folder))) return null
  const { href: url } = new URL(specifier, from)
  if (!folders.some((folder) => url.startsWith(folder))) return null
  return { url, format: ending === 'ts' ? 'module-typescript' : 'module', shortCircuit: true }
}

const isRequired = (context: ResolveHookContext): boolean => context.conditions.includes('require')

let required = false

/** The loader of `require` asks for the format when it loads. This hook would be called for each file of the program too. */
function registerRequired(): void {
  if (required) return
  required = true
  registerHooks({
    load: (url, context, next) => {
      const format = formats.get(url)
      return next(url, format === undefined || format === null ? context : { ...context, format })
    },
  })
}

/** What a team's file is to Node; null where Node's own rules hold. */
function formatOf(url: string): string | null {
  const known = formats.get(url)
  if (known !== undefined) return known
  const ending = /\.([jt]s)$/.exec(url)?.[1]
  if (ending === undefined || url.includes('/node_modules/')) return null
  const syntax = syntaxOf(readFileSync(new URL(url), 'utf8'), ending === 'ts')
  const format = syntax === null ? null : ending === 'ts' ? `${syntax}-typescript` : syntax
  formats.set(url, format)
  return format
}

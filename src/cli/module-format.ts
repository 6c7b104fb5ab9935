import { stripTypeScriptTypes } from 'node:module'
import { compileFunction } from 'node:vm'

/** What a file is by its syntax; null for one that is both a script and a module, so that Node decides. */
export type Syntax = 'module' | 'commonjs' | null

/** What only a CommonJS file needs. A module may contain it too: as a comment, or with `createRequire`. */
const commonjs = /\b(?:require\s*\(|module\s*[.[]|exports\b|__filename\b|__dirname\b)/
const atLineStart = /^\s*(?:import|export)\b(?!\s*\()/m

/**
 * Whether a file is a module or CommonJS, by its syntax, as Node decides where no package.json says it: what does not
 * compile as CommonJS is a module. Most files are recognized without compiling, which would take their types away twice.
 */
export function syntaxOf(source: string, typescript: boolean): Syntax {
  const needsCommonjs = commonjs.test(source)
  if (!needsCommonjs && atLineStart.test(source)) return 'module'
  if (!compilesAsCommonjs(source, typescript)) return 'module'
  return needsCommonjs ? 'commonjs' : null
}

function compilesAsCommonjs(source: string, typescript: boolean): boolean {
  const text = source.replace(/^\uFEFF?(?:#!.*)?/, '')
  try {
    const parameters = ['exports', 'require', 'module', '__filename', '__dirname']
    compileFunction(typescript ? withoutTypes(text) : text, parameters)
    return true
  } catch {
    return false
  }
}

/** Node warns that this function is experimental; loading TypeScript, which does the same, is not. */
function withoutTypes(text: string): string {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = emitWarning
  }
}

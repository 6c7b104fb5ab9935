import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { foreignFrame } from '../kernel/author-place.ts'
import { hintOf } from '../kernel/errors.ts'

/** What to write instead of TypeScript that does more than name types, by what Node calls it. */
const cures: readonly (readonly [RegExp, string])[] = [
  [/\benum\b/, 'instead of an enum write `const Name = { … } as const`'],
  [/\bparameter propert/, 'declare the property in the class and assign it in the constructor'],
  [/\bnamespace\b|\bmodule\b/, 'instead of a namespace write a file of its own, and import it'],
  [/import (?:=|equals)/, "write `import name from '…'`"],
  [/export (?:=|assignment)/, 'write `export default …`'],
]

/**
 * What to do about code that does not load: the hint of the error itself, else where the mistake is and its cure.
 * @param path the file that was to be loaded; the mistake may be in one that it imports
 */
export async function loadHint(thrown: unknown, path: string): Promise<string> {
  const own = hintOf(thrown)
  if (own !== undefined) return own
  const {
    code = '',
    message = '',
    stack = '',
  } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : {}
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING')
    return 'Node runs no TypeScript below node_modules: have that package publish JavaScript'
  const place =
    thrown instanceof SyntaxError ? (placeIn(stack) ?? (await placeByParsing(path))) : foreignFrame(stack)
  if (place === null) return 'fix the file; nothing was changed'
  if (code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return `fix ${place}; nothing was changed`
  const cure = cures.find(([kind]) => kind.test(message))?.[1] ?? 'write it as JavaScript with types'
  return `in ${place}, ${cure}: Node only takes types away. \`"erasableSyntaxOnly": true\` in tsconfig.json shows all such places`
}

/** Node writes the place of a syntax error above the stack: `file:///srv/shop/lib.ts:3`. */
function placeIn(stack: string): string | null {
  const [, file, line] = /^((?:file:\/\/)?\/.+):(\d+)$/m.exec(stack.split('\n', 1)[0] ?? '') ?? []
  return file === undefined ? null : `${pathOf(file)}:${line}`
}

/** Of a syntax error in a module Node keeps the place to itself. */
async function placeByParsing(file: string): Promise<string | null> {
  if (!/\.m?js$/.test(file)) return null
  const { parse } = await import('acorn')
  try {
    parse(await readFile(file, 'utf8'), { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true })
    return null
  } catch (thrown) {
    const { loc } = thrown as { readonly loc?: { readonly line: number } }
    return loc === undefined ? null : `${file}:${loc.line}`
  }
}

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file)

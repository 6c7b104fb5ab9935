/** What the text of a module declares at its top level, as far as a catalogue needs it. */
export type Declarations = {
  /** The text of each type, exported or not. */
  readonly types: ReadonlyMap<string, { readonly text: string; readonly exported: boolean }>
  /** Type names from relative modules: local name to specifier. */
  readonly imports: ReadonlyMap<string, string>
  /** Input and output of each `export const NAME = defineStep<INPUT, OUTPUT>(`, as written. */
  readonly steps: ReadonlyMap<string, string>
  /** First sentence of the docstring of each exported constant. */
  readonly summaries: ReadonlyMap<string, string>
}

/**
 * Reads the source text of a formatted module: a declaration begins in the first column and ends before the next one. There is no parser
 * of TypeScript among the dependencies, and the compiler has no interface for JavaScript.
 */
export function readDeclarations(source: string): Declarations {
  const types = new Map<string, { text: string; exported: boolean }>()
  const imports = new Map<string, string>()
  const steps = new Map<string, string>()
  const summaries = new Map<string, string>()
  let comment = ''
  for (const text of source.split(/^(?=[A-Za-z/])/m)) {
    if (text.startsWith('/')) {
      comment = text
      continue
    }
    const type = /^(export )?(?:type|interface) (\w+)/.exec(text)
    if (type !== null) types.set(type[2] ?? '', { text, exported: type[1] !== undefined })
    const from = /^import [\s\S]*?\{([\s\S]*)\} from '(\.[^']+)'/.exec(text)
    for (const [, name = ''] of (from?.[1] ?? '').matchAll(/(?:type )?(\w+),?/g))
      imports.set(name, from?.[2] ?? '')
    const [, constant = ''] = /^export const (\w+)/.exec(text) ?? []
    if (constant !== '') {
      steps.set(constant, inputAndOutput(text))
      summaries.set(constant, firstSentence(comment))
    }
    comment = ''
  }
  return { types, imports, steps, summaries }
}

/** The type arguments of `defineStep`, without what its survey saw, which stays inside the step. */
function inputAndOutput(text: string): string {
  const [, list = ''] = /defineStep<([\s\S]*?)>\(/.exec(text) ?? []
  const ends = [...list.matchAll(/[<({[]|[>)}\]]|,/g)]
  let depth = 0
  let commas = 0
  for (const { 0: sign, index } of ends) {
    if (sign === ',' && depth === 0 && ++commas === 2) return list.slice(0, index)
    if (sign !== ',') depth += '<({['.includes(sign) ? 1 : -1
  }
  return list
}

const firstSentence = (comment: string): string => {
  const text = comment
    .replaceAll(/^\/\*\*|\*\/\s*$/g, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return /^.*?[.](?=\s+[A-Z@]|$)/.exec(text)?.[0] ?? text
}

type Modules = {
  readonly declarationsOf: (file: string) => Declarations
  readonly resolve: (from: string, specifier: string) => string
}

/**
 * The exported types that the inputs and outputs of a file's steps name, directly or through types that are not exported. What exported
 * types are made of is not followed, nor are types of the package's main entrance.
 */
export function exportedTypes(
  file: string,
  steps: readonly string[],
  { declarationsOf, resolve }: Modules,
): readonly { readonly name: string; readonly file: string }[] {
  const found = new Map<string, { readonly name: string; readonly file: string }>()
  const seen = new Set<string>()
  const follow = (text: string, from: string): void => {
    const { types, imports } = declarationsOf(from)
    const words = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').matchAll(/\b[A-Z]\w*/g)
    for (const [name] of words) {
      const at = `${from} ${name}`
      if (seen.has(at)) continue
      seen.add(at)
      const type = types.get(name)
      const specifier = imports.get(name)
      if (type !== undefined) {
        if (type.exported) found.set(at, { name, file: from })
        else follow(type.text, from)
      } else if (specifier !== undefined && !specifier.startsWith('../../')) {
        const to = resolve(from, specifier)
        seen.delete(`${to} ${name}`)
        follow(name, to)
      }
    }
  }
  for (const name of steps) follow(declarationsOf(file).steps.get(name) ?? '', file)
  return [...found.values()]
}

/** The top-level declarations of a module that a catalogue needs. */
export type Declarations = {
  /** The text of each type, exported or not. */
  readonly types: ReadonlyMap<string, { readonly text: string; readonly exported: boolean }>
  /** Type names from relative modules: local name to specifier. */
  readonly imports: ReadonlyMap<string, string>
  /** Input and output types of each `export const NAME = defineStep<INPUT, OUTPUT>(`, as written. */
  readonly steps: ReadonlyMap<string, string>
  /** The first sentence of each exported constant's docstring. */
  readonly summaries: ReadonlyMap<string, string>
}

/**
 * Reads the source of a formatted module: a declaration begins in the first column and ends before the next
 * one. The dependencies include no TypeScript parser, and the compiler has no JavaScript API.
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

/** The first two type arguments of `defineStep`; the type of the survey is internal to the step. */
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
 * The exported types named by inputs and outputs of a file's steps, directly or through types that are not
 * exported. Members of exported types and types of the main entry point are not followed.
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

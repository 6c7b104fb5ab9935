import { parseArgs } from 'node:util'

/** The options of a command line, as GNU programs read them. */
export type Options = {
  readonly has: (...names: readonly string[]) => boolean
  /** The last value that was given to one of these names; null if none was. */
  readonly value: (...names: readonly string[]) => string | null
  readonly operands: readonly string[]
}

type Declared = Record<string, { type: 'string'; short?: string; multiple: true }>

/** `['file,f', 'x']`: the long options that take a value, each with its short form. One letter is a short option. */
function declared(valued: readonly string[]): Declared {
  const options: Declared = {}
  for (const entry of valued) {
    const [name = '', short = name.length === 1 ? name : undefined] = entry.split(',')
    options[name] = { type: 'string', multiple: true, ...(short === undefined ? {} : { short }) }
  }
  return options
}

export function optionsOf(args: readonly string[], valued: readonly string[] = []): Options {
  const { tokens } = parseArgs({
    args: [...args],
    options: declared(valued),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given = tokens.flatMap((token) =>
    token.kind === 'option' ? [{ name: token.name, value: token.value ?? null }] : [],
  )
  return {
    has: (...names) => given.some(({ name }) => names.includes(name)),
    value: (...names) => given.findLast(({ name }) => names.includes(name))?.value ?? null,
    operands: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])),
  }
}

/** The options before the first operand, that operand, and everything after it: `docker -H x exec -it c sh`. */
export function splitAtOperand(
  args: readonly string[],
  valued: readonly string[] = [],
): { readonly options: Options; readonly operand: string | null; readonly rest: readonly string[] } {
  const { tokens } = parseArgs({
    args: [...args],
    options: declared(valued),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const first = tokens.find(({ kind }) => kind === 'positional')
  const end = first?.index ?? args.length
  return {
    options: optionsOf(args.slice(0, end), valued),
    operand: args[end] ?? null,
    rest: args.slice(end + 1),
  }
}

import { literal } from './literal.ts'

/** The longest line of a runbook that is written, before its indentation. */
const width = 100

/** Strings are left out: what they say is no name. */
const withoutStrings = (code: string): string => code.replaceAll(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "''")

/** Whether code of an input uses the name of an output. */
export const mentions = (code: string, name: string): boolean =>
  new RegExp(String.raw`(?<![\w.])${name}(?!\w|:)`).test(withoutStrings(code))

/** `step('Stop writers', stopServices({ services }))`, on as many lines as it takes. */
export function callText(entry: {
  readonly name: string | null
  readonly call: 'step' | 'lastly'
  readonly title: string
  readonly step: string
  readonly input: string
}): readonly string[] {
  const { name, call, title, step } = entry
  const fields = fieldsOf(entry.input).map(shorthand)
  const begin = `${name === null ? '' : `const ${name} = `}${call}(`
  const short = `${begin}${literal(title)}, ${step}(${whole(entry.input, fields)}))`
  if (short.length <= width) return [short]
  const second = `  ${step}(${whole(entry.input, fields)}),`
  const inner =
    second.length <= width
      ? [second]
      : [`  ${step}({`, ...fields.flatMap((field) => fieldText(field).map((one) => `    ${one}`)), '  }),']
  return [begin, `  ${literal(title)},`, ...inner, ')']
}

/** A field on a line of its own; one that is too long for it has each field of its object on one. */
function fieldText(field: string): readonly string[] {
  const [, name = '', object = ''] = /^(\w+): (\{ .* \})$/.exec(field) ?? []
  const inner = fieldsOf(object).map(shorthand)
  return `    ${field},`.length <= width || inner.length === 0
    ? [`${field},`]
    : [`${name}: {`, ...inner.map((one) => `  ${one},`), '},']
}

const whole = (input: string, fields: readonly string[]): string =>
  fields.length === 0 ? input : `{ ${fields.join(', ')} }`

const shorthand = (field: string): string => (/^(\w+): \1$/.test(field) ? field.replace(/:.*$/, '') : field)

/** The fields of an object as they are written; none for any other code. */
function fieldsOf(code: string): readonly string[] {
  if (!code.startsWith('{ ') || !code.endsWith(' }')) return []
  const fields: string[] = []
  let [depth, from] = [0, 2]
  // Strings are skipped as one: what brackets and commas they have does not count.
  for (const { 0: token, index } of code.matchAll(/'[^']*'|"(?:[^"\\]|\\.)*"|[{}()[\],]/g)) {
    if ('{(['.includes(token)) depth += 1
    else if ('})]'.includes(token)) depth -= 1
    else if (token === ',' && depth === 1) {
      fields.push(code.slice(from, index).trim())
      from = index + 1
    }
  }
  return [...fields, code.slice(from, -2).trim()]
}

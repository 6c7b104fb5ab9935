/**
 * The value of a variable; null where it is not set, undefined where it cannot be known.
 */
export type Lookup = (name: string) => string | null | undefined

/** Why Compose refuses a value; completes the sentence "the value of NAME …". */
export class Unexpandable extends Error {
  override readonly name = 'Unexpandable'
}

// As in compose-go 2.0 (template/template.go): a default may contain braces, so it runs to the last one of
// its line and is cut afterwards.
const names = '[_A-Za-z][_A-Za-z0-9]*'
const patternSource = String.raw`\$(?:(?<escaped>\$)|(?<named>${names})|\{(?:(?<braced>${names}(?::?[-+?][^\n]*)?)\}|))`
const operation = new RegExp(`^(?<name>${names})(?<operator>:?[-+?])(?<operand>[^]*)$`)

/**
 * Expands `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+other}`, `${NAME:?error}` and `$$` in one value;
 * what is put in is not expanded again. Null where the value cannot be known.
 * @throws Unexpandable where Compose refuses the value
 */
export function expanded(text: string, lookup: Lookup): string | null {
  let known = true
  const result = text.replace(new RegExp(patternSource, 'g'), (...match) => {
    const value = replacement(String(match[0]), lookup)
    known &&= value !== null
    return value ?? ''
  })
  return known ? result : null
}

function replacement(matched: string, lookup: Lookup): string | null {
  const closing = closingBrace(matched)
  const own = closing < 0 ? matched : matched.slice(0, closing + 1)
  const { escaped, named, braced } = new RegExp(patternSource).exec(own)?.groups ?? {}
  if (escaped !== undefined) return '$'
  const wanted = named ?? braced
  if (wanted === undefined) throw new Unexpandable('has a "${" without a variable name and a closing brace')
  const { name, operator, operand = '' } = operation.exec(wanted)?.groups ?? {}
  if (name === undefined || operator === undefined) {
    const value = lookup(wanted)
    return value === undefined ? null : (value ?? '')
  }
  const value = operated(name, operator, expanded(operand, lookup), lookup)
  const rest = closing < 0 ? '' : expanded(matched.slice(closing + 1), lookup)
  return value === null || rest === null ? null : value + rest
}

function operated(name: string, operator: string, operand: string | null, lookup: Lookup): string | null {
  const value = lookup(name)
  if (value === undefined) return null
  const present = value !== null && (value !== '' || !operator.startsWith(':'))
  if (operator.endsWith('+')) return present ? operand : (value ?? '')
  if (present) return value
  if (operator.endsWith('-')) return operand
  throw new Unexpandable(`requires ${name}, which is not set`)
}

/** Of the first `${`; the character after a brace is skipped, as compose-go does. */
function closingBrace(text: string): number {
  let open = 0
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '}') {
      open -= 1
      if (open === 0) return at
    }
    if (text[at] === '{') {
      open += 1
      at += 1
    }
  }
  return -1
}

const letters: { readonly [letter: string]: string } = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  $: '$$',
  '"': '"',
  '\\': '\\',
}

/** The escapes within double quotes, `\0` with three octal digits included. Bytes are latin1 characters. */
export const unescaped = (text: string): string =>
  text.replaceAll(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (_, letter?: string, digits = '') => {
    if (letter !== undefined) return letters[letter] ?? `\\${letter}`
    const code = /^[0-7]{3}$/.test(digits) ? Number.parseInt(digits, 8) : Infinity
    // Compose drops the 0 of an escape that it cannot read.
    return code > 255 ? `\\${digits}` : Buffer.from(String.fromCharCode(code)).toString('latin1')
  })

import { RunbookError } from '../kernel/errors.ts'
import { expanded, unescaped, Unexpandable, type Lookup } from './env-expansion.ts'

/**
 * One statement of an env file, with bounds in the text. Texts are latin1 here, so that no byte is lost;
 * names and values are decoded.
 */
export type Assignment = {
  readonly name: string
  /** Null where it cannot be known. */
  readonly value: string | null
  /** Null for a name without a value, which Compose takes from its own environment. */
  readonly quote: '' | "'" | '"' | null
  /** Bounds of what is removed with the variable: the line with its ending, if it holds nothing else. */
  readonly from: number
  readonly to: number
  readonly valueFrom: number
  readonly valueTo: number
}

// The bytes of the spaces of Unicode; the first set is what Go's parser skips within a line.
const inline = String.raw`(?:[\t\v\f\r ]|\u00c2[\u0085\u00a0])`
const anySpace = String.raw`(?:[\t-\r ]|\u00c2[\u0085\u00a0]|\u00e1\u009a\u0080|\u00e2\u0080[\u0080-\u008a\u00a8\u00a9\u00af]|\u00e2\u0081\u009f|\u00e3\u0080\u0080)`
const skipped = {
  spaces: new RegExp(`${anySpace}*`, 'y'),
  blanks: new RegExp(`${inline}*`, 'y'),
  key: /[\w.\-[\]\t\v\f\r \u0080-\u00ff]*/y,
  rest: new RegExp(String.raw`${inline}*(?:#[^\n]*)?(?:\n|$)`, 'y'),
}

function after(what: keyof typeof skipped, text: string, at: number): number {
  const pattern = skipped[what]
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

const decoded = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
const encoded = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

export const malformed = (what: string, hint: string): RunbookError =>
  new RunbookError('verification', `cannot read the env file: ${what}`, { hint })

/**
 * The statements of an env file, as Docker Compose 2.26 reads them (compose-go 2.0, dotenv/parser.go).
 * @param outside what Compose's own environment sets, which wins over the file; null: nothing is known of it,
 *   and a variable that the file sets is taken from there
 * @throws RunbookError `verification` for what Compose refuses, and for NUL bytes
 */
export function assignmentsIn(text: string, outside: Lookup | null): readonly Assignment[] {
  if (text.includes('\0')) throw malformed('it contains NUL bytes', 'check: is it an env file?')
  const found: Assignment[] = []
  const values = new Map<string, string | null>()
  const lookup: Lookup = (name) => {
    const there = outside?.(name)
    if (there !== null && there !== undefined) return encoded(there)
    if (outside !== null && there === undefined) return undefined
    const own = values.get(name)
    return own === null ? undefined : (own ?? (outside === null ? undefined : null))
  }
  const start = text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0
  for (let at = after('spaces', text, start); at < text.length; at = after('spaces', text, at)) {
    if (text[at] === '#') {
      at = lineEnd(text, at)
      continue
    }
    const { name, end } = nameAt(text, at)
    const before = Math.max(start, text.lastIndexOf('\n', at - 1) + 1)
    const from = after('blanks', text, before) === at ? before : at
    if (text[end] === '\n') {
      const value = outside?.(name)
      if (value !== null)
        found.push({
          name,
          value: value ?? null,
          quote: null,
          from,
          to: end + 1,
          valueFrom: end,
          valueTo: end,
        })
      if (value !== undefined && value !== null) values.set(name, encoded(value))
      at = end + 1
      continue
    }
    const { raw, ...bounds } = valueAt(text, end + 1, name)
    const value = valueOf(name, raw, bounds.quote, lookup)
    values.set(name, value)
    const to = after('rest', text, bounds.valueTo)
    found.push({
      ...bounds,
      name,
      value: value === null ? null : decoded(value),
      from,
      to: bounds.quote === '' ? lineEnd(text, bounds.valueTo) : to,
    })
    at = bounds.quote === '' ? lineEnd(text, bounds.valueTo) : bounds.valueTo
  }
  return found
}

/** After the end of the line. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end + 1
}

function nameAt(text: string, at: number): { readonly name: string; readonly end: number } {
  const exported = /^export[\t\n\f\r ]/.test(text.slice(at, at + 7)) ? after('blanks', text, at + 6) : at
  const end = after('key', text, exported)
  const name = decoded(text.slice(exported, trimmedEnd(text, exported, end)))
  const sign = text[end]
  if (sign === undefined)
    throw malformed(`${JSON.stringify(name)} has no value`, `write ${name}=… or remove the line`)
  const isName = /^[\p{L}\p{N}_.\-[\]\t\v\f\r\u0085\u00a0]*$/u.test(name) && (name !== '' || sign === '\n')
  if (isName && '=:\n'.includes(sign)) return { name, end }
  // The line may hold a secret.
  const line = text.slice(0, at).split('\n').length
  throw malformed(`line ${line} sets no variable`, 'write it as NAME=value, or begin it with #')
}

type Value = Pick<Assignment, 'valueFrom' | 'valueTo'> & {
  readonly quote: '' | "'" | '"'
  readonly raw: string
}

/** @param sign the position after the sign */
function valueAt(text: string, sign: number, name: string): Value {
  const at = after('blanks', text, sign)
  const quote = text[at]
  if (quote !== "'" && quote !== '"') {
    const newline = text.indexOf('\n', at)
    const line = text.slice(at, newline < 0 ? text.length : newline)
    const comment = line.indexOf(' #')
    const end = trimmedEnd(text, at, at + (comment < 0 ? line.length : comment))
    return end === at
      ? { raw: '', quote: '', valueFrom: sign, valueTo: sign }
      : { raw: text.slice(at, end), quote: '', valueFrom: at, valueTo: end }
  }
  let raw = ''
  for (let here = at + 1; here < text.length; here += 1) {
    const character = text[here] ?? ''
    if (character === quote) return { raw, quote, valueFrom: at, valueTo: here + 1 }
    if (character === '\\') {
      here += 1
      const next = text[here] ?? ''
      raw += next === quote ? next : `\\${next}`
    } else raw += character
  }
  throw malformed(`unclosed quote in the value of ${name}`, 'close the quote')
}

function valueOf(name: string, raw: string, quote: Value['quote'], lookup: Lookup): string | null {
  if (quote === "'") return raw
  try {
    return expanded(quote === '"' ? unescaped(raw) : raw, lookup)
  } catch (thrown) {
    if (!(thrown instanceof Unexpandable)) throw thrown
    throw malformed(
      `the value of ${name} ${thrown.message}`,
      'write a single $ as $$, or put the value in single quotes',
    )
  }
}

/** Without the spaces at its end; a loop, since a pattern would take quadratic time. */
function trimmedEnd(text: string, from: number, to: number): number {
  const space = new RegExp(`^${anySpace}$`)
  for (let end = to; ;) {
    const width = [1, 2, 3].find((width) => end - width >= from && space.test(text.slice(end - width, end)))
    if (width === undefined) return end
    end -= width
  }
}

import { RunbookError } from '../kernel/errors.ts'

/**
 * Env files as bytes: one variable is read, set or removed, and every other byte is kept, whatever the line
 * endings, quotes, comments or encoding. The grammar is that of Docker Compose. Texts are latin1 here, so no
 * byte is lost.
 */
type Assignment = {
  readonly name: string
  readonly value: string
  readonly quote: '' | "'" | '"'
  /** Bounds of the line, its line ending included. */
  readonly from: number
  readonly to: number
  readonly valueFrom: number
  readonly valueTo: number
}

const head = /^[ \t]*(?:export[ \t]+)?(?<name>[A-Za-z_][\w.-]*)[ \t]*(?<sign>=[ \t]*)?/

/** @throws RunbookError `verification` for an unclosed quote or a NUL byte */
function assignmentsIn(text: string): readonly Assignment[] {
  if (text.includes('\0')) throw malformed('it contains NUL bytes', 'check: is it an env file?')
  const found: Assignment[] = []
  let at = text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0
  while (at < text.length) {
    const match = head.exec(text.slice(at, lineEnd(text, at).to))
    const name = match?.groups?.['name']
    const from = at
    if (match === null || name === undefined || match.groups?.['sign'] === undefined) {
      const { to, next } = lineEnd(text, at)
      // Compose takes the value of a bare name from its own environment.
      const rest = match === null ? null : text.slice(at + match[0].length, to).trim()
      if (name !== undefined && (rest === '' || rest?.startsWith('#') === true))
        throw malformed(`"${name}" has no value`, `write ${name}=… or remove the line`)
      at = next
      continue
    }
    const { value, quote, valueFrom, valueTo } = valueAt(text, at + match[0].length, name)
    const { next } = lineEnd(text, valueTo)
    found.push({
      name,
      value: Buffer.from(value, 'latin1').toString('utf8'),
      quote,
      from,
      to: next,
      valueFrom,
      valueTo,
    })
    at = next
  }
  return found
}

function lineEnd(text: string, at: number): { readonly to: number; readonly next: number } {
  const end = text.indexOf('\n', at)
  if (end < 0) return { to: text.length, next: text.length }
  return { to: end > at && text[end - 1] === '\r' ? end - 1 : end, next: end + 1 }
}

function valueAt(text: string, at: number, name: string): Omit<Assignment, 'name' | 'from' | 'to'> {
  const quote = text[at]
  if (quote !== "'" && quote !== '"') {
    const raw = text.slice(at, lineEnd(text, at).to)
    // A comment needs a blank before it; after an empty value, that is a blank after the sign.
    const sign = text.lastIndexOf('=', at) + 1
    const value = (raw.startsWith('#') && sign < at ? '' : raw.replace(/[ \t]+#.*$/, '')).trimEnd()
    return value === ''
      ? { value, quote: '', valueFrom: sign, valueTo: sign }
      : { value, quote: '', valueFrom: at, valueTo: at + value.length }
  }
  let value = ''
  for (let here = at + 1; here < text.length; here += 1) {
    const sign = text[here] ?? ''
    if (sign === quote) return { value, quote, valueFrom: at, valueTo: here + 1 }
    if (sign === '\\' && quote === '"') {
      here += 1
      const next = text[here] ?? ''
      value += { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' }[next] ?? `\\${next}`
    } else value += sign
  }
  throw malformed(`unclosed quote in the value of ${name}`, 'close the quote')
}

const malformed = (what: string, hint: string): RunbookError =>
  new RunbookError('verification', `cannot read the env file: ${what}`, { hint })

function singleAssignment(found: readonly Assignment[], name: string): Assignment | undefined {
  const all = found.filter((one) => one.name === name)
  if (all.length < 2) return all[0]
  throw malformed(
    `it sets ${name} ${all.length} times, and only the last one counts`,
    `keep one line of ${name}`,
  )
}

const latin = (body: Uint8Array): string => Buffer.from(body).toString('latin1')

/** All variables with their values; of a variable set more than once, the last value, as in Compose. */
export const variablesOf = (body: Uint8Array): { readonly [name: string]: string } =>
  Object.fromEntries(assignmentsIn(latin(body)).map(({ name, value }) => [name, value]))

/**
 * Null if not set.
 * @throws RunbookError `verification` if it is set more than once, or the file is malformed
 */
export const readVariable = (body: Uint8Array, name: string): string | null =>
  singleAssignment(assignmentsIn(latin(body)), name)?.value ?? null

/**
 * @param missing what to do if the file does not set it
 * @throws RunbookError `verification` if it is set more than once, is missing and `missing` is `refuse`, or
 *   the file is malformed; `usage` for an invalid name or value
 */
export function withVariable(
  body: Uint8Array,
  name: string,
  value: string,
  missing: 'append' | 'refuse' = 'append',
): Uint8Array {
  if (!/^[A-Za-z_][\w.-]*$/.test(name))
    throw new RunbookError('usage', `${JSON.stringify(name)} is not a variable name`, {
      hint: 'use letters, digits and _',
    })
  const text = latin(body)
  const old = singleAssignment(assignmentsIn(text), name)
  if (old?.value === value) return body
  if (old !== undefined)
    return Buffer.from(
      `${text.slice(0, old.valueFrom)}${encoded(name, value, old.quote)}${text.slice(old.valueTo)}`,
      'latin1',
    )
  if (missing === 'refuse')
    throw malformed(`it does not set ${name}`, `add a line ${name}=…, or check that this is the right file`)
  const end = text.includes('\r\n') ? '\r\n' : '\n'
  const line = `${name}=${encoded(name, value, '')}`
  return Buffer.from(
    text === '' || text.endsWith('\n') ? `${text}${line}${end}` : `${text}${end}${line}`,
    'latin1',
  )
}

/**
 * Removes the variable.
 * @throws RunbookError `verification` if it is set more than once, or the file is malformed
 */
export function withoutVariable(body: Uint8Array, name: string): Uint8Array {
  const text = latin(body)
  const old = singleAssignment(assignmentsIn(text), name)
  return old === undefined ? body : Buffer.from(text.slice(0, old.from) + text.slice(old.to), 'latin1')
}

/** Keeps the quotes of the old value if they can hold the new one. */
function encoded(name: string, value: string, quote: Assignment['quote']): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value))
    throw new RunbookError('usage', `the value of ${name} contains control characters`, {
      hint: 'give one line of text',
    })
  const bytes = Buffer.from(value, 'utf8').toString('latin1')
  if (quote === '' && /^[\w.,:/@%+=-]*$/.test(value)) return bytes
  if (quote !== '"' && !value.includes("'")) return `'${bytes}'`
  return `"${bytes.replaceAll(/["\\$]/g, (sign) => `\\${sign}`)}"`
}

/** Names of secret variables, and values that look like keys or contain a password in a URL. */
const secretName = /SECRET|TOKEN|PASS|PWD|KEY|CRED|DSN|AUTH|PRIVATE|SALT|CERT|SIGN|COOKIE|WEBHOOK/i
const secretValue = /:\/\/[^/\s]*@|^[\w+/=-]{32,}$/

/**
 * The differences between two env files, one line per variable, by name; values that may be secret are
 * masked.
 */
export function differencesOf(before: Uint8Array, after: Uint8Array): readonly string[] {
  const [old, fresh] = [variablesOf(before), variablesOf(after)]
  const names = [...new Set([...Object.keys(old), ...Object.keys(fresh)])].sort()
  return names.flatMap((name) => {
    const [was, is] = [old[name], fresh[name]]
    if (was === is) return []
    const show = (value: string): string =>
      secretName.test(name) || secretValue.test(value) || value.length > 80
        ? '(masked)'
        : JSON.stringify(value)
    if (was === undefined) return [`+ ${name}=${show(is ?? '')}`]
    if (is === undefined) return [`- ${name}=${show(was)}`]
    const hidden = show(was) === '(masked)' || show(is) === '(masked)'
    return [`~ ${name}: ${hidden ? '(masked) becomes another value' : `${show(was)} becomes ${show(is)}`}`]
  })
}

import { RunbookError } from '../kernel/errors.ts'
import type { Lookup } from './env-expansion.ts'
import { assignmentsIn, malformed, type Assignment } from './env-grammar.ts'

/*
 * Env files as bytes: one variable is read, set or removed, and every other byte is kept, whatever the line
 * endings, quotes, comments or encoding. The grammar is that of Docker Compose. Texts are latin1 here, so no
 * byte is lost.
 */

/** The only assignment of a variable. @throws RunbookError `verification` if there are several */
function singleAssignment(found: readonly Assignment[], name: string): Assignment | undefined {
  const all = found.filter((one) => one.name === name)
  const [only] = all
  if (only?.quote === null && all.length === 1)
    throw malformed(`"${name}" has no value`, `write ${name}=… or remove the line`)
  if (all.length < 2) return only
  throw malformed(
    `it sets ${name} ${all.length} times, and only the last one counts`,
    `keep one line of ${name}`,
  )
}

const latin = (body: Uint8Array): string => Buffer.from(body).toString('latin1')

/** Variables by name; null for a value that cannot be known. */
export type EnvVariables = { readonly [name: string]: string | null }

/**
 * All variables with the values that Compose gives them, with `${OTHER}` expanded; of a variable set more
 * than once, the last value.
 * @param outside the environment in which Compose reads the file, which wins over the file (`undefined` for a
 *   variable of which nothing is known); without it only what the file itself sets is known
 * @throws RunbookError `verification` for a file that Compose refuses
 */
export const variablesOf = (body: Uint8Array, outside: Lookup | null = null): EnvVariables =>
  Object.fromEntries(assignmentsIn(latin(body), outside).map(({ name, value }) => [name, value]))

/**
 * Null if not set.
 * @throws RunbookError `verification` if it is set more than once, its value depends on variables that the
 *   file does not set, or Compose refuses the file
 */
export function readVariable(body: Uint8Array, name: string): string | null {
  const found = singleAssignment(assignmentsIn(latin(body), null), name)
  if (found === undefined || found.value !== null) return found?.value ?? null
  throw malformed(
    `the value of ${name} depends on variables that the file does not set before it`,
    `write its value out in the line of ${name}`,
  )
}

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
  const old = singleAssignment(assignmentsIn(text, null), name)
  if (old?.value === value) return body
  if (old !== undefined) {
    // Without quotes, a comment that follows would become the value.
    const hidden = value === '' && /^[ \t\r]*[^ \t\r\n]/.test(text.slice(old.valueTo))
    const fresh = hidden && old.quote === '' ? "''" : encoded(name, value, old.quote)
    return Buffer.from(`${text.slice(0, old.valueFrom)}${fresh}${text.slice(old.valueTo)}`, 'latin1')
  }
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
 * Removes the variable, so that {@link withVariable} is undone byte for byte: a file whose last line has no end keeps none.
 * @throws RunbookError `verification` if it is set more than once, or the file is malformed
 */
export function withoutVariable(body: Uint8Array, name: string): Uint8Array {
  const text = latin(body)
  const old = singleAssignment(assignmentsIn(text, null), name)
  if (old === undefined) return body
  const [before, after] = [text.slice(0, old.from), text.slice(old.to)]
  const endsOpen = after === '' && !text.endsWith('\n')
  return Buffer.from(endsOpen ? before.replace(/\r?\n$/, '') : before + after, 'latin1')
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
  // A backslash before the closing quote would escape it.
  if (quote !== '"' && !value.includes("'") && !value.endsWith('\\')) return `'${bytes}'`
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
  const [old, fresh] = [writtenIn(before), writtenIn(after)]
  const names = [...new Set([...old.keys(), ...fresh.keys()])].sort()
  return names.flatMap((name) => {
    const [was, is] = [old.get(name), fresh.get(name)]
    const show = (one: Written): string =>
      one.value === null
        ? '(known to Compose only)'
        : secretName.test(name) || secretValue.test(one.value) || one.value.length > 80
          ? '(masked)'
          : JSON.stringify(one.value)
    if (was === undefined) return is === undefined ? [] : [`+ ${name}=${show(is)}`]
    if (is === undefined) return [`- ${name}=${show(was)}`]
    if (was.value === null || is.value === null ? was.text === is.text : was.value === is.value) return []
    const hidden = show(was) === '(masked)' || show(is) === '(masked)'
    return [`~ ${name}: ${hidden ? '(masked) becomes another value' : `${show(was)} becomes ${show(is)}`}`]
  })
}

type Written = { readonly value: string | null; readonly text: string }

function writtenIn(body: Uint8Array): ReadonlyMap<string, Written> {
  const text = latin(body)
  return new Map(
    assignmentsIn(text, null).map(({ name, value, valueFrom, valueTo }) => [
      name,
      { value, text: text.slice(valueFrom, valueTo) },
    ]),
  )
}

import { oneLine } from '../kernel/sanitize.ts'

/*
 * TypeScript from a document: its texts are only ever string literals, or comments of one line.
 */

/** Strings, lists, and objects whose keys need no quotes; `undefined` is left out. */
export type Written =
  | string
  | number
  | boolean
  | null
  | readonly Written[]
  | { readonly [key: string]: Written | undefined }

/** A value as TypeScript, on one line. */
export function literal(value: Written): string {
  if (typeof value === 'string') return stringLiteral(value)
  if (value === null || typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${(value as readonly Written[]).map(literal).join(', ')}]`
  const fields = Object.entries(value).flatMap(([key, one]) =>
    one === undefined ? [] : [`${key}: ${literal(one)}`],
  )
  return `{ ${fields.join(', ')} }`
}

function stringLiteral(text: string): string {
  const double = JSON.stringify(text)
  const escaped = double.replaceAll(
    /[\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    escapeOf,
  )
  return escaped.includes("'") ? escaped : `'${escaped.slice(1, -1).replaceAll(String.raw`\"`, '"')}'`
}

/** What is invisible, or changes the direction in which code is shown. */
const escapeOf = (character: string): string =>
  String.raw`\u` + (character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')

const longest = 110

/** A comment of one line. */
export function comment(text: string): string {
  const shown = oneLine(text.replaceAll(/\s+/g, ' ').trim())
  return `// ${shown.length > longest ? `${shown.slice(0, longest - 1)}…` : shown}`
}

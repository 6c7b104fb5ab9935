import { parseExpressionAt } from 'acorn'
import type { AnyStep } from './step.ts'

/**
 * What a step does, as text that stays the same while only its white space, comments, quotes, semicolons or brackets change: an open run
 * outlives a formatter. Functions are written as their syntax trees.
 */
export function sourceOf(step: AnyStep): string {
  return JSON.stringify(step, (_, value: unknown) => {
    if (typeof value === 'function') return treeOf(String(value))
    return isPlainObject(value) ? sorted(value) : value
  })
}

type Fields = { readonly [key: string]: unknown }

const isPlainObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const sorted = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)))

/** A method is source text only inside an object, any other function only outside of one. */
function treeOf(text: string): unknown {
  for (const wrapped of [`(${text})`, `({${text}})`]) {
    try {
      return bare(parseExpressionAt(wrapped, 0, { ecmaVersion: 'latest' }))
    } catch {
      // The other form, or native code.
    }
  }
  return text
}

/** Where a node stands and how it is spelled; what it means is in its other fields. */
const spelling = new Set(['start', 'end', 'raw'])

function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.filter((item) => !isEmptyStatement(item)).map(bare)
  if (typeof node === 'bigint' || node instanceof RegExp) return String(node)
  if (!isPlainObject(node)) return node
  const fields = Object.entries(node).filter(([key]) => !spelling.has(key))
  return Object.fromEntries(
    fields.map(([key, value]) => [key, isNameOf(node, key) ? nameIn(value as Fields) : bare(value)]),
  )
}

const isEmptyStatement = (node: unknown): boolean => isPlainObject(node) && node['type'] === 'EmptyStatement'

/** `{ a: 1 }` and `{ 'a': 1 }` are the same. */
const isNameOf = (node: Fields, key: string): boolean => key === 'key' && node['computed'] === false

const nameIn = (key: Fields): unknown => key['name'] ?? String(key['value'])

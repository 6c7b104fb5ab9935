import { parseExpressionAt } from 'acorn'
import type { AnyStep } from './step.ts'

/**
 * The code of a step as text, with functions as their syntax trees: changes of white space, comments,
 * quotes, semicolons or brackets leave it equal, so an open run survives a formatter.
 * Fields that the plan records itself are left out.
 */
export function sourceOf(step: AnyStep): string {
  return textOf({ ...step })
}

/** Like `sourceOf`, without fields that are only texts for people. */
export function behaviourOf(step: AnyStep): string {
  const { describe: _describe, irreversible: _irreversible, ...code }: Fields = { ...step }
  return textOf(code)
}

function textOf({ leaves: _leaves, duty: _duty, ...code }: Fields): string {
  return JSON.stringify(code, (_, value: unknown) => {
    if (typeof value === 'function') return treeOf(value)
    return isPlainObject(value) ? sorted(value) : value
  })
}

type Fields = { readonly [key: string]: unknown }

const isPlainObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const sorted = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)))

/** Cache: parsing the functions of its steps dominates the time to build a plan. */
const trees = new WeakMap<object, unknown>()

function treeOf(written: object): unknown {
  if (!trees.has(written)) trees.set(written, parsed(String(written)))
  return trees.get(written)
}

/** The text of a method parses only inside an object literal, that of any other function only outside. */
function parsed(text: string): unknown {
  for (const wrapped of [`(${text})`, `({${text}})`]) {
    try {
      return bare(parseExpressionAt(wrapped, 0, { ecmaVersion: 'latest' }))
    } catch {
      // The other form, or native code.
    }
  }
  return text
}

/** Position and spelling of a node; its meaning is in the other fields. */
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

/** `{ a: 1 }` and `{ 'a': 1 }` are equal. */
const isNameOf = (node: Fields, key: string): boolean => key === 'key' && node['computed'] === false

const nameIn = (key: Fields): unknown => key['name'] ?? String(key['value'])

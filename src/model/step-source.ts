import { parseExpressionAt } from 'acorn'
import { isFields, sha256 } from '../kernel/json.ts'
import type { AnyStep } from './step.ts'

/** The code of a step as text, with functions as their syntax trees. */
export type StepSource = {
  readonly all: string
  /** Without fields that are only texts for people. */
  readonly behaviour: string
  /** SHA-256 of the behaviour. */
  readonly digest: string
}

/** Cache: serialising the code of its steps dominates the time to build a plan. */
const sources = new WeakMap<AnyStep, StepSource>()

/**
 * Changes of white space, comments, quotes, semicolons or brackets leave a source equal, so an open run
 * survives a formatter. Fields that the plan records itself are left out.
 */
export function sourceOf(step: AnyStep): StepSource {
  const known = sources.get(step)
  if (known !== undefined) return known
  const { leaves: _leaves, duty: _duty, ...code }: Fields = { ...step }
  const fields = fieldsOf(code, Object.keys(code).sort(), textOf)
  const behaviour = fields.filter(({ name }) => name !== 'describe' && name !== 'irreversible')
  const source = { all: joined(fields), behaviour: joined(behaviour), digest: sha256(joined(behaviour)) }
  sources.set(step, source)
  return source
}

type Fields = { readonly [key: string]: unknown }
type FieldText = { readonly name: string; readonly text: string }

const joined = (fields: readonly FieldText[]): string => `{${fields.map(({ text }) => text).join()}}`

const fieldsOf = (
  fields: Fields,
  names: readonly string[],
  write: (value: unknown, name: string) => string | undefined,
): readonly FieldText[] =>
  names.flatMap((name) => {
    const text = write(fields[name], name)
    return text === undefined ? [] : [{ name, text: `${JSON.stringify(name)}:${text}` }]
  })

/** JSON with sorted keys. Undefined for a value that JSON leaves out. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'function') return codeOf(String(value))
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item) ?? 'null').join()}]`
  if (isFields(value)) return joined(fieldsOf(value, Object.keys(value).sort(), textOf))
  return JSON.stringify(value) as string | undefined
}

/** The text of a method parses only inside an object literal, that of any other function only outside. */
function codeOf(text: string): string {
  for (const wrapped of [`(${text})`, `({${text}})`]) {
    try {
      const tree = parseExpressionAt(wrapped, 0, { ecmaVersion: 'latest' })
      // The keys of the root are in the order of the parser: journals hold digests of that text.
      return nodeText(tree as unknown as Fields, Object.keys(tree))
    } catch {
      // The other form, or native code.
    }
  }
  return JSON.stringify(text)
}

/** Position and spelling of a node; its meaning is in the other fields. */
const spelling = new Set(['start', 'end', 'raw'])

const nodeText = (node: Fields, names: readonly string[]): string =>
  joined(
    fieldsOf(
      node,
      names.filter((name) => !spelling.has(name)),
      (value, name) => treeText(isNameOf(node, name) ? nameIn(value as Fields) : value),
    ),
  )

function treeText(node: unknown): string {
  if (Array.isArray(node))
    return `[${node
      .filter((item) => !isEmptyStatement(item))
      .map(treeText)
      .join()}]`
  if (typeof node === 'bigint' || node instanceof RegExp) return JSON.stringify(String(node))
  return isFields(node) ? nodeText(node, Object.keys(node).sort()) : JSON.stringify(node)
}

const isEmptyStatement = (node: unknown): boolean => isFields(node) && node['type'] === 'EmptyStatement'

/** `{ a: 1 }` and `{ 'a': 1 }` are equal. */
const isNameOf = (node: Fields, key: string): boolean => key === 'key' && node['computed'] === false

const nameIn = (key: Fields): unknown => key['name'] ?? String(key['value'])

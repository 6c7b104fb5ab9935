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
  const fields = Object.entries(sorted(code)).flatMap(([name, value]) => {
    const text = textOf(value)
    return text === undefined ? [] : [{ name, text: `${JSON.stringify(name)}:${text}` }]
  })
  const behaviour = joined(fields.filter(({ name }) => name !== 'describe' && name !== 'irreversible'))
  const source = { all: joined(fields), behaviour, digest: sha256(behaviour) }
  sources.set(step, source)
  return source
}

const joined = (fields: readonly { readonly text: string }[]): string =>
  `{${fields.map(({ text }) => text).join()}}`

/** Undefined for a value that JSON leaves out. */
const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'function') return parsed(String(part))
    return isFields(part) ? sorted(part) : part
  }) as string | undefined

type Fields = { readonly [key: string]: unknown }

const sorted = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)))

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
  if (!isFields(node)) return node
  const fields = Object.entries(node).filter(([key]) => !spelling.has(key))
  return Object.fromEntries(
    fields.map(([key, value]) => [key, isNameOf(node, key) ? nameIn(value as Fields) : bare(value)]),
  )
}

const isEmptyStatement = (node: unknown): boolean => isFields(node) && node['type'] === 'EmptyStatement'

/** `{ a: 1 }` and `{ 'a': 1 }` are equal. */
const isNameOf = (node: Fields, key: string): boolean => key === 'key' && node['computed'] === false

const nameIn = (key: Fields): unknown => key['name'] ?? String(key['value'])

import { parseExpressionAt, type Options } from 'acorn'
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

/** The plan records these fields itself, or the entry that opens a run. */
const recorded = ['leaves', 'duty', 'alsoChanges']
const forPeople = ['describe', 'irreversible', 'lookAgain']

/**
 * Changes of white space, comments, quotes, semicolons or brackets leave a source equal, so an open run
 * survives a formatter. What its functions call or close over is not part of the step, and is not covered.
 */
export function sourceOf(step: AnyStep): StepSource {
  const known = sources.get(step)
  if (known !== undefined) return known
  const fields = Object.entries(membersOf(step)).flatMap(([name, value]) => {
    const text = recorded.includes(name) ? undefined : textOf(value, step)
    return text === undefined ? [] : [{ name, text: `${JSON.stringify(name)}:${text}` }]
  })
  const behaviour = joined(fields.filter(({ name }) => !forPeople.includes(name)))
  const source = { all: joined(fields), behaviour, digest: sha256(behaviour) }
  sources.set(step, source)
  return source
}

const joined = (fields: readonly { readonly text: string }[]): string =>
  `{${fields.map(({ text }) => text).join()}}`

/** Undefined for a value that JSON leaves out. */
const textOf = (value: unknown, step: AnyStep): string | undefined =>
  JSON.stringify(plain(value, [step])) as string | undefined

/** A value as JSON; what JSON has no form for becomes an object that names its type. */
function plain(value: unknown, outer: readonly object[]): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol') return { [typeof value]: String(value) }
  if (typeof value === 'number') return numeric(value)
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value
  if (outer.includes(value)) return { cycle: outer.indexOf(value) }
  const inner = [...outer, value]
  const within = (part: unknown): unknown => plain(part, inner)
  if (typeof value === 'function') {
    const code = parsed(Function.prototype.toString.call(value))
    const fields = Object.entries(value)
    return fields.length === 0 ? code : { code, fields: fields.map(within) }
  }
  if (Array.isArray(value)) return value.map(within)
  if (value instanceof RegExp) return { RegExp: String(value) }
  if (value instanceof Date) return value.toJSON()
  if (value instanceof Map) return { Map: [...value].map(within) }
  if (value instanceof Set) return { Set: [...value].map(within) }
  return Object.fromEntries(Object.entries(membersOf(value)).map(([name, part]) => [name, within(part)]))
}

const numeric = (value: number): unknown => (Number.isFinite(value) ? value : { number: String(value) })

type Fields = { readonly [key: string]: unknown }

/** Own fields in the order of their names, then what classes or other prototypes add, which is code too. */
function membersOf(value: object): Fields {
  const own = Reflect.ownKeys(value).map((key) => [String(key), Reflect.get(value, key) as unknown] as const)
  const members: Fields[] = [Object.fromEntries(own.sort(([one], [other]) => (one < other ? -1 : 1)))]
  let prototype: unknown = Object.getPrototypeOf(value)
  while (isFields(prototype) && prototype !== Object.prototype) {
    const described = Object.entries(Object.getOwnPropertyDescriptors(prototype))
    members.push({
      [`prototype ${members.length}`]: described.map(([name, { get, value: code }]) => [name, get ?? code]),
    })
    prototype = Object.getPrototypeOf(prototype)
  }
  return Object.assign({}, ...members) as Fields
}

/** The places in which the text of a function may stand: as an expression, a method, or with a private name. */
const places: readonly (readonly [before: string, after: string])[] = [
  ['(', ')'],
  ['({', '})'],
  ['(class {', '})'],
  ['(function () { (', ') })'],
]

/** Steps are modules; a package may be an older script. A part of a class refers to names that its text lacks. */
const languages: readonly Options[] = (['module', 'script'] as const).map((sourceType) => ({
  ecmaVersion: 'latest',
  sourceType,
  allowSuperOutsideMethod: true,
  checkPrivateFields: false,
}))

/** By the text: each plan has steps of its own, whose functions are the same few. */
const trees = new Map<string, unknown>()

function parsed(text: string): unknown {
  const known = trees.get(text) ?? treeOf(text)
  trees.set(text, known)
  return known
}

/** The text as it is if it is no JavaScript, as of native or bound functions. */
function treeOf(text: string): unknown {
  for (const language of languages)
    for (const [before, after] of places) {
      try {
        return bare(parseExpressionAt(`${before}${text}${after}`, 0, language))
      } catch {
        // Another place or language, or native code.
      }
    }
  return text
}

/** Position and spelling of a node; its meaning is in the other fields. */
const spelling = new Set(['start', 'end', 'raw'])

function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.filter((item) => !isEmptyStatement(item)).map(bare)
  if (typeof node === 'bigint' || node instanceof RegExp) return String(node)
  if (typeof node === 'number') return numeric(node)
  if (!isFields(node)) return node
  if (isVoid(node)) return { name: 'undefined', type: 'Identifier' }
  const fields = Object.entries(node).filter(([key]) => !spelling.has(key))
  const parts = fields
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => [key, isNameOf(node, key) ? nameIn(value as Fields) : bare(value)] as const)
  return Object.fromEntries(
    node['type'] === 'TaggedTemplateExpression' ? [...parts, ['spelled', spelledIn(node)]] : parts,
  )
}

/** `void 0`, as bundlers spell `undefined`. */
const isVoid = ({ type, operator, argument }: Fields): boolean =>
  type === 'UnaryExpression' && operator === 'void' && isFields(argument) && argument['value'] === 0

const isEmptyStatement = (node: unknown): boolean => isFields(node) && node['type'] === 'EmptyStatement'

/** `{ a: 1 }` and `{ 'a': 1 }` are equal; `#a` is another name. */
const isNameOf = (node: Fields, key: string): boolean =>
  key === 'key' && node['computed'] === false && (node['key'] as Fields)['type'] !== 'PrivateIdentifier'

const nameIn = (key: Fields): unknown => key['name'] ?? String(key['value'])

/** A tag such as `String.raw` sees how the texts of its template are spelled. */
const spelledIn = ({ quasi }: Fields): unknown =>
  (quasi as { readonly quasis: readonly { readonly value: { readonly raw: string } }[] }).quasis.map(
    ({ value }) => value.raw,
  )

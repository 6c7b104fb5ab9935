import { stripTypeScriptTypes } from 'node:module'
import { parse, type Expression, type ObjectExpression, type Property } from 'acorn'

/** A setting of an object as it is written. */
export type Written = {
  readonly key: string
  readonly value: Expression
  readonly end: number
}

/** An object as it is written: where each setting is, and whether there is anything that cannot be read. */
export type WrittenObject = {
  readonly start: number
  readonly end: number
  readonly settings: readonly Written[]
  /** Whether it has spreads, methods or computed names, so that a setting may be there without being seen. */
  readonly opaque: boolean
}

/** The object that a configuration exports. Null if it cannot be found: offsets are those of the text. */
export function exportedObject(text: string): WrittenObject | null {
  const plain = withoutTypes(text)
  if (plain === null) return null
  let program
  try {
    program = parse(plain, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true })
  } catch {
    return null
  }
  const constants = new Map<string, Expression>()
  for (const statement of program.body) {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declared?.type !== 'VariableDeclaration' || declared.kind !== 'const') continue
    for (const { id, init } of declared.declarations)
      if (id.type === 'Identifier' && init !== null && init !== undefined) constants.set(id.name, init)
  }
  const exported = program.body.find((statement) => statement.type === 'ExportDefaultDeclaration')
  return exported === undefined ? null : objectIn(exported.declaration as Expression, constants)
}

/** The object behind `defineConfig(…)` and names of constants of the same file. */
function objectIn(expression: Expression, constants: ReadonlyMap<string, Expression>): WrittenObject | null {
  let current: Expression | undefined = expression
  for (let left = 5; current !== undefined && left > 0; left--) {
    if (current.type === 'ObjectExpression') return objectOf(current)
    if (current.type === 'Identifier') current = constants.get(current.name)
    else if (
      current.type === 'CallExpression' &&
      current.callee.type === 'Identifier' &&
      current.callee.name === 'defineConfig'
    ) {
      const [first] = current.arguments
      current = first === undefined || first.type === 'SpreadElement' ? undefined : first
    } else return null
  }
  return null
}

export const objectOf = (node: Expression): WrittenObject | null => {
  if (node.type !== 'ObjectExpression') return null
  const properties = node.properties.map(settingOf)
  return {
    start: node.start,
    end: node.end,
    settings: properties.filter((one) => one !== null),
    opaque: properties.includes(null),
  }
}

function settingOf(property: ObjectExpression['properties'][number]): Written | null {
  if (property.type !== 'Property' || property.computed || property.kind !== 'init') return null
  const key = keyOf(property)
  return key === null ? null : { key, value: property.value, end: property.end }
}

function keyOf({ key }: Property): string | null {
  if (key.type === 'Identifier') return key.name
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : null
}

/** The text of a string, or null for anything that would have to be computed. */
export const stringIn = (node: Expression | undefined): string | null =>
  node?.type === 'Literal' && typeof node.value === 'string' ? node.value : null

/** Blanks in place of types, so that every offset stays; null for a text that Node does not read. */
function withoutTypes(text: string): string | null {
  // It announces on each start that it is experimental; Node 24 loads every TypeScript file in this way.
  const emit = process.emitWarning
  process.emitWarning = () => undefined
  try {
    const plain = stripTypeScriptTypes(text)
    return plain.length === text.length ? plain : null
  } catch {
    return null
  } finally {
    process.emitWarning = emit
  }
}

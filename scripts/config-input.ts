import type { z } from 'zod'
import { configShape, targetSchema } from '../src/config/schema.ts'
import { literal } from '../src/sections/parts/literal.ts'
import { aboutOf, coreOf, definitionOf, metaOf, otherwiseOf } from '../src/sections/parts/settings.ts'

/** The types for `runbook.config.ts`; each setting has its description as docstring, which editors show. */
export function configInput(): string {
  return [
    '// Generated from the schemas by `npm run generate`; do not edit.',
    "import type { Json, JsonObject } from '../kernel/json.ts'",
    "import type { Duration, Size } from '../sections/parts/quantities.ts'",
    "import type { SecretSource } from '../sections/parts/secret.ts'",
    '',
    '/** Relative paths start at the folder of `runbook.config.ts`; `~` is the home folder. `runbook help config` describes every setting. */',
    `export type Config = ${fields(configShape, '')}`,
    '',
    '/** One system. Each section is optional; a runbook says which it needs. `runbook help config SECTION` describes one. */',
    `export type TargetConfig = ${fields(targetSchema.shape, '')}`,
    '',
  ].join('\n')
}

const named: { readonly [type: string]: string } = { Secret: 'SecretSource' }

function typeText(schema: z.ZodType, margin: string): string {
  const core = coreOf(schema)
  if ((core as unknown) === targetSchema) return 'TargetConfig'
  const name = metaOf(core, 'type')
  if (name !== undefined) return named[name] ?? name
  const { type, element, valueType, options, shape, entries, values } = definitionOf(core)
  if (shape !== undefined) return fields(shape, margin)
  if (element !== undefined) {
    const item = typeText(element, margin)
    const plain = /^\w+$/.test(item) || definitionOf(coreOf(element)).shape !== undefined
    return plain ? `readonly ${item}[]` : `readonly (${item})[]`
  }
  if (valueType !== undefined) return `{ readonly [name: string]: ${typeText(valueType, margin)} }`
  if (options !== undefined) return options.map((option) => typeText(option, margin)).join(' | ')
  if (entries !== undefined) return Object.values(entries).map(literal).join(' | ')
  return values === undefined ? type : values.map(literal).join(' | ')
}

function fields(shape: { readonly [key: string]: z.ZodType }, margin: string): string {
  const inner = `${margin}  `
  const lines = Object.entries(shape).flatMap(([key, schema]) => {
    const otherwise = otherwiseOf(schema)
    const words = [aboutOf(schema), ...(otherwise ? [`Default: ${otherwise}.`] : [])].join(' ')
    return [
      `${inner}/** ${words.replaceAll('*/', '*\\/')} */`,
      `${inner}readonly ${/^\w+$/.test(key) ? key : literal(key)}${otherwise === null ? '' : '?'}: ${typeText(schema, inner)}`,
    ]
  })
  return ['{', ...lines, `${margin}}`].join('\n')
}

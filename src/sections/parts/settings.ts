import { globalRegistry, type z } from 'zod'
import { literal } from './literal.ts'

/** One setting, as help describes it. */
export type Setting = {
  /** As in messages, with `[]` for each item of a list and `NAME` for a free name: `health[].url`. */
  readonly path: string
  /** In TypeScript notation; `object` for one whose settings are listed separately. */
  readonly type: string
  /** What applies when it is left out; null where it is required. Markdown. */
  readonly otherwise: string | null
  readonly about: string
}

/** Settings that go together. A section with several variants has a group for each. */
export type Group = { readonly title: string | null; readonly settings: readonly Setting[] }

export type Definition = {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly discriminator?: string
  readonly shape?: { readonly [key: string]: z.ZodType }
  readonly entries?: { readonly [key: string]: string }
  readonly values?: readonly unknown[]
  readonly defaultValue?: unknown
}

export const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition

export const metaOf = (
  schema: z.ZodType,
  key: 'description' | 'type' | 'otherwise' | 'shown',
): string | undefined => globalRegistry.get(schema)?.[key] as string | undefined

/** The schemas that wrap one another, outermost first; the last one describes the value itself. */
function layersOf(schema: z.ZodType): readonly z.ZodType[] {
  const { innerType, in: input } = definitionOf(schema)
  const inner = innerType ?? input
  return inner === undefined || metaOf(schema, 'type') !== undefined ? [schema] : [schema, ...layersOf(inner)]
}

export const coreOf = (schema: z.ZodType): z.ZodType => layersOf(schema).at(-1) ?? schema

function typeOf(schema: z.ZodType): string {
  const core = coreOf(schema)
  const named = metaOf(core, 'type')
  if (named !== undefined) return named
  const { type, element, valueType, options, entries, values } = definitionOf(core)
  if (element !== undefined) {
    const item = typeOf(element)
    return item.includes(' ') ? `(${item})[]` : `${item}[]`
  }
  if (type === 'record' && valueType !== undefined) return `{ [name]: ${typeOf(valueType)} }`
  if (options !== undefined) return [...new Set(options.map(typeOf))].join(' | ')
  if (entries !== undefined) return Object.values(entries).map(literal).join(' | ')
  if (values !== undefined) return values.map(literal).join(' | ')
  return type
}

export function otherwiseOf(schema: z.ZodType): string | null {
  for (const layer of layersOf(schema)) {
    const words = metaOf(layer, 'otherwise')
    if (words !== undefined) return words
    const { type, defaultValue } = definitionOf(layer)
    if (type === 'default' || type === 'prefault') {
      const shown = metaOf(layer, 'shown') ?? metaOf(schema, 'shown')
      return `\`${shown ?? literal(defaultValue)}\``
    }
    if (type === 'optional') return ''
  }
  return null
}

export const aboutOf = (schema: z.ZodType): string =>
  layersOf(schema)
    .map((layer) => metaOf(layer, 'description'))
    .find((words) => words !== undefined) ?? ''

/** The settings of an object, of the items of a list, or of the values of a record. */
function settingsWithin(schema: z.ZodType, path: string): readonly Setting[] {
  const core = coreOf(schema)
  if (metaOf(core, 'type') !== undefined) return []
  const { shape, element, valueType, options } = definitionOf(core)
  if (shape !== undefined) {
    return Object.entries(shape).flatMap(([key, inner]) =>
      settingsOf(inner, path === '' ? key : `${path}.${key}`),
    )
  }
  if (element !== undefined) return settingsWithin(element, `${path}[]`)
  if (valueType !== undefined) return settingsWithin(valueType, `${path}.NAME`)
  return (options ?? []).flatMap((option) => settingsWithin(option, path))
}

/** A setting and those inside it. */
export const settingsOf = (schema: z.ZodType, path: string): readonly Setting[] => [
  { path, type: typeOf(schema), otherwise: otherwiseOf(schema), about: aboutOf(schema) },
  ...settingsWithin(schema, path),
]

/** The settings under a name, or the value itself where it has none. */
export function groupsOf(schema: z.ZodType, path: string): readonly Group[] {
  const { discriminator, options = [] } = definitionOf(coreOf(schema))
  if (discriminator !== undefined) {
    return options.map((option) => {
      const kind = definitionOf(option).shape?.[discriminator]
      return {
        title: `${discriminator}: ${kind === undefined ? '?' : typeOf(kind)}`,
        settings: settingsWithin(option, path),
      }
    })
  }
  const within = settingsWithin(schema, path)
  return [{ title: null, settings: within.length > 0 ? within : settingsOf(schema, path) }]
}

/** A section, or a setting outside sections, with everything that help says about it. */
export type Topic = {
  readonly name: string
  /** Where it is written: beside `targets`, as a setting of a target, or as a section of a target. */
  readonly place: 'configuration' | 'target' | 'section'
  readonly about: string
  /** What applies where it is left out; null where runbooks that need it are refused. Markdown. */
  readonly otherwise: string | null
  readonly groups: readonly Group[]
  /** Each can be copied into `runbook.config.ts`. */
  readonly examples: readonly string[]
}

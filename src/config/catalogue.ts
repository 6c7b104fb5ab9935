import type { z } from 'zod'
import type { Target } from '../model/target.ts'
import { sections } from '../sections/index.ts'
import type { BasePaths } from '../sections/parts/base-paths.ts'
import { block } from '../sections/parts/literal.ts'
import type { SectionDefinition } from '../sections/parts/section.ts'
import { groupsOf, type Topic } from '../sections/parts/settings.ts'
import { configSchema, configShape, ownSettings } from './schema.ts'
import { targetOf } from './target.ts'

/** Examples of settings outside sections. */
const ownExamples: { readonly [name: string]: unknown } = {
  runbooks: ['./runbooks'],
  artifacts: './docs/qa/artifacts',
  state: '/var/lib/runbook',
  stories: { files: 'docs/stories/{story}.md' },
  defaultTarget: 'shop',
  title: 'The shop, production',
  objectives: { rto: '15m', rpo: '24h' },
  settings: { queue: 'mail' },
}

const examples = Object.fromEntries(Object.entries(sections).map(([name, { example }]) => [name, example]))

/** A configuration that sets everything, to the examples shown in help. */
export function exampleConfig(): unknown {
  const pick = (names: readonly string[]): object =>
    Object.fromEntries(names.filter((name) => name in ownExamples).map((name) => [name, ownExamples[name]]))
  return {
    ...pick(Object.keys(configShape)),
    targets: { shop: { ...pick(Object.keys(ownSettings)), ...examples } },
  }
}

/** The target of that configuration. */
export function exampleTarget(basePaths: BasePaths): Target {
  return targetOf(configSchema.parse(exampleConfig()), 'shop', basePaths)
}

type AnySection = SectionDefinition<z.ZodType, unknown>

/** Everything that can be configured, read from the schemas. */
export function catalogue(): readonly Topic[] {
  const own =
    (place: 'configuration' | 'target') =>
    ([name, schema]: readonly [string, z.ZodType]): Topic => ({
      name,
      place,
      about: schema.description ?? '',
      // Said beside its type.
      otherwise: null,
      groups: groupsOf(schema, name),
      examples: name in ownExamples ? [exampleOf(name, ownExamples[name])] : [],
    })
  return [
    // The contents of `targets` are topics of their own.
    ...Object.entries(configShape)
      .filter(([name]) => name !== 'targets')
      .map(own('configuration')),
    ...Object.entries(ownSettings).map(own('target')),
    ...Object.entries(sections as { readonly [name: string]: AnySection }).map(
      ([name, { about, schema, example, ...rest }]): Topic => ({
        name,
        place: 'section',
        about,
        otherwise: rest.absent?.about ?? null,
        groups: groupsOf(schema.describe(about), name),
        examples: [example, ...(rest.alternatives ?? [])].map((one) => exampleOf(name, one)),
      }),
    ),
  ]
}

const exampleOf = (name: string, value: unknown): string => `${name}: ${block(value)},`

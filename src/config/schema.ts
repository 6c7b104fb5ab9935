import { z } from 'zod'
import type { Config } from './input.ts'
import { nearest } from '../kernel/did-you-mean.ts'
import { sections } from '../sections/index.ts'
import { duration, jsonObject, strict, text, texts } from '../sections/parts/values.ts'

type Sections = typeof sections
type OptionalSections = { readonly [S in keyof Sections]: z.ZodOptional<Sections[S]['schema']> }

const optionalSections = Object.fromEntries(
  Object.entries(sections).map(([name, { schema, about }]) => [name, schema.optional().describe(about)]),
) as unknown as OptionalSections

/** Settings outside sections: every target has them, configured or not. */
export const ownSettings = {
  title: text
    .optional()
    .describe('The system as operators call it, for plans and reports.')
    .meta({ otherwise: "the target's name" }),
  objectives: strict({
    rto: duration
      .optional()
      .describe('Recovery time objective: longest time from the start of a run to the service being up.')
      .meta({ otherwise: 'the time is measured but not judged' }),
    rpo: duration
      .optional()
      .describe('Recovery point objective: longest period of data that may be lost.')
      .meta({ otherwise: 'the loss is measured but not judged' }),
  })
    .default({})
    .describe('What reports compare the measured times with.')
    .meta({ otherwise: 'times are measured but not judged' }),
  settings: jsonObject
    .default({})
    .describe(
      "Other values that the team's own runbooks need; they read them as `target.settings`, with their types.",
    ),
}

const { title, objectives, settings } = ownSettings
export const targetSchema = strict({ title, objectives, ...optionalSections, settings })

const targetName = z
  .string()
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    'expected a target name of lowercase letters, digits and single hyphens',
  )

export const configShape = {
  runbooks: texts
    .optional()
    .describe(
      "Folders with the team's runbooks, one file each. The runbooks of this package are always available.",
    )
    .meta({ otherwise: "`['./runbooks']`, which may be missing" }),
  artifacts: text.default('./artifacts').describe('Folder for the evidence of runs.'),
  state: text
    .optional()
    .describe('Folder for the journal. A run can only be resumed with the journal that it began with.')
    .meta({ otherwise: '`$XDG_STATE_HOME/runbook`, else `~/.local/state/runbook`' }),
  stories: strict({
    files: text
      .refine((pattern) => pattern.includes('{story}'), 'expected {story} in it')
      .describe('Path of the Markdown file of a story; `{story}` is what `--story` gives.'),
  })
    .optional()
    .describe('Story files that get one line for each run that names them.')
    .meta({ otherwise: 'no story file is written' }),
  defaultTarget: text
    .optional()
    .describe('The target to use if `--target` is not given.')
    .meta({ otherwise: 'the only target; with more than one, `--target` is required' }),
  targets: z
    .record(targetName, targetSchema)
    .refine((targets) => Object.keys(targets).length > 0, 'expected at least one target')
    .describe('The systems by name: lowercase letters, digits and single hyphens.'),
}

export const configSchema = strict(configShape).superRefine(({ defaultTarget, targets }, context) => {
  if (defaultTarget === undefined || Object.hasOwn(targets, defaultTarget)) return
  const guess = nearest(defaultTarget, Object.keys(targets), (found) => `; did you mean "${found}"?`)
  context.addIssue({
    code: 'custom',
    path: ['defaultTarget'],
    message: `target "${defaultTarget}" not found${guess}`,
  })
})

export type ParsedConfig = z.output<typeof configSchema>

/** Compiles only while the generated types match what the schema reads. */
export const offered = (config: Config): z.input<typeof configSchema> => config

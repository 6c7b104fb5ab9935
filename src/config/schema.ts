import { z } from 'zod'
import type { Config } from './define.ts'
import { nearest } from '../kernel/did-you-mean.ts'
import { accessSchema } from './sections/access.ts'
import { composeStackSchema } from './sections/compose-stack.ts'
import { configurationSchema } from './sections/configuration.ts'
import { documentsSchema } from './sections/documents.ts'
import { exportsSchema } from './sections/exports.ts'
import { dataSchema } from './sections/data.ts'
import { drillSchema } from './sections/drill.ts'
import { healthSchema } from './sections/health.ts'
import { imagesSchema } from './sections/images.ts'
import { operatorsSchema } from './sections/operators.ts'
import { placeSchema, placeShape } from './sections/place.ts'
import { logScanSchema, metricsSchema } from './sections/watch.ts'
import { publicationSchema } from './sections/publication.ts'
import { deploymentsSchema, imageLineSchema } from './sections/deployments.ts'
import { volumeDatabaseSchema } from './sections/volume-database.ts'
import { releaseFoldersSchema } from './sections/release-folders.ts'
import { releaseSchema } from './sections/release.ts'
import { migrationsSchema } from './sections/migrations.ts'
import { versionSchema } from './sections/version.ts'
import { restoreTestSchema } from './sections/restore-test.ts'
import {
  duration,
  json,
  jsonObject,
  oneOf,
  secretHandle,
  strict,
  text,
  texts,
  variables,
  words,
} from './values.ts'

const service = z
  .union(
    [words, strict({ command: words, environment: variables.optional(), oneOff: z.boolean().optional() })],
    {
      error: 'expected a list, the program and its arguments, or { command, environment, oneOff }',
    },
  )
  .transform((given) => {
    const one = 'command' in given ? given : { command: given }
    return { command: one.command, environment: one.environment ?? {}, oneOff: one.oneOff ?? false }
  })

const processStack = strict({
  kind: z.literal('process'),
  project: text,
  directory: text.optional(),
  state: text.optional(),
  services: z.record(text, service),
})

const anyDatabase = {
  confirmPhrase: text.optional(),
  fingerprint: oneOf('rows-and-digest', 'rows').default('rows-and-digest'),
}

const postgres = strict({
  engine: z.literal('postgres'),
  name: text,
  user: text,
  service: text.optional(),
  host: text.optional(),
  port: z.int().min(1).max(65535).optional(),
  password: secretHandle.optional(),
  ...anyDatabase,
}).superRefine((database, context) => {
  if ((database.service === undefined) === (database.host === undefined)) {
    context.addIssue({
      code: 'custom',
      message: 'expected either service (of the Compose stack) or host, and not both',
    })
  }
  if (database.service !== undefined && database.port !== undefined) {
    context.addIssue({
      code: 'custom',
      path: ['port'],
      message: 'a service is reached inside its container; port is for host',
    })
  }
})

const sqlite = strict({ engine: z.literal('sqlite'), file: text, name: text.optional(), ...anyDatabase })

const assertion = strict({
  name: text,
  sql: text,
  equals: json.optional(),
  atLeast: z.number().optional(),
  oneOf: z.array(json).readonly().optional(),
}).superRefine((one, context) => {
  const given = ['equals', 'atLeast', 'oneOf'].filter((key) => one[key as keyof typeof one] !== undefined)
  if (given.length !== 1)
    context.addIssue({ code: 'custom', message: 'expected exactly one of equals, atLeast and oneOf' })
})

const kinds = (what: string) => ({
  error: (issue: { readonly code?: string | undefined }) =>
    issue.code === 'invalid_union' ? what : undefined,
})

const targetSchema = strict({
  title: text.optional(),
  objectives: strict({ rto: duration.optional(), rpo: duration.optional() }).default({}),
  stack: z
    .discriminatedUnion(
      'kind',
      [composeStackSchema, processStack],
      kinds("expected kind: 'compose' or kind: 'process'"),
    )
    .optional(),
  app: z.array(text).min(1, 'expected at least one service').readonly().optional(),
  writers: z.array(text).min(1, 'expected at least one service').readonly().optional(),
  database: z
    .discriminatedUnion(
      'engine',
      [postgres, sqlite],
      kinds("expected engine: 'postgres' or engine: 'sqlite'"),
    )
    .optional(),
  backups: placeSchema.optional(),
  assertions: z.array(assertion).readonly().optional(),
  health: z.array(healthSchema).readonly().optional(),
  smoke: strict({ service: text, command: texts.default([]) }).optional(),
  retention: strict({
    dumps: text,
    keepOld: duration.default(7 * 86400),
    dumpOld: z.boolean().default(true),
  }).optional(),
  bundle: strict({
    ...placeShape,
    install: words,
    dryRun: words,
    environment: variables.default({}),
  }).optional(),
  data: dataSchema.optional(),
  drill: drillSchema.optional(),
  images: imagesSchema.optional(),
  release: releaseSchema.optional(),
  releaseFolders: releaseFoldersSchema.optional(),
  publication: publicationSchema.optional(),
  staging: text.optional(),
  checklist: text.optional(),
  exports: exportsSchema.optional(),
  configuration: configurationSchema.optional(),
  access: accessSchema.optional(),
  metrics: metricsSchema.optional(),
  logScan: logScanSchema.optional(),
  operators: operatorsSchema.optional(),
  volumeDatabase: volumeDatabaseSchema.optional(),
  deployments: deploymentsSchema.optional(),
  imageLine: imageLineSchema.optional(),
  version: versionSchema.optional(),
  migrations: migrationsSchema.optional(),
  restoreTest: restoreTestSchema.optional(),
  duties: texts.optional(),
  documents: documentsSchema.optional(),
  settings: jsonObject.default({}),
})

const targetName = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'a target is called by small letters, digits and single hyphens')

export const configSchema = strict({
  runbooks: texts.optional(),
  artifacts: text.default('./artifacts'),
  state: text.optional(),
  stories: strict({
    files: text.refine((pattern) => pattern.includes('{story}'), 'expected {story} somewhere in it'),
  }).optional(),
  defaultTarget: text.optional(),
  targets: z
    .record(targetName, targetSchema)
    .refine((targets) => Object.keys(targets).length > 0, 'expected at least one target'),
}).superRefine(({ defaultTarget, targets }, context) => {
  if (defaultTarget === undefined || Object.hasOwn(targets, defaultTarget)) return
  const guess = nearest(defaultTarget, Object.keys(targets), (found) => `; did you mean "${found}"?`)
  context.addIssue({
    code: 'custom',
    path: ['defaultTarget'],
    message: `there is no target "${defaultTarget}"${guess}`,
  })
})

export type ParsedConfig = z.output<typeof configSchema>
export type SettledTarget = z.output<typeof targetSchema>

/** What authors are offered must be what is read. */
export const offered = (config: Config): z.input<typeof configSchema> => config

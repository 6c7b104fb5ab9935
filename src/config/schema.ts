import { z } from 'zod'
import { isJson, type Json, type JsonObject } from '../kernel/json.ts'
import type { Config } from './define.ts'
import { nearest } from '../kernel/misspelt.ts'
import { bytes, seconds } from './quantities.ts'
import { secret, type SecretSource } from './secret.ts'

type RawShape = { readonly [key: string]: z.ZodType }

/** An object without any other key; a stranger is answered with the key that was probably meant. */
function strict<const S extends RawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      return issue.keys.map((key) => `"${key}" is not known here${nearest(key, Object.keys(shape), (found) => `; did you mean "${found}"?`)}`).join('; ')
    },
  })
}

/** A text or number that is read by a function which throws a sentence. */
function read<T>(parse: (value: string | number) => T): z.ZodType<T, string | number> {
  return z.union([z.string(), z.number()], { error: 'expected a text or a number' }).transform((value, context) => {
    try {
      return parse(value)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as Error).message })
      return z.NEVER
    }
  })
}

const duration = read(seconds)
const size = read(bytes)
const text = z.string().min(1, 'expected a text that is not empty')
const texts = z.array(text).readonly()
const words = z.array(text).min(1, 'expected a program and its arguments').readonly()
const variables = z.record(text, z.string())
const json = z.custom<Json>((value) => value !== undefined && isJson(value), 'expected JSON: text, numbers, true, false, null, lists and plain objects')
const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value), 'expected a plain object of JSON values',
)
const oneOf = <const T extends string>(...values: readonly [T, ...T[]]): z.ZodType<T, T> =>
  z.enum(values, { error: (issue) => `${JSON.stringify(issue.input)} is none of ${values.join(', ')}` }) as unknown as z.ZodType<T, T>

const secretHandle = z
  .union([
    strict({ secret: text, from: z.union([strict({ env: text }), strict({ file: text })]) }), strict({ env: text }), strict({ file: text }),
  ], { error: "expected secret('VARIABLE') or secret({ file: 'PATH' })" })
  .transform((source: SecretSource) => ('secret' in source ? source : secret(source)))

const composeStack = strict({
  kind: z.literal('compose'),
  project: text,
  directory: text.optional(),
  files: z.array(text).min(1, 'expected at least one file').readonly().default(['compose.yml']),
  envFiles: texts.default([]),
  profiles: texts.default([]),
  environment: variables.default({}),
})

const service = z
  .union([words, strict({ command: words, environment: variables.optional(), oneOff: z.boolean().optional() })], {
    error: 'expected a list, the program and its arguments, or { command, environment, oneOff }',
  })
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

const anyDatabase = { confirmPhrase: text.optional(), fingerprint: oneOf('rows-and-digest', 'rows').default('rows-and-digest') }

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
    context.addIssue({ code: 'custom', message: 'expected either service (of the Compose stack) or host, and not both' })
  }
  if (database.service !== undefined && database.port !== undefined) {
    context.addIssue({ code: 'custom', path: ['port'], message: 'a service is reached inside its container; port is for host' })
  }
})

const sqlite = strict({ engine: z.literal('sqlite'), file: text, name: text.optional(), ...anyDatabase })

const placeShape = {
  directory: text,
  pattern: text,
  maxAge: duration.default(26 * 3600),
  minBytes: size.default(1),
  checksums: oneOf('required', 'if-present').default('required'),
}

const assertion = strict({
  name: text, sql: text, equals: json.optional(), atLeast: z.number().optional(), oneOf: z.array(json).readonly().optional(),
}).superRefine((one, context) => {
  const given = ['equals', 'atLeast', 'oneOf'].filter((key) => one[key as keyof typeof one] !== undefined)
  if (given.length !== 1) context.addIssue({ code: 'custom', message: 'expected exactly one of equals, atLeast and oneOf' })
})

const health = strict({
  name: text,
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
  status: z.int().min(100).max(599).default(200),
  passes: z.int().min(1).default(3),
  within: duration.default(120),
  every: duration.default(2),
  timeout: duration.default(5),
  json: z.record(text, json).default({}),
  bearer: secretHandle.optional(),
})

const keyFile = strict({
  path: text, parse: oneOf('none', 'json', 'yaml', 'toml', 'sqlite').default('none'), minBytes: size.default(1), expect: z.record(text, json).default({}),
})

const kinds = (what: string) => ({ error: (issue: { readonly code?: string | undefined }) => (issue.code === 'invalid_union' ? what : undefined) })

const targetSchema = strict({
  title: text.optional(),
  objectives: strict({ rto: duration.optional(), rpo: duration.optional() }).default({}),
  stack: z.discriminatedUnion('kind', [composeStack, processStack], kinds("expected kind: 'compose' or kind: 'process'")).optional(),
  writers: z.array(text).min(1, 'expected at least one service').readonly().optional(),
  database: z.discriminatedUnion('engine', [postgres, sqlite], kinds("expected engine: 'postgres' or engine: 'sqlite'")).optional(),
  backups: strict(placeShape).optional(),
  assertions: z.array(assertion).readonly().optional(),
  health: z.array(health).readonly().optional(),
  smoke: strict({ service: text, command: texts.default([]) }).optional(),
  retention: strict({ dumps: text, keepOld: duration.default(7 * 86400), dumpOld: z.boolean().default(true) }).optional(),
  bundle: strict({ ...placeShape, install: words, dryRun: words, environment: variables.default({}) }).optional(),
  data: strict({ ...placeShape, passphrase: secretHandle.optional(), keyFiles: z.array(keyFile).readonly().default([]) }).optional(),
  staging: text.optional(),
  checklist: text.optional(),
  settings: jsonObject.default({}),
})

const targetName = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'a target is called by small letters, digits and single hyphens')

export const configSchema = strict({
  runbooks: texts.optional(),
  artifacts: text.default('./artifacts'),
  state: text.optional(),
  stories: strict({ files: text.refine((pattern) => pattern.includes('{story}'), 'expected {story} somewhere in it') }).optional(),
  defaultTarget: text.optional(),
  targets: z.record(targetName, targetSchema).refine((targets) => Object.keys(targets).length > 0, 'expected at least one target'),
}).superRefine(({ defaultTarget, targets }, context) => {
  if (defaultTarget === undefined || Object.hasOwn(targets, defaultTarget)) return
  const guess = nearest(defaultTarget, Object.keys(targets), (found) => `; did you mean "${found}"?`)
  context.addIssue({ code: 'custom', path: ['defaultTarget'], message: `there is no target "${defaultTarget}"${guess}` })
})

export type Settled = z.output<typeof configSchema>
export type SettledTarget = z.output<typeof targetSchema>

/** What authors are offered must be what is read. */
export const offered = (config: Config): z.input<typeof configSchema> => config

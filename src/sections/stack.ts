import { join } from 'node:path'
import { z } from 'zod'
import type { Stack } from '../drivers/services.ts'
import { composeStack, composeStackOf } from './parts/compose-stack.ts'
import { section } from './parts/section.ts'
import { strict, text, variables, words } from './parts/values.ts'

const service = z
  .union(
    [
      words,
      strict({
        command: words.describe('The program and its arguments.'),
        environment: variables.optional().describe('Variables for the process.').meta({ otherwise: 'none' }),
        oneOff: z
          .boolean()
          .optional()
          .describe('Runs once and ends, as a smoke test does; never started with the others.')
          .meta({ otherwise: 'false' }),
      }),
    ],
    { error: 'expected a list, the program and its arguments, or { command, environment, oneOff }' },
  )
  .transform((given) => {
    const one = 'command' in given ? given : { command: given }
    return { command: one.command, environment: one.environment ?? {}, oneOff: one.oneOff ?? false }
  })

const processStack = strict({
  kind: z.literal('process').describe('Services as plain processes of this machine.'),
  project: text.describe('Name of the stack; two stacks of one name in one folder are the same system.'),
  directory: text
    .optional()
    .describe('Folder in which the services run.')
    .meta({ otherwise: 'the folder of `runbook.config.ts`' }),
  state: text
    .optional()
    .describe('Folder for pid and log files.')
    .meta({ otherwise: '`.processes/PROJECT`' }),
  services: z
    .record(text, service)
    .describe('The services by name: the program with its arguments, or an object.'),
})

export const stack = section({
  about:
    'Where the services run: a Docker Compose project, or plain processes. Required by every section that names services.',
  schema: z.discriminatedUnion('kind', [composeStack, processStack], {
    error: (issue) =>
      issue.code === 'invalid_union' ? "expected kind: 'compose' or kind: 'process'" : undefined,
  }),
  example: {
    kind: 'compose',
    project: 'shop',
    files: ['compose.yml'],
    envFiles: ['.env'],
    profiles: ['smoke'],
  },
  alternatives: [
    {
      kind: 'process',
      project: 'shop',
      services: {
        app: ['node', 'app.js'],
        smoke: { command: ['node', 'smoke.js'], environment: { PORT: '8080' }, oneOff: true },
      },
    },
  ],
  resolve: (raw, context): Stack =>
    raw.kind === 'compose'
      ? composeStackOf(raw, context)
      : {
          ...raw,
          directory: context.path(raw.directory ?? '.'),
          state: context.path(raw.state ?? join('.processes', raw.project)),
        },
})

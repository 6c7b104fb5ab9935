import { basename, extname } from 'node:path'
import { z } from 'zod'
import type { Database } from '../drivers/databases.ts'
import { section } from './parts/section.ts'
import { applicationDefines } from './parts/application-defines.ts'
import { oneOf, secretHandle, strict, text } from './parts/values.ts'

const anyDatabase = {
  confirmPhrase: text
    .optional()
    .describe('What an operator must type before anything replaces this database.')
    .meta({ otherwise: '`restore NAME on HOST`' }),
  fingerprint: oneOf('rows-and-digest', 'rows')
    .default('rows-and-digest')
    .describe(
      'How the old data is recognised after an undo where its rows must be read: by a digest of all rows, or by the row counts alone, which is quicker on large databases and proves less.',
    ),
}

const postgres = strict({
  engine: z.literal('postgres').describe('A Postgres database.'),
  name: text.describe('Name of the database.'),
  user: text.describe('Role that restores, swaps and dumps; it must be able to create databases.'),
  service: text
    .optional()
    .describe('Service of the Compose stack in which the server runs. Exactly one of service and host.')
    .meta({ otherwise: 'host is used' }),
  host: text
    .optional()
    .describe('Host of the server. Exactly one of service and host.')
    .meta({ otherwise: 'service is used' }),
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('TCP port of the server; only with host.')
    .meta({ otherwise: '5432' }),
  password: secretHandle
    .optional()
    .describe('Password of the role; only read with host, as a service is reached inside its container.')
    .meta({ otherwise: 'no password' }),
  restoreAs: oneOf('limited', 'user')
    .default('limited')
    .describe(
      'With whose rights the SQL of a dump runs in a copy: limited, those of a role that exists only for it, unless the dump needs a superuser; user, always those of the user.',
    ),
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

const sqlite = strict({
  engine: z.literal('sqlite').describe('A SQLite file on this machine.'),
  file: text.describe('The main database file.'),
  name: text
    .optional()
    .describe('Name of the database in messages and in the names of copies.')
    .meta({ otherwise: "the file's name without its extension" }),
  applicationDefines,
  ...anyDatabase,
})

export const database = section({
  about: 'The database that is restored, dumped and asserted on. Its password is referenced, never stored.',
  schema: z.discriminatedUnion('engine', [postgres, sqlite], {
    error: (issue) =>
      issue.code === 'invalid_union' ? "expected engine: 'postgres' or engine: 'sqlite'" : undefined,
  }),
  example: { engine: 'postgres', service: 'db', name: 'shop', user: 'postgres' },
  alternatives: [
    {
      engine: 'postgres',
      host: 'db.example.com',
      name: 'shop',
      user: 'shop',
      password: { env: 'PGPASSWORD' },
    },
    { engine: 'sqlite', file: 'data/shop.db' },
  ],
  resolve: (raw, context): Database => {
    const confirmPhrase = (name: string, host: string): string =>
      raw.confirmPhrase ?? `restore ${name} on ${host}`
    const { fingerprint } = raw
    if (raw.engine === 'sqlite') {
      const file = context.path(raw.file)
      const name = raw.name ?? basename(file, extname(file))
      return {
        engine: 'sqlite',
        name,
        file,
        fingerprint,
        confirmPhrase: confirmPhrase(name, context.host),
        ...(raw.applicationDefines === undefined ? {} : { applicationDefines: raw.applicationDefines }),
      }
    }
    const { name, user } = raw
    const restoreAs = raw.restoreAs === 'user' ? { restoreAs: raw.restoreAs } : {}
    if (raw.service === undefined) {
      const host = raw.host ?? 'localhost'
      const via = {
        kind: 'server' as const,
        host,
        port: raw.port ?? 5432,
        password: context.secret(raw.password),
      }
      return {
        engine: 'postgres',
        name,
        user,
        via,
        ...restoreAs,
        fingerprint,
        confirmPhrase: confirmPhrase(name, host),
      }
    }
    const stack = context.stack('service')
    if (stack.kind !== 'compose') {
      throw context.unusable(
        'database.service requires a Compose stack, but the stack has kind process',
        'set database.host instead',
      )
    }
    return {
      engine: 'postgres',
      name,
      user,
      via: { kind: 'compose', stack, service: raw.service },
      ...restoreAs,
      fingerprint,
      confirmPhrase: confirmPhrase(name, context.host),
    }
  },
})

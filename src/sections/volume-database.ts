import { posix } from 'node:path'
import { z } from 'zod'
import type { HealthCheck } from '../drivers/http.ts'
import type { SecretHandle } from '../drivers/secrets.ts'
import type { Ownership, VolumePath } from '../drivers/volumes.ts'
import { applicationDefines } from './parts/application-defines.ts'
import { section } from './parts/section.ts'
import { address, duration, isPathInside, nonNegative, secretHandle, strict, text } from './parts/values.ts'

/** A SQLite database in a volume of a service. */
export type VolumeDatabase = {
  readonly at: VolumePath
  readonly name: string
  /** What an operator must type before anything replaces this database. */
  readonly confirmPhrase: string
  /** Ownership of a restored file where there is no old file to take it from. */
  readonly ownership: Ownership
  /** For backups that end in `.gpg`. */
  readonly passphrase: SecretHandle | null
  readonly business: readonly BusinessCheck[]
  /** Collations and functions that the application adds to SQLite. */
  readonly applicationDefines?: readonly string[]
}

/** A number that the running application must report as the backup has it. */
export type BusinessCheck = {
  readonly name: string
  /** Read-only query of the backup; the first column of the first row is the number. */
  readonly sql: string
  /** Dotted path of the number in the JSON answer of `check.url`. */
  readonly path: string
  readonly check: HealthCheck
}

const business = strict({
  name: text.describe('Name of the number in reports.'),
  sql: text.describe('A read-only query of the backup; the first column of its first row is the number.'),
  url: address.describe('Address at which the running application gives the same number.'),
  path: text.describe('Dotted path of the number in the JSON body.'),
  within: duration.prefault('30s').describe('Longest time until the application gives that number.'),
  bearer: secretHandle
    .optional()
    .describe('Token for the Authorization header, or `Basic BASE64` for a user and a password.')
    .meta({ otherwise: 'none' }),
})

export const volumeDatabase = section({
  about: 'A SQLite database in a Docker volume of a service; `database` is for one on this machine.',
  schema: strict({
    service: text.describe('The service of the stack that has the volume.'),
    path: text
      .refine(isPathInside, 'expected an absolute path in the container, without ..')
      .describe('The main database file as the container sees it; it must be in a volume.'),
    name: text
      .optional()
      .describe('Name of the database in messages.')
      .meta({ otherwise: "the file's name without its extension" }),
    confirmPhrase: text
      .optional()
      .describe('What an operator must type before anything replaces this database.')
      .meta({ otherwise: '`restore NAME on HOST`' }),
    uid: nonNegative.default(0).describe('UID of a restored file, if no old file gives it.'),
    gid: nonNegative.default(0).describe('GID of a restored file, if no old file gives it.'),
    mode: nonNegative
      .max(0o7777)
      .default(0o600)
      .describe('Permissions of a restored file, if no old file gives them.')
      .meta({ shown: '0o600' }),
    passphrase: secretHandle
      .optional()
      .describe('Passphrase of backups that end in `.gpg`.')
      .meta({ otherwise: 'encrypted backups are refused' }),
    applicationDefines,
    business: z
      .array(business)
      .readonly()
      .default([])
      .describe('Numbers that must be equal in the running application and in the backup.'),
  }),
  example: {
    service: 'api',
    path: '/data/shop.db',
    business: [
      {
        name: 'projects',
        sql: 'select count(*) from projects',
        url: 'http://127.0.0.1:8000/api/stats',
        path: 'projects',
      },
    ],
  },
  resolve: (raw, { host, stack, secret }): VolumeDatabase => {
    const { service, path, uid, gid, mode, passphrase } = raw
    const name = raw.name ?? posix.basename(path, posix.extname(path))
    return {
      at: { stack: stack(), service, path },
      name,
      confirmPhrase: raw.confirmPhrase ?? `restore ${name} on ${host}`,
      ownership: { uid, gid, mode },
      passphrase: secret(passphrase),
      ...(raw.applicationDefines === undefined ? {} : { applicationDefines: raw.applicationDefines }),
      business: raw.business.map(({ within, bearer, url, ...one }) => ({
        ...one,
        check: {
          name: one.name,
          url,
          status: 200,
          passes: 1,
          withinSeconds: within,
          everySeconds: 1,
          timeoutSeconds: 5,
          json: {},
          bearer: secret(bearer),
        },
      })),
    }
  },
})

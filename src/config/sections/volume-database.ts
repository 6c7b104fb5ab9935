import { posix } from 'node:path'
import { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { VolumeDatabase } from '../../model/sections/volume-database.ts'
import { handleOf, type BasePaths } from '../base-paths.ts'
import type { Duration } from '../quantities.ts'
import type { SecretSource } from '../secret.ts'
import { duration, secretHandle, strict, text } from '../values.ts'

export type VolumeDatabaseConfig = {
  /** The service of the stack that has the volume. */
  readonly service: string
  /** Of the main file in the service's container, absolute; it lies in a volume. */
  readonly path: string
  /** Default: the file's name without its ending. */
  readonly name?: string
  /** What must be typed before anything replaces this database. Default `restore NAME on HOST`. */
  readonly confirmPhrase?: string
  /** Numbers of the user and group to whom a restored file belongs where none is there to take it from. Default 0 and 0. */
  readonly uid?: number
  readonly gid?: number
  /** Default 0o600. */
  readonly mode?: number
  /** For backups that end in `.gpg`. */
  readonly passphrase?: SecretSource
  /** Numbers that the running application must tell as the backup does. */
  readonly business?: readonly {
    readonly name: string
    /** Asked of the backup; first column of the first row. */
    readonly sql: string
    readonly url: string
    /** Dotted path of the number in the JSON body. */
    readonly path: string
    /** How long it may take. Default 30 seconds. */
    readonly within?: Duration
    readonly bearer?: SecretSource
  }[]
}

const number = z.int().min(0)

export const volumeDatabaseSchema = strict({
  service: text,
  path: text.refine(
    (path) => path.startsWith('/') && posix.normalize(path) === path && !path.endsWith('/'),
    'expected an absolute path in the container, without ..',
  ),
  name: text.optional(),
  confirmPhrase: text.optional(),
  uid: number.default(0),
  gid: number.default(0),
  mode: number.max(0o7777).default(0o600),
  passphrase: secretHandle.optional(),
  business: z
    .array(
      strict({
        name: text,
        sql: text,
        url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
        path: text,
        within: duration.default(30),
        bearer: secretHandle.optional(),
      }),
    )
    .readonly()
    .default([]),
})

export function volumeDatabaseOf(
  raw: z.output<typeof volumeDatabaseSchema>,
  stack: Stack,
  bearings: BasePaths,
): VolumeDatabase {
  const { service, path, uid, gid, mode, passphrase, business } = raw
  const name = raw.name ?? posix.basename(path, posix.extname(path))
  return {
    at: { stack, service, path },
    name,
    confirmPhrase: raw.confirmPhrase ?? `restore ${name} on ${bearings.host}`,
    ownership: { uid, gid, mode },
    passphrase: passphrase === undefined ? null : handleOf(passphrase, bearings),
    business: business.map(({ within, bearer, url, ...one }) => ({
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
        bearer: bearer === undefined ? null : handleOf(bearer, bearings),
      },
    })),
  }
}

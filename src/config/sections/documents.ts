import { posix } from 'node:path'
import { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { Documents } from '../../model/sections/documents.ts'
import { absolute, handleOf, type BasePaths } from '../base-paths.ts'
import type { SecretSource } from '../secret.ts'
import { secretHandle, strict, text } from '../values.ts'
import { placeOf, placeShape, type PlaceConfig } from './place.ts'

export type DocumentsConfig = {
  /** The service of the stack in whose volume they lie. Left out: on this machine. */
  readonly service?: string
  /** The folder of them all; absolute where it is a service's. */
  readonly folder: string
  /** Where backups of it arrive: the pattern fits names of folders and of archives. */
  readonly backups: PlaceConfig
  /** For archives that end in `.gpg`. */
  readonly passphrase?: SecretSource
  /** Numbers of the user and group to whom a file belongs that comes back into a volume where none is. Default 0 and 0. */
  readonly uid?: number
  readonly gid?: number
  /** Default 0o644. */
  readonly mode?: number
  /** What must be typed before one is replaced. Default `recover a document on HOST`. */
  readonly confirmPhrase?: string
}

const number = z.int().min(0)

export const documentsSchema = strict({
  service: text.optional(),
  folder: text,
  backups: strict(placeShape),
  passphrase: secretHandle.optional(),
  uid: number.default(0),
  gid: number.default(0),
  mode: number.max(0o777).default(0o644),
  confirmPhrase: text.optional(),
}).refine(
  ({ service, folder }) =>
    service === undefined ||
    (folder.startsWith('/') && posix.normalize(folder) === folder && !folder.endsWith('/')),
  'expected an absolute path in the container, without ..',
)

export function documentsOf(
  raw: z.output<typeof documentsSchema>,
  stackFor: () => Stack,
  bearings: BasePaths,
): Documents {
  const { service, folder, backups, passphrase, uid, gid, mode, confirmPhrase } = raw
  return {
    at:
      service === undefined
        ? { inside: null, path: absolute(folder, bearings) }
        : { inside: { stack: stackFor(), service }, path: folder },
    ownership: { uid, gid, mode },
    backups: placeOf(backups, bearings),
    passphrase: passphrase === undefined ? null : handleOf(passphrase, bearings),
    confirmPhrase: confirmPhrase ?? `recover a document on ${bearings.host}`,
  }
}

import type { BackupPlace } from '../drivers/backups.ts'
import type { SecretHandle } from '../drivers/secrets.ts'
import type { Stack } from '../drivers/services.ts'
import type { Ownership } from '../drivers/volumes.ts'
import { place, placeOf } from './parts/place.ts'
import { section } from './parts/section.ts'
import { isPathInside, nonNegative, secretHandle, strict, text } from './parts/values.ts'

/** A file or folder on this machine or in a service's container. */
export type FilePlace = {
  /** Null: on this machine. */
  readonly inside: { readonly stack: Stack; readonly service: string } | null
  /** Absolute. */
  readonly path: string
}

/** Files that users gave the system to keep: `FOLDER/PROJECT/DOCUMENT.pdf`. */
export type Documents = {
  /** The folder that holds all documents. */
  readonly at: FilePlace
  /** Ownership of a document restored into a volume that has no old file to take it from. */
  readonly ownership: Ownership
  /** Where backups of the folder arrive, as folders or archives. */
  readonly backups: BackupPlace
  /** For archives that end in `.gpg`. */
  readonly passphrase: SecretHandle | null
  /** What an operator must type before a document is replaced. */
  readonly confirmPhrase: string
}

export const documents = section({
  about: 'Files that users gave the system to keep, and where their backups arrive.',
  schema: strict({
    service: text
      .optional()
      .describe('The service of the stack in whose volume the files are.')
      .meta({ otherwise: 'the files are on this machine' }),
    folder: text.describe('The folder that contains them; an absolute path if a service is set.'),
    backups: place.describe(
      'Where backups of the folder arrive; the pattern matches names of folders and of archives.',
    ),
    passphrase: secretHandle
      .optional()
      .describe('Passphrase of archives that end in `.gpg`.')
      .meta({ otherwise: 'encrypted archives are refused' }),
    uid: nonNegative.default(0).describe('UID of a restored file in a volume, if no old file gives it.'),
    gid: nonNegative.default(0).describe('GID of a restored file in a volume, if no old file gives it.'),
    mode: nonNegative
      .max(0o777)
      .default(0o644)
      .describe('Permissions of a restored file in a volume, if no old file gives them.')
      .meta({ shown: '0o644' }),
    confirmPhrase: text
      .optional()
      .describe('What an operator must type before a document is replaced.')
      .meta({ otherwise: '`recover a document on HOST`' }),
  }).refine(
    ({ service, folder }) => service === undefined || isPathInside(folder),
    'expected an absolute path in the container, without ..',
  ),
  example: {
    service: 'api',
    folder: '/data/documents',
    backups: { directory: './backups', pattern: 'documents-{time}.tar.gz' },
  },
  resolve: (raw, context): Documents => {
    const { service, folder, backups, passphrase, uid, gid, mode, confirmPhrase } = raw
    return {
      at:
        service === undefined
          ? { inside: null, path: context.path(folder) }
          : { inside: { stack: context.stack('service'), service }, path: folder },
      ownership: { uid, gid, mode },
      backups: placeOf(backups, context),
      passphrase: context.secret(passphrase),
      confirmPhrase: confirmPhrase ?? `recover a document on ${context.host}`,
    }
  },
})

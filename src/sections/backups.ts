import type { BackupPlace } from '../drivers/backups.ts'
import { placeOf, placeShape } from './parts/place.ts'
import { section } from './parts/section.ts'
import { secretHandle, strict } from './parts/values.ts'

export const backups = section({
  about: "Where the database's dumps arrive. Required to restore anything.",
  schema: strict({
    ...placeShape,
    passphrase: secretHandle
      .optional()
      .describe(
        'Passphrase of encrypted dumps (gpg, age, `openssl enc`); for age also an identity (`AGE-SECRET-KEY-1…`).',
      )
      .meta({ otherwise: 'an encrypted dump is refused' }),
  }),
  example: { directory: './backups', pattern: 'shop_{time}.dump', maxAge: '26h', minBytes: '100KiB' },
  resolve: ({ passphrase, ...raw }, context): BackupPlace => ({
    ...placeOf(raw, context),
    ...(passphrase === undefined ? {} : { decrypt: context.secret(passphrase) }),
  }),
})

import type { BackupPlace } from '../drivers/backups.ts'
import { digestOf } from '../kernel/json.ts'
import { placeOf, placeShape } from './parts/place.ts'
import { section } from './parts/section.ts'
import { storeOf, storeSetting } from './parts/store.ts'
import { secretHandle, size, strict } from './parts/values.ts'

export const backups = section({
  about: "Where the database's dumps arrive. Required to restore anything.",
  schema: strict({
    ...placeShape,
    directory: placeShape.directory
      .optional()
      .meta({ otherwise: 'with `from`, a folder for downloads below the state folder; required without it' }),
    from: storeSetting
      .optional()
      .describe(
        'Where the dumps are kept, if not in a folder of this machine: S3, rclone, restic or Borg. A run downloads the one that it uses into `directory`.',
      )
      .meta({ otherwise: 'they are in `directory`' }),
    cache: size
      .prefault('20GiB')
      .describe(
        'With `from`: the most that downloads may take. The least recently used go first, never one that a run uses.',
      ),
    passphrase: secretHandle
      .optional()
      .describe(
        'Passphrase of encrypted dumps (gpg, age, `openssl enc`); for age also an identity (`AGE-SECRET-KEY-1…`).',
      )
      .meta({ otherwise: 'an encrypted dump is refused' }),
  }),
  example: { directory: './backups', pattern: 'shop_{time}.dump', maxAge: '26h', minBytes: '100KiB' },
  alternatives: [
    { from: { kind: 's3', bucket: 'backups', prefix: 'shop' }, pattern: 'shop_{time}.dump' },
    { from: { kind: 'rclone', remote: 'drive:backups' }, pattern: 'shop_{time}.dump', cache: '5GiB' },
    {
      from: { kind: 'restic', repository: '/srv/restic', password: { env: 'RESTIC_PASSWORD' } },
      pattern: 'shop.dump',
      checksums: 'required',
    },
    {
      from: { kind: 'borg', repository: '/srv/borg', passphrase: { env: 'BORG_PASSPHRASE' } },
      pattern: 'shop.dump',
    },
  ],
  resolve: ({ from, cache, directory, passphrase, ...rest }, context): BackupPlace => {
    const decrypt = passphrase === undefined ? {} : { decrypt: context.secret(passphrase) }
    if (from === undefined) {
      if (directory !== undefined) return { ...placeOf({ ...rest, directory }, context), ...decrypt }
      throw context.unusable(
        'backups has no directory',
        'set backups.directory to the folder of the dumps, or backups.from to where they are kept',
      )
    }
    const store = storeOf(from, context)
    return {
      ...placeOf(
        { ...rest, directory: directory ?? context.stateFolder(`downloads/${digestOf(store).slice(0, 12)}`) },
        context,
      ),
      ...decrypt,
      from: store,
      cacheBytes: cache,
    }
  },
})

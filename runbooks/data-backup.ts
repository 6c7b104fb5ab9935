import { maybe, param, runbook } from '../src/index.ts'
import { checkDestination } from '../steps/backups/check-destination.ts'
import { encryptArchive } from '../steps/backups/encrypt-archive.ts'
import { fileBackup } from '../steps/backups/file-backup.ts'
import { packData } from '../steps/backups/pack-data.ts'
import { pruneBackups } from '../steps/backups/prune-backups.ts'
import { checkKeyFiles } from '../steps/files/check-key-files.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { unpack } from '../steps/files/unpack.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'data-backup',
  {
    title: 'Back up the live data folder',
    when: 'Every night and before risky work: archives the live data folder to the mounted drive, and succeeds only after the archive was restored and read back.',
    needs: ['data', 'staging'],
    remedy: {},
    params: {
      mountCheck: param.flag('Require a mounted drive; a configured drive is checked in any case'),
      encrypt: param.flag(
        'Encrypt the archive with gpg (AES-256) or age, as configured, using the configured passphrase',
      ),
      prune: param.flag('Remove old backups after the new one is stored and verified'),
      keep: param.integer('How many backups --prune keeps, including the new one').optional('as configured'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    // Only steps that encrypt or decrypt get the passphrase, so that a plain backup needs none.
    const { passphrase } = target.data
    const data = { ...target.data, passphrase: null }

    step(
      'Check that the drive is mounted and has free space',
      checkDestination({ data, mountCheck: params.mountCheck }),
      { id: 'check-that-the-drive-is-mounted-and-has-room' },
    )
    const staging = step(
      'Create a staging folder',
      makeStaging({
        under: target.staging,
        folders:
          data.making === undefined ? [] : [{ folder: data.making.source, exclude: data.making.exclude }],
      }),
      { id: 'make-a-staging-folder' },
    )
    const archive = step('Archive the live folder', packData({ data, staging }), {
      id: 'archive-the-live-folder',
    })

    const { true: sealed } = when(params.encrypt, {
      true: () => {
        const encrypted = step(
          'Encrypt the archive',
          encryptArchive({ archive, cipher: data.making?.encryption ?? 'gpg', passphrase }),
          { id: 'encrypt-the-archive' },
        )
        const restored = step(
          'Decrypt and extract the data archive',
          unpack({ archive: encrypted, staging, as: 'restored', passphrase }),
          { id: 'restore-the-encrypted-archive-into-staging' },
        )
        step(
          'Spot-check key files of the decrypted archive',
          checkKeyFiles({ root: restored.root, files: data.keyFiles, unpacked: restored }),
          { id: 'look-at-the-key-files-in-what-was-decrypted' },
        )
        return encrypted
      },
      false: () => {
        const restored = step(
          'Extract the data archive',
          unpack({ archive, staging, as: 'restored', passphrase: null }),
          { id: 'restore-the-archive-into-staging' },
        )
        step(
          'Spot-check key files',
          checkKeyFiles({ root: restored.root, files: data.keyFiles, unpacked: restored }),
          {
            id: 'look-at-the-key-files-in-it',
          },
        )
      },
    })

    const backup = step(
      'Copy the archive to the drive and read it back',
      fileBackup({ data, archive, sealed: maybe(sealed), encrypt: params.encrypt }),
      { id: 'file-it-on-the-drive-and-read-it-back' },
    )

    pointOfNoReturn('The new backup is verified and stays.')
    when(params.prune, {
      true: () =>
        step('Remove old data backups', pruneBackups({ data, newest: backup, keep: params.keep }), {
          id: 'remove-old-backups',
        }),
      false: () => null,
    })

    lastly('Clean up staging', removeStaging({ under: target.staging }), { id: 'empty-staging' })
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(backup.file) }),
      { id: 'log-the-result' },
    )
  },
)

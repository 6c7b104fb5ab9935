import { maybe, param, runbook } from '../src/index.ts'
import { decryptBackup } from '../steps/backups/decrypt-backup.ts'
import { chosenBackup, releaseChosen } from '../steps/backups/fetch-backup.ts'
import { unpackBackup } from '../steps/backups/unpack-backup.ts'
import { verifyBackup } from '../steps/backups/verify-backup.ts'
import { examineBackup } from '../steps/databases/examine-backup.ts'
import { exportRows } from '../steps/databases/export-rows.ts'
import { keepVolumeDatabase } from '../steps/databases/keep-volume-database.ts'
import { mergeRows } from '../steps/databases/merge-rows.ts'
import { requireMissing } from '../steps/databases/require-missing.ts'
import { removeOldFile, swapVolumeDatabase } from '../steps/databases/swap-volume-database.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { approval } from '../steps/people/approval.ts'
import { logResult } from '../steps/records/log-result.ts'
import { startServices } from '../steps/services/start-services.ts'
import { stopServices } from '../steps/services/stop-services.ts'

export default runbook(
  'recover-volume-records',
  {
    title: 'Recover a deleted project (SQLite in a volume)',
    when: 'A project or other rows were deleted by accident from the SQLite database of a service, and everything else is healthy: restores only those rows.',
    needs: ['volumeDatabase', 'backups', 'writers', 'health', 'retention', 'staging'],
    remedy: { key: 'KEY', export: 'FOLDER' },
    params: {
      tables: param
        .text('Tables, each with the column that identifies the lost rows, parents first')
        .default('projects:id,documents:project_id,glossary_entries:project_id'),
      key: param.text(
        'Value of those columns: the id of the lost project or record; several are separated by commas',
      ),
      export: param.path('Folder for the rows of the backup as CSV, one file per table'),
      backup: param.path('Backup to read').optional('the newest one'),
    },
  },
  ({ params, target, step, pointOfNoReturn, lastly }) => {
    const {
      volumeDatabase: { at, name, confirmPhrase, ownership, passphrase, applicationDefines },
      writers: services,
    } = target
    const { tables, key } = params

    const chosen = chosenBackup(step, { from: target.backups, file: params.backup })
    const found = step('Choose and verify the backup', verifyBackup({ ...chosen, kind: 'sqlite' }), {
      id: 'locate-the-backup',
    })
    const staging = step(
      'Create a staging folder',
      makeStaging({
        under: target.staging,
        archives: [{ from: target.backups, file: params.backup, as: 'database' }],
      }),
      { id: 'make-a-staging-folder' },
    )
    const readable = step('Decrypt the backup', decryptBackup({ backup: found, staging, passphrase }), {
      id: 'decrypt-the-backup',
    })
    const database = step(
      'Unpack the backup',
      unpackBackup({
        backup: readable,
        verified: found,
        staging,
        passphrase: target.backups.decrypt ?? passphrase,
      }),
      { id: 'unpack-the-backup' },
    )
    const backup = step(
      'Check backup integrity',
      examineBackup({
        backup: database,
        name,
        assertions: [],
        business: [],
        ...(applicationDefines === undefined ? {} : { applicationDefines }),
      }),
      { id: 'check-the-database-backup' },
    )
    const missing = step('Count the missing rows', requireMissing({ at, backup, tables, key }), {
      id: 'count-the-missing-rows',
    })
    const saved = {
      engine: 'sqlite',
      name: 'backup',
      file: backup.file,
      confirmPhrase: name,
      fingerprint: 'rows',
    } as const
    step(
      'Export the rows of the backup',
      exportRows({
        database: saved,
        copy: { name: 'backup', bytes: backup.bytes },
        tables,
        key,
        folder: params.export,
      }),
      { id: 'export-the-project-and-related-rows' },
    )
    step(
      'Ask the operator',
      approval({
        phrase: confirmPhrase,
        acceptsEnvironment: true,
        showing: {
          database: name,
          service: at.service,
          backup: backup.source,
          taken: maybe(found.taken),
          'vouched for by': maybe(found.vouched),
          tables,
          missing: missing.says,
        },
      }),
      { id: 'ask-the-operator' },
    )

    const writers = step('Stop writers', stopServices({ services }), { id: 'stop-the-application' })
    const kept = step(
      'Back up the live database',
      keepVolumeDatabase({
        at,
        name,
        folder: target.retention.dumps,
        label: 'before-recovery',
        writers,
        services,
      }),
      { id: 'back-up-the-current-database' },
    )
    const merged = step(
      'Insert missing rows into a copy',
      mergeRows({ kept, backup, staging, tables, key }),
      { id: 'insert-what-is-missing-into-a-copy' },
    )
    const swapped = step(
      'Swap the merged copy in',
      swapVolumeDatabase({
        at,
        backup: merged,
        kept,
        writers,
        services,
        ownership,
        keepIn: { folder: target.retention.dumps, name },
      }),
      { id: 'put-the-copy-in-its-place' },
    )
    step('Start writers', startServices({ services }), { id: 'start-services' })
    step('Check health', checkHealth({ checks: target.health }), { id: 'verify-health' })
    pointOfNoReturn('The application answers and the rows are restored.')

    step('Remove the old file from the volume', removeOldFile({ at, swapped, kept }), {
      id: 'remove-the-old-file-from-the-volume',
    })
    releaseChosen(lastly, target.backups)
    lastly('Clean up staging', removeStaging({ under: target.staging }), { id: 'empty-staging' })
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(found.file) }),
      { id: 'log-the-result' },
    )
  },
)

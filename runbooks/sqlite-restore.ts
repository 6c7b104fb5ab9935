import { maybe, param, runbook } from '../src/index.ts'
import { decryptBackup } from '../steps/backups/decrypt-backup.ts'
import { chosenBackup, releaseChosen } from '../steps/backups/fetch-backup.ts'
import { unpackBackup } from '../steps/backups/unpack-backup.ts'
import { verifyBackup } from '../steps/backups/verify-backup.ts'
import { compareLive } from '../steps/databases/compare-live.ts'
import { compareKept } from '../steps/databases/compare-kept.ts'
import { examineBackup } from '../steps/databases/examine-backup.ts'
import { keepVolumeDatabase } from '../steps/databases/keep-volume-database.ts'
import { removeOldFile, swapVolumeDatabase } from '../steps/databases/swap-volume-database.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { checkBusiness } from '../steps/http/check-business.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { approval } from '../steps/people/approval.ts'
import { escalation } from '../steps/people/escalation.ts'
import { afterRollback, beforeRollback } from '../steps/people/lib/around-rollback.ts'
import { checklist } from '../steps/people/lib/checklist.ts'
import { logResult } from '../steps/records/log-result.ts'
import { scanLogs } from '../steps/services/scan-logs.ts'
import { startServices } from '../steps/services/start-services.ts'
import { stopServices } from '../steps/services/stop-services.ts'

export default runbook(
  'sqlite-restore',
  {
    title: 'Database restore from backup (SQLite in a volume)',
    when: 'The SQLite database of a service is corrupt or holds wrong data: "database is locked", failing integrity checks, recent records missing.',
    needs: [
      'volumeDatabase',
      'backups',
      'writers',
      'health',
      'assertions',
      'retention',
      'staging',
      'operators',
    ],
    remedy: {},
    params: {
      backup: param.path('Backup to restore').optional('the newest one'),
      acceptLoss: param
        .text('Tables that the backup lacks and that may be lost, separated by commas, such as invoices')
        .optional('none may be lost'),
    },
  },
  ({ params, target, step, pointOfNoReturn, lastly }) => {
    const {
      volumeDatabase: { at, name, confirmPhrase, ownership, passphrase, business, applicationDefines },
      writers: services,
      assertions,
    } = target

    const chosen = chosenBackup(step, { from: target.backups, file: params.backup })
    const found = step(
      'Choose and verify the backup',
      verifyBackup({ ...chosen, kind: 'sqlite', rpoSeconds: target.objectives.rpoSeconds }),
      {
        id: 'locate-the-backup',
      },
    )
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
        assertions,
        business,
        ...(applicationDefines === undefined ? {} : { applicationDefines }),
      }),
      { id: 'verify-backup-integrity' },
    )
    const foreseen = step(
      'Compare the backup with the running database',
      compareLive({
        at,
        backup,
        name,
        acceptLoss: params.acceptLoss,
        rpoSeconds: target.objectives.rpoSeconds,
      }),
      { id: 'compare-the-backup-with-the-running-database' },
    )
    step(
      'Ask the operator',
      approval({
        phrase: confirmPhrase,
        acceptsEnvironment: true,
        showing: {
          database: name,
          service: at.service,
          file: at.path,
          backup: backup.source,
          taken: maybe(found.taken),
          age: foreseen.age,
          'vouched for by': maybe(found.vouched),
          'compared with live': foreseen.says,
        },
      }),
      { id: 'ask-the-operator' },
    )

    checklist(step, beforeRollback(target.title))
    // Stopped, not removed: without a container nothing can be copied into its volume.
    const writers = step('Stop writers', stopServices({ services }), { id: 'stop-the-application' })
    const kept = step(
      'Back up the live database',
      keepVolumeDatabase({ at, name, folder: target.retention.dumps, label: 'current', writers, services }),
      { id: 'back-up-the-current-database' },
    )
    const compared = step(
      'Compare the backup with the live database',
      compareKept({ kept, backup, name, acceptLoss: params.acceptLoss, shown: foreseen }),
      { id: 'compare-the-backup-with-the-live-database' },
    )
    const swapped = step(
      'Swap the restored database in',
      swapVolumeDatabase({
        at,
        backup,
        kept,
        writers,
        services,
        ownership,
        keepIn: { folder: target.retention.dumps, name },
        compared,
      }),
      { id: 'put-the-backup-in-its-place' },
    )
    step('Start writers', startServices({ services }), { id: 'start-services' })
    step('Check health', checkHealth({ checks: target.health }), { id: 'verify-health' })
    step('Check business data', checkBusiness({ checks: business, backup }), { id: 'verify-data' })
    if (target.logScan !== undefined)
      step('Check the logs for errors', scanLogs({ scan: target.logScan, tooMany: 'tell' }), {
        id: 'check-the-logs-for-errors',
      })
    pointOfNoReturn('The application answers on the restored data.')

    step('Remove the old file from the volume', removeOldFile({ at, swapped, kept }), {
      id: 'remove-the-old-file-from-the-volume',
    })
    checklist(step, afterRollback(target.title))
    releaseChosen(lastly, target.backups)
    lastly('Clean up staging', removeStaging({ under: target.staging }), { id: 'empty-staging' })
    lastly(
      'Print the escalation path',
      escalation({ levels: target.operators.escalation, contacts: target.operators.contacts }),
      { id: 'say-who-is-next' },
    )
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(found.file) }),
      { id: 'log-the-result' },
    )
  },
)

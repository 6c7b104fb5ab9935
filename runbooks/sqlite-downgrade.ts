import { maybe, param, runbook } from '../src/index.ts'
import { examineBackup } from '../steps/databases/examine-backup.ts'
import { keepVolumeDatabase } from '../steps/databases/keep-volume-database.ts'
import { removeOldFile, swapVolumeDatabase } from '../steps/databases/swap-volume-database.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { assessMigrations } from '../steps/migrations/assess-migrations.ts'
import { classifyMigration } from '../steps/migrations/classify-migration.ts'
import { downgradeCopy } from '../steps/migrations/downgrade-copy.ts'
import { duty } from '../steps/people/duty.ts'
import { escalation } from '../steps/people/escalation.ts'
import { logResult } from '../steps/records/log-result.ts'
import { scanLogs } from '../steps/services/scan-logs.ts'
import { startServices } from '../steps/services/start-services.ts'
import { stopServices } from '../steps/services/stop-services.ts'

export default runbook(
  'sqlite-downgrade',
  {
    title: 'Undo a database migration (SQLite in a volume)',
    when: 'A migration failed or created a schema that the application cannot work with, and the rows of the SQLite database must be kept.',
    needs: ['volumeDatabase', 'migrations', 'writers', 'health', 'retention', 'staging'],
    remedy: {},
    params: {
      to: param.text('Revision to downgrade to, or its first characters').optional('one step down'),
      with: param
        .text(
          'Image (NAME:TAG) of the release that applied the migration, if the application is already rolled back: only it can undo it',
        )
        .optional('the image that runs now'),
      empty: param
        .text(
          'Tables whose rows the downgrade refuses to delete ("would delete data"), parents first: emptied before the downgrade, their rows kept in the backup',
        )
        .optional('none is emptied'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    const {
      volumeDatabase: { at, name, ownership, business, applicationDefines },
      migrations: { tool },
      writers: services,
      logScan,
      operators,
    } = target
    const assertions = target.assertions ?? []

    const assessment = step(
      'Identify the current migration',
      assessMigrations({ database: at, tool, image: '{tag}', tag: params.with, to: params.to }),
      { id: 'check-the-current-revision-and-the-last-migrations' },
    )
    const decided = step(
      'Assess whether the migration is backward compatible',
      classifyMigration({ name: 'migration-kind', assessment }),
      { id: 'assess-whether-the-migration-is-backward-compatible' },
    )

    const { breaking } = when(decided.kind, {
      // Kept: only the application is rolled back.
      additive: () => undefined,
      breaking: () => {
        const staging = step(
          'Create a staging folder',
          makeStaging({ under: target.staging, copies: [at] }),
          { id: 'make-a-staging-folder' },
        )
        // Stopped, not removed: without a container nothing can be copied out of its volume.
        const writers = step('Stop writers', stopServices({ services }), {
          id: 'stop-the-api-against-concurrent-writes',
        })
        const kept = step(
          'Back up the live database',
          keepVolumeDatabase({
            at,
            name,
            folder: target.retention.dumps,
            label: 'before-downgrade',
            writers,
            services,
          }),
          { id: 'back-up-the-database-first' },
        )
        const lowered = step(
          'Downgrade a copy and verify its revision',
          downgradeCopy({ at, kept, staging, assessment, empty: params.empty }),
          { id: 'roll-a-copy-back-and-verify-its-revision' },
        )
        const backup = step(
          'Check the downgraded copy',
          examineBackup({
            backup: lowered,
            name,
            assertions,
            business,
            ...(applicationDefines === undefined ? {} : { applicationDefines }),
          }),
          { id: 'verify-the-copy' },
        )
        const swapped = step(
          'Swap the downgraded copy in',
          swapVolumeDatabase({
            at,
            backup,
            kept,
            writers,
            services,
            ownership,
            keepIn: { folder: target.retention.dumps, name },
          }),
          { id: 'put-the-copy-in-the-place-of-the-database' },
        )
        step('Start writers', startServices({ services }), { id: 'start-the-api' })
        step('Check health', checkHealth({ checks: target.health }), { id: 'verify-health' })
        if (logScan !== undefined)
          step('Check the logs for errors', scanLogs({ scan: logScan, tooMany: 'tell' }), {
            id: 'look-through-its-logs',
          })
        return { swapped, kept }
      },
    })
    pointOfNoReturn(
      'The application answers on the schema it expects; data that the migration added exists only in the copy on this machine.',
    )
    when(decided.kind, {
      additive: () => undefined,
      breaking: () =>
        step(
          'Remove the old file from the volume',
          removeOldFile({ at, swapped: breaking.swapped, kept: breaking.kept }),
          { id: 'remove-the-old-file-from-the-volume' },
        ),
    })
    step(
      'Schedule a forward fix',
      duty({
        name: 'forward-fix',
        what: 'Schedule a migration that corrects data and schema and is deployed in the normal rollout order; say where it is tracked.',
      }),
      { id: 'schedule-a-forward-fix' },
    )

    lastly('Clean up staging', removeStaging({ under: target.staging }), { id: 'empty-staging' })
    if (operators !== undefined)
      lastly(
        'Print the escalation path',
        escalation({ levels: operators.escalation, contacts: operators.contacts }),
        {
          id: 'say-who-is-next',
        },
      )
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(assessment.from) }),
      { id: 'log-the-result-in-the-incident-log' },
    )
  },
)

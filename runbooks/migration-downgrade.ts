import { maybe, param, runbook } from '../src/index.ts'
import { setVariable } from '../steps/config/set-variable.ts'
import { dumpDatabase } from '../steps/databases/dump-database.ts'
import { runsInService, startDatabase } from '../steps/databases/start-database.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { fetchImage } from '../steps/images/fetch-image.ts'
import { assessMigrations } from '../steps/migrations/assess-migrations.ts'
import { classifyMigration } from '../steps/migrations/classify-migration.ts'
import { downgradeDatabase } from '../steps/migrations/downgrade-database.ts'
import { requireRevision } from '../steps/migrations/require-revision.ts'
import { duty } from '../steps/people/duty.ts'
import { logResult } from '../steps/records/log-result.ts'
import { chooseTag } from '../steps/releases/choose-tag.ts'
import { startServices } from '../steps/services/start-services.ts'
import { stopServices } from '../steps/services/stop-services.ts'

export default runbook(
  'migration-downgrade',
  {
    title: 'Undo a database migration (production)',
    when: 'A failed deploy applied a migration that the rolled-back application cannot work with, and there is no time for a forward-fix migration.',
    needs: ['version', 'migrations', 'database', 'writers', 'health', 'retention'],
    remedy: { with: 'TAG' },
    params: {
      to: param.text('Revision to downgrade to, or its first characters').optional('one step down'),
      with: param
        .text(
          'Tag of the release that applied the migration, if the application is already rolled back: only its image can undo it',
        )
        .optional('the release that runs now'),
      empty: param
        .text(
          'Tables whose rows the downgrade refuses to delete ("would delete data"), parents first: emptied before the downgrade, their rows kept in the backup',
        )
        .optional('none is emptied'),
      application: param
        .choice(
          'start: the application works with the downgraded schema; roll-back: it is rolled back to --version in the same run',
          ['start', 'roll-back'],
        )
        .default('start'),
      version: param
        .text('Known-good image tag for --application roll-back')
        .optional('the last good one of the deployment history')
        .orFrom('IMAGE_TAG'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    const {
      database,
      writers: services,
      version: pin,
      migrations: { tool },
    } = target

    if (runsInService(database))
      step('Start the database if it is stopped', startDatabase({ database }), { id: 'start-the-database' })
    const assessment = step(
      'Identify the current migration',
      assessMigrations({
        database,
        tool,
        image: pin.image,
        tag: params.with,
        to: params.to,
      }),
      { id: 'identify-the-current-migration-and-those-below' },
    )
    const decided = step(
      'Assess whether the migration is backward compatible',
      classifyMigration({ name: 'migration-kind', assessment }),
      { id: 'assess-whether-the-migration-is-backward-compatible' },
    )

    when(decided.kind, {
      // Kept: only the application is rolled back.
      additive: () => undefined,
      breaking: () => {
        const writers = step('Stop writers', stopServices({ services }), {
          id: 'stop-the-api-so-that-nothing-writes',
        })
        const fallback = step(
          'Dump the live database',
          dumpDatabase({
            database,
            name: database.name,
            folder: target.retention.dumps,
            label: 'before-downgrade',
          }),
          { id: 'back-up-the-tables-first' },
        )
        step(
          'Downgrade the database in isolation',
          downgradeDatabase({ database, assessment, fallback, writers, services, empty: params.empty }),
          { id: 'downgrade-in-isolation-and-verify' },
        )
        when(params.application, {
          start: () => step('Start writers', startServices({ services }), { id: 'start-the-api' }),
          'roll-back': () => {
            const chosen = step(
              'Choose the known-good version',
              chooseTag({
                pin,
                to: params.version,
                from: 'history',
                history: target.deployments?.history ?? null,
              }),
              { id: 'choose-the-known-good-version' },
            )
            const image = step('Pull the image', fetchImage({ image: chosen.image, when: pin.pull }), {
              id: 'pull-its-image',
            })
            step(
              'Check that the image contains the database revision',
              requireRevision({ database, tool: { ...tool, image: image.image }, schema: 'fits' }),
              { id: 'confirm-that-it-contains-the-revision-of-the-database' },
            )
            const pinned = step(
              'Set the image tag in the env file',
              setVariable({
                file: pin.file,
                name: pin.variable,
                value: chosen.tag,
                scope: { services: pin.services, of: 'tag' },
              }),
              { id: 'pin-the-version' },
            )
            step(
              'Bring up the services',
              bringUp({ proof: 'image', services: pin.services, release: image, choice: pinned }),
              { id: 'bring-up-the-services' },
            )
          },
        })
        step('Check health', checkHealth({ checks: target.health }), {
          id: 'check-health-and-that-the-migrations-are-current',
        })
      },
    })
    pointOfNoReturn(
      'The application answers on the schema it expects; data that the migration added exists only in the dump.',
    )
    step(
      'Schedule a forward fix',
      duty({
        name: 'forward-fix',
        what: 'Schedule a migration that corrects data and schema and is deployed in the normal rollout order; say where it is tracked.',
      }),
      { id: 'schedule-a-forward-fix' },
    )

    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(assessment.from) }),
      { id: 'log-the-result-in-the-incident-log' },
    )
  },
)

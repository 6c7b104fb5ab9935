import { param, runbook } from '../src/index.ts'
import { findCopy } from '../steps/config/find-copy.ts'
import { restoreCopy, restoreCopyInContainer } from '../steps/config/restore-copy.ts'
import { reloadPostgres } from '../steps/databases/reload-postgres.ts'
import { validatePgHba } from '../steps/databases/validate-pg-hba.ts'
import { checkHealthBySchema } from '../steps/http/check-health.ts'
import { requireRevision } from '../steps/migrations/require-revision.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { approval } from '../steps/people/approval.ts'
import { logResult } from '../steps/records/log-result.ts'
import { restartDocker } from '../steps/services/restart-docker.ts'
import { startServices } from '../steps/services/start-services.ts'
import { validateComposeFile } from '../steps/services/validate-compose-file.ts'
import { validateDaemonSettings } from '../steps/services/validate-daemon-settings.ts'

export default runbook(
  'auth-rollback',
  {
    title: 'Network / auth rollback',
    when: 'An edit of pg_hba.conf locked the application out, the Docker daemon does not start with its settings, or an edit of the Compose file broke the stack.',
    needs: ['access', 'health'],
    remedy: { what: 'WHAT' },
    params: {
      what: param.choice('What was edited: pg_hba.conf, daemon.json of Docker, or the Compose file', [
        'pg-hba',
        'daemon',
        'compose',
      ]),
      from: param
        .text(
          'Copy to restore: a file name in the folder of the file, or an absolute path (for pg_hba.conf: in its container)',
        )
        .optional('the name of the file plus .bak'),
      schema: param
        .choice(
          'With migrations configured, of the Compose file: fits: the images that it names must contain the database revision; ahead: newer migrations are additive and are kept',
          ['fits', 'ahead'],
        )
        .default('fits'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    const { pgHba, daemon, composeFile, stack, services } = target.access
    const { from, what } = params
    const { database, migrations } = target

    step(
      'Ask the operator',
      approval({
        phrase: `put back the access of ${target.name}`,
        acceptsEnvironment: true,
        showing: { what, from },
      }),
      { id: 'ask-the-operator' },
    )
    when(what, {
      'pg-hba': () => {
        const home = { stack, service: pgHba.login.via.service }
        const found = step(
          'Find the copy of pg_hba.conf',
          findCopy({ file: pgHba.file, home, from, holds: 'rules' }),
          { id: 'find-the-copy-of-pg-hba-conf' },
        )
        const copy = step(
          'Validate pg_hba.conf in a throwaway Postgres',
          validatePgHba({ copy: found, pgHba }),
          {
            id: 'have-a-throwaway-postgres-judge-it',
          },
        )
        const edited = step('Replace pg_hba.conf (keep a copy)', restoreCopyInContainer({ copy }), {
          id: 'put-it-in-place-and-keep-the-present-pg-hba-conf',
        })
        step('Reload Postgres and log in as the application', reloadPostgres({ pgHba, edited }), {
          id: 'have-postgres-read-it-and-log-in-as-the-application',
        })
      },
      daemon: () => {
        const found = step(
          'Find the copy of daemon.json',
          findCopy({ file: daemon.file, home: null, from, holds: 'json' }),
          { id: 'find-the-copy-of-daemon-json' },
        )
        const copy = step('Validate daemon.json with dockerd', validateDaemonSettings({ copy: found }), {
          id: 'have-dockerd-judge-it',
        })
        const edited = step('Replace daemon.json (keep a copy)', restoreCopy({ copy }), {
          id: 'put-it-in-place-and-keep-the-present-daemon-json',
        })
        step('Restart Docker', restartDocker({ daemon, stack, edited }), {
          id: 'restart-docker-and-see-that-it-answers',
        })
        step('Start remaining services', startServices({ services }), {
          id: 'start-what-did-not-come-up-with-it',
        })
      },
      compose: () => {
        const found = step(
          'Find the copy of the Compose file',
          findCopy({ file: composeFile, home: null, from, holds: 'compose' }),
          { id: 'find-the-copy-of-the-compose-file' },
        )
        const copy = step(
          'Validate the Compose file',
          validateComposeFile({ copy: found, stack, services }),
          {
            id: 'have-compose-judge-it',
          },
        )
        const edited = step('Replace the Compose file (keep a copy)', restoreCopy({ copy }), {
          id: 'put-it-in-place-and-keep-the-present-compose-file',
        })
        // The file may name an older image. No container runs it yet, and the database may be what is down.
        if (database !== undefined && migrations !== undefined)
          step(
            'Check that the image contains the database revision',
            requireRevision({ database, tool: migrations.tool, schema: params.schema, unknown: 'report' }),
            { id: 'check-that-the-image-contains-the-database-revision' },
          )
        step('Bring up the services', bringUp({ proof: 'declaration', services, copy, choice: edited }), {
          id: 'bring-the-stack-up-with-it',
        })
      },
    })
    // Locking everyone out again would not fix whatever is still wrong after this point.
    pointOfNoReturn('Access works again.')
    checkHealthBySchema({ step, when }, target.health, {
      schema: params.schema,
      readyField: database === undefined || migrations === undefined ? null : migrations.readyField,
      ids: { fits: 'check-health', ahead: 'check-health-with-the-kept-migration' },
    })

    lastly('Log the result', logResult({ checklist: target.checklist?.file ?? null, about: from }), {
      id: 'log-the-result',
    })
  },
)

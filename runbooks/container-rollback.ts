import { maybe, param, runbook } from '../src/index.ts'
import { keepFile } from '../steps/config/keep-file.ts'
import { setImage } from '../steps/config/set-image.ts'
import { keepVolumeDatabase } from '../steps/databases/keep-volume-database.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { fetchImage } from '../steps/images/fetch-image.ts'
import { runningVersion } from '../steps/images/running-version.ts'
import { requireRevision } from '../steps/migrations/require-revision.ts'
import { escalation } from '../steps/people/escalation.ts'
import { afterRollback, beforeRollback } from '../steps/people/lib/around-rollback.ts'
import { checklist } from '../steps/people/lib/checklist.ts'
import { chooseVersion } from '../steps/records/choose-version.ts'
import { logResult } from '../steps/records/log-result.ts'
import { recordDeployment } from '../steps/records/record-deployment.ts'
import { awaitHealthy } from '../steps/services/await-healthy.ts'
import { scanLogs } from '../steps/services/scan-logs.ts'
import { stopServices } from '../steps/services/stop-services.ts'

export default runbook(
  'container-rollback',
  {
    title: 'Container rollback to a previous version',
    when: 'The application crashes after a deployment: it answers 500, its health check fails, or its container restarts repeatedly.',
    needs: [
      'deployments',
      'imageLine',
      'writers',
      'volumeDatabase',
      'configuration',
      'retention',
      'health',
      'logScan',
      'operators',
    ],
    remedy: {},
    params: {
      to: param
        .text('Version to roll back to, such as 0.0.9-def5678')
        .optional('the last good one of the deployment history, or the newest older image'),
      schema: param
        .choice(
          'With migrations configured: fits: the version must contain the database revision; ahead: newer migrations are additive and are kept',
          ['fits', 'ahead'],
        )
        .default('fits'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    const {
      deployments: { history },
      imageLine: { services, file },
      writers,
      volumeDatabase: { at, name },
      configuration,
      retention: { dumps: folder },
      operators,
    } = target

    const running = step('Identify the current version', runningVersion({ services }), {
      id: 'identify-the-current-version',
    })
    const version = step(
      'Identify the previous version',
      chooseVersion({ history, running: running.version, to: params.to, services }),
      { id: 'identify-the-previous-version' },
    )
    const release = step('Pull the image', fetchImage({ services, tags: version.tags, when: 'missing' }), {
      id: 'pull-the-previous-image-if-it-is-not-cached',
    })
    const { migrations } = target
    if (migrations !== undefined)
      when(params.schema, {
        fits: () =>
          void step(
            'Check that the image contains the database revision',
            // Only the image that crashes can read the level of its database: where it cannot, health decides.
            requireRevision({
              database: at,
              tool: { ...migrations.tool, image: release.image },
              schema: 'fits',
              unknown: 'report',
            }),
            { id: 'check-that-the-image-contains-the-database-revision' },
          ),
        // Nothing is run, since the tool may hang in a service whose entrypoint ignores its command.
        ahead: () => undefined,
      })
    checklist(step, beforeRollback(target.title))

    step('Back up the current configuration', keepFile({ file: configuration.file, folder }), {
      id: 'back-up-the-current-configuration',
    })
    // Stopped, not removed: without a container nothing can be copied out of its volume. What differs is
    // recreated in the end.
    const stopped = step('Stop writers', stopServices({ services: writers }), {
      id: 'stop-the-current-containers',
    })
    step(
      'Back up the live database',
      keepVolumeDatabase({ at, name, folder, label: 'pre-rollback', writers: stopped, services: writers }),
      { id: 'back-up-the-current-database' },
    )
    const edited = step('Set the image in the Compose file', setImage({ file, services, release, running }), {
      id: 'update-the-image-version-in-the-compose-file',
    })
    step('Bring up the services', bringUp({ proof: 'image', services, release, choice: edited }), {
      id: 'start-with-the-previous-version',
    })
    step('Wait for healthy containers', awaitHealthy({ services }), { id: 'wait-for-the-health-check' })
    step('Check health', checkHealth({ checks: target.health }), {
      id: 'check-health-and-a-sample-request',
    })
    step('Check the logs for errors', scanLogs({ scan: target.logScan, tooMany: 'tell' }), {
      id: 'check-the-logs-for-errors',
    })
    pointOfNoReturn('The previous version runs and answers.')

    checklist(step, afterRollback(target.title))
    lastly(
      'Update the deployment history',
      recordDeployment({
        history,
        to: maybe(release.tag),
        from: maybe(running.version),
        tried: maybe(edited.after),
      }),
      { id: 'update-the-deployment-history' },
    )
    lastly(
      'Print the escalation path',
      escalation({ levels: operators.escalation, contacts: operators.contacts }),
      {
        id: 'say-who-is-next',
      },
    )
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(release.image) }),
      { id: 'log-the-result' },
    )
  },
)

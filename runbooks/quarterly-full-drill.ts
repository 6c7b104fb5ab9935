import { maybe, param, runbook } from '../src/index.ts'
import { checkReplacement } from '../steps/backups/check-replacement.ts'
import { moveAside, putInPlace, putLiveBack } from '../steps/backups/live-folder.ts'
import { verifyBackup } from '../steps/backups/verify-backup.ts'
import { checkKeyFiles } from '../steps/files/check-key-files.ts'
import { runCommand } from '../steps/files/run-command.ts'
import { runUnpacked } from '../steps/files/run-unpacked.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { unpack } from '../steps/files/unpack.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { approval } from '../steps/people/approval.ts'
import { duty } from '../steps/people/duty.ts'
import { logResult } from '../steps/records/log-result.ts'
import { deployBundle, putReleaseBack } from '../steps/releases/deploy-bundle.ts'
import { startServices } from '../steps/services/start-services.ts'
import { stopServices } from '../steps/services/stop-services.ts'

export default runbook(
  'quarterly-full-drill',
  {
    title: 'Quarterly full drill',
    when: 'Once a quarter, at a time when the service may be down: proves that it starts on the latest data archive and the latest release bundle, and puts everything back.',
    needs: ['bundle', 'data', 'staging', 'drill', 'health'],
    params: {
      archive: param.path('Data archive to restore').optional('the newest one'),
      bundle: param.path('Release bundle to deploy').optional('the newest one'),
      afterwards: param
        .choice(
          'What stays after the smoke tests pass: the previous live state (put-back) or the restored one',
          ['put-back', 'keep-restored'],
        )
        .default('put-back'),
    },
  },
  ({ params, target, step, parallel, when, pointOfNoReturn, lastly }) => {
    const { bundle, drill, staging: under } = target
    const { services, into, keep } = drill
    const { passphrase } = target.data
    const data = { ...target.data, passphrase: null }

    const [release, archive] = parallel(
      'Verify checksums',
      () =>
        [
          step(
            'Choose and verify the release bundle',
            verifyBackup({ from: bundle.place, file: params.bundle }),
            { id: 'choose-and-verify-the-release-bundle' },
          ),
          step(
            'Choose and verify the data archive',
            verifyBackup({
              from: data.place,
              file: params.archive,
              passphrase,
              folder: data.making?.source ?? null,
            }),
            { id: 'choose-and-verify-the-data-archive' },
          ),
        ] as const,
    )
    step(
      'Ask the operator',
      approval({
        phrase: `drill ${target.name}`,
        acceptsEnvironment: true,
        showing: {
          archive: archive.file,
          bundle: release.file,
          live: data.making?.source ?? null,
          afterwards: params.afterwards,
        },
      }),
      { id: 'ask-the-operator' },
    )

    // While the service still runs, so that a failure here costs no downtime.
    const staging = step(
      'Create a staging folder',
      makeStaging({
        under,
        archives: [
          { from: data.place, file: params.archive },
          { from: bundle.place, file: params.bundle },
        ],
      }),
      { id: 'make-a-staging-folder' },
    )
    const restored = step('Extract the data archive', unpack({ archive, staging, as: 'data', passphrase }), {
      id: 'restore-the-archive-into-staging',
    })
    step(
      'Spot-check key files',
      checkKeyFiles({ root: restored.root, files: data.keyFiles, unpacked: restored }),
      {
        id: 'spot-check-key-files',
      },
    )
    const unpacked = step(
      'Extract the release bundle',
      unpack({ archive: release, staging, as: 'bundle', passphrase: null }),
      { id: 'extract-the-release-bundle' },
    )
    const code = step(
      'Install production dependencies',
      runUnpacked({
        code: unpacked,
        argv: bundle.install,
        environment: bundle.environment,
        again: release,
      }),
      { id: 'install-production-dependencies' },
    )
    const checked = step(
      'Check that bundle and data are compatible',
      checkReplacement({ data, restored, code, into, keep, spared: [under, bundle.place.directory] }),
      { id: 'see-that-both-fit' },
    )

    const stopped = step('Stop services', stopServices({ services }), {
      id: 'stop-the-running-service',
    })
    const aside = step(
      'Move the live data aside',
      moveAside({ data, restored, stopped, services, checked }),
      {
        id: 'move-the-live-data-aside',
      },
    )
    step('Put the restored data in place', putInPlace({ aside, services }), {
      id: 'put-the-restored-data-in-its-place',
    })
    const deployed = step(
      'Deploy the release bundle',
      deployBundle({
        code,
        into,
        keep,
        apart: data.making === undefined ? [] : [data.making.source],
        stopped,
        services,
        checked,
      }),
      { id: 'redeploy-from-the-release-bundle' },
    )
    step('Start services', startServices({ services }), { id: 'start-the-service' })
    step('Check health', checkHealth({ checks: target.health }), { id: 'check-health' })
    step(
      'Run smoke tests',
      runCommand({
        argv: drill.smoke,
        directory: into,
        environment: drill.environment,
        within: 'smoke test',
      }),
      { id: 'run-smoke-tests' },
    )

    when(params.afterwards, {
      'put-back': () => {
        const again = step('Stop services on the restored data', stopServices({ services }), {
          id: 'stop-the-service-on-the-restored-data',
        })
        step('Put the live data back', putLiveBack({ aside, stopped: again, services }), {
          id: 'put-the-live-data-back',
        })
        step('Put the live release back', putReleaseBack({ deployed, stopped: again, services }), {
          id: 'put-the-release-back',
        })
      },
      'keep-restored': () => undefined,
    })

    pointOfNoReturn('The drill is complete: the data and release to keep are in place.')
    when(params.afterwards, {
      'put-back': () => {
        step('Start services on the live data', startServices({ services }), {
          id: 'start-the-service-on-its-own-data',
        })
        step('Check health on the live data', checkHealth({ checks: target.health }), {
          id: 'check-health-once-more',
        })
      },
      'keep-restored': () => undefined,
    })
    step(
      'Document the outcome',
      duty({
        name: 'outcome',
        what: 'Document the outcome of the drill in the story, and what to fix before the next one',
      }),
      { id: 'document-the-outcome' },
    )

    lastly('Clean up staging', removeStaging({ under }), { id: 'empty-staging' })
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(archive.file) }),
      { id: 'log-the-result' },
    )
  },
)

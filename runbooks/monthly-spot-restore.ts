import { maybe, param, runbook } from '../src/index.ts'
import { verifyBackup } from '../steps/backups/verify-backup.ts'
import { checkKeyFiles } from '../steps/files/check-key-files.ts'
import { runUnpacked } from '../steps/files/run-unpacked.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { unpack } from '../steps/files/unpack.ts'
import { logResult } from '../steps/records/log-result.ts'
import { reportUntested } from '../steps/records/report-untested.ts'

export default runbook(
  'monthly-spot-restore',
  {
    title: 'Monthly spot restore (verification)',
    when: 'Once a month and before relying on a new backup location: proves that the newest release bundle starts and the newest data archive restores.',
    needs: ['bundle', 'data', 'staging'],
    params: {
      bundle: param.path('Release bundle to verify').optional('the newest one'),
      archive: param.path('Data archive to verify').optional('the newest one'),
    },
  },
  ({ params, target, step, parallel, lastly }) => {
    const { bundle, data } = target

    const [release, backup] = parallel(
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
              passphrase: data.passphrase,
              folder: data.making?.source ?? null,
            }),
            { id: 'choose-and-verify-the-data-archive' },
          ),
        ] as const,
    )

    const staging = step(
      'Create a staging folder',
      makeStaging({
        under: target.staging,
        archives: [
          { from: data.place, file: params.archive },
          { from: bundle.place, file: params.bundle },
        ],
      }),
      { id: 'make-a-staging-folder' },
    )
    const unpacked = step(
      'Extract the release bundle',
      unpack({ archive: release, staging, as: 'bundle', passphrase: null }),
      { id: 'extract-the-release-bundle' },
    )
    const files = step(
      'Extract the data archive',
      unpack({ archive: backup, staging, as: 'data', passphrase: data.passphrase }),
      { id: 'extract-the-data-archive' },
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
    if (bundle.dryRun === null)
      step(
        'Report that the start is not tested',
        reportUntested({ what: 'whether the release starts', setting: 'bundle.dryRun' }),
        { id: 'report-that-the-start-is-not-tested' },
      )
    else
      step(
        'Start the release in dry-run mode',
        runUnpacked({ code, argv: bundle.dryRun, environment: bundle.environment, again: null }),
        { id: 'start-the-release-with-its-dry-run-switch' },
      )
    step('Spot-check key files', checkKeyFiles({ root: files.root, files: data.keyFiles, unpacked: files }), {
      id: 'spot-check-key-files',
    })

    lastly('Clean up staging', removeStaging({ under: target.staging }), { id: 'empty-staging' })
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(backup.file) }),
      { id: 'log-the-result' },
    )
  },
)

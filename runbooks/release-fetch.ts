import { maybe, param, runbook } from '../src/index.ts'
import { logResult } from '../steps/records/log-result.ts'
import { downloadRelease } from '../steps/releases/download-release.ts'
import { verifyRelease } from '../steps/releases/verify-release.ts'

export default runbook(
  'release-fetch',
  {
    title: 'Fetch a published release',
    when: 'Before a spot restore and on a new host: downloads the bundle of the latest GitHub Release with its lock file and checksum, and verifies it.',
    needs: ['release', 'publication'],
    params: {
      release: param.text('Version (tag name) to fetch').optional('the latest one').orFrom('TAG'),
    },
  },
  ({ params, target, step, lastly }) => {
    const { release, publication: host } = target

    const fetched = step('Download the release', downloadRelease({ host, release, tag: params.release }), {
      id: 'download-the-release',
      retry: { times: 2, delaySeconds: 1 },
    })
    step('Verify the bundle against its lock file', verifyRelease({ lock: fetched.lock }), {
      id: 'verify-the-bundle-against-its-lock-file-and-sha256sums',
    })

    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(fetched.file) }),
      { id: 'log-the-result' },
    )
  },
)

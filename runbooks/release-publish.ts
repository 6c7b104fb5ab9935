import { param, runbook } from '../src/index.ts'
import { chooseBundle } from '../steps/releases/choose-bundle.ts'
import { draftRelease } from '../steps/releases/draft-release.ts'
import { publishRelease } from '../steps/releases/publish-release.ts'
import { readAssets } from '../steps/releases/read-assets.ts'
import { uploadAssets } from '../steps/releases/upload-assets.ts'
import { verifyRelease } from '../steps/releases/verify-release.ts'
import { writeReleaseUrl } from '../steps/releases/write-release-url.ts'

export default runbook(
  'release-publish',
  {
    title: 'Publish a release snapshot',
    when: 'A release snapshot was created and its tag is pushed: publishes the bundle, its lock file and SHA256SUMS as a GitHub Release, from a build server or by hand.',
    needs: ['release', 'publication'],
    params: {
      release: param
        .text('Version (tag name) to publish')
        .optional('that of the newest bundle')
        .orFrom('TAG'),
      includeSecrets: param.flag('Publish a bundle that holds files with credentials, such as .env'),
    },
  },
  ({ params, target, step, pointOfNoReturn }) => {
    const { release, publication: host } = target

    const bundle = step(
      'Choose the bundle',
      chooseBundle({
        release,
        host,
        version: params.release,
        includeSecrets: params.includeSecrets,
      }),
      {
        id: 'choose-the-bundle',
      },
    )
    const verified = step('Verify the bundle against its lock file', verifyRelease({ lock: bundle.lock }), {
      id: 'verify-the-bundle-against-its-lock-file',
    })
    const draft = step('Draft the GitHub Release', draftRelease({ host, bundle, verified }), {
      id: 'make-a-draft-of-the-github-release',
    })
    const lock = step(
      'Write the release URL into the lock file',
      writeReleaseUrl({ lock: bundle.lock, draft }),
      { id: 'write-the-address-of-the-release-into-the-lock-file' },
    )
    const uploaded = step(
      'Upload the bundle, its lock file and SHA256SUMS',
      uploadAssets({ host, draft, bundle: verified, lock }),
      { id: 'upload-the-bundle-its-lock-file-and-sha256sums' },
    )
    const read = step('Read back the uploaded files', readAssets({ host, draft, uploaded }), {
      id: 'read-back-what-was-uploaded',
    })
    step('Publish the release', publishRelease({ host, draft, read }), { id: 'publish-the-release' })
    pointOfNoReturn('The release is published: watchers of the repository are notified.')
  },
)

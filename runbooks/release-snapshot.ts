import { param, runbook } from '../src/index.ts'
import { packRelease } from '../steps/releases/pack-release.ts'
import { pruneReleases } from '../steps/releases/prune-releases.ts'
import { readSources } from '../steps/releases/read-sources.ts'
import { recordRelease } from '../steps/releases/record-release.ts'
import { tagReleaseImage } from '../steps/releases/tag-release-image.ts'
import { verifyRelease } from '../steps/releases/verify-release.ts'

export default runbook(
  'release-snapshot',
  {
    title: 'Create a release snapshot',
    when: 'Before a release is published or a risky change begins: packs the tracked sources into a bundle from which the stack can be set up again.',
    needs: ['release'],
    remedy: {},
    params: {
      release: param
        .text('Version to release, such as v1.0.1')
        .optional('the version tag of the commit, else git-COMMIT'),
      keep: param.integer('How many bundles --prune keeps').optional('as configured'),
      prune: param.flag('Remove older bundles with their lock files at the end'),
      dockerImage: param
        .text('Local image to tag with the version as well, such as codex-completions-api:latest')
        .optional('no image is tagged'),
      allowDirty: param.flag('Pack the working tree even if it differs from the commit'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn }) => {
    const { release } = target
    const { keep, prune, allowDirty } = params

    const sources = step(
      'Inspect the sources',
      readSources({ release, version: params.release, allowDirty }),
      { id: 'look-at-the-sources' },
    )
    const bundle = step('Pack the tracked sources', packRelease({ release, sources, allowDirty }), {
      id: 'pack-the-tracked-sources',
    })
    const image = step('Tag the Docker image', tagReleaseImage({ image: params.dockerImage, sources }), {
      id: 'tag-the-docker-image',
    })
    const recorded = step(
      'Write the lock file and SHA256SUMS',
      recordRelease({ release, sources, bundle, dockerTag: image.tag, keep, prune }),
      { id: 'write-the-lock-file-and-sha256sums' },
    )
    const whole = step('Verify the bundle against its lock file', verifyRelease({ lock: recorded.lock }), {
      id: 'verify-the-bundle-against-its-lock-file',
    })
    pointOfNoReturn('The bundle matches its lock file and SHA256SUMS.')

    when(prune, {
      true: () =>
        step('Remove old bundles', pruneReleases({ release, keep, newest: whole.lock }), {
          id: 'prune-older-bundles',
        }),
      false: () => undefined,
    })
  },
)

import { maybe, param, runbook } from '../src/index.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { requireImages } from '../steps/deployment/require-images.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { chooseImage } from '../steps/images/choose-image.ts'
import { loadImages } from '../steps/images/load-images.ts'
import { tagImages } from '../steps/images/tag-images.ts'
import { requireRevision } from '../steps/migrations/require-revision.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'stack-rollback',
  {
    title: 'Stack rollback (images of prod and dev)',
    when: 'A rebuild or deployment of prod or dev went wrong, and the previous image must run again.',
    needs: ['images'],
    remedy: { env: 'ENVIRONMENT' },
    params: {
      env: param.choice('Which environment to roll back', ['prod', 'dev', 'both']),
      fromLock: param.path('Lock file of a snapshot').optional('the newest snapshot'),
      snapshot: param
        .text('Time of an earlier snapshot, such as 20250912-235129Z')
        .optional('the newest snapshot'),
      imageId: param.text('Id of the image, sha256:…').optional('the image of the snapshot'),
      tag: param.text('Name of the image, NAME:TAG').optional('the image of the snapshot'),
      schema: param
        .choice(
          'With migrations configured: fits: the image must contain the database revision; ahead: newer migrations are additive and are kept',
          ['fits', 'ahead'],
        )
        .default('fits'),
    },
  },
  ({ params, target, step, when, lastly }) => {
    const { database, migrations, images } = target
    const wanted = step(
      'Choose the images to roll back to',
      chooseImage({
        images: target.images,
        env: params.env,
        fromLock: params.fromLock,
        snapshot: params.snapshot,
        imageId: params.imageId,
        tag: params.tag,
      }),
      { id: 'choose-the-images-to-go-back-to' },
    )
    const { names } = step('Load missing images from tar files', loadImages({ wanted }), {
      id: 'load-missing-images-from-their-tar-backups',
    })
    const tagged = step('Retag the images', tagImages({ names }), { id: 'retag-the-canonical-tags' })
    if (database !== undefined && migrations !== undefined) {
      const { tool } = migrations
      const migrated = images.environments.find(
        ({ stack, service }) => stack.project === tool.stack.project && service === tool.service,
      )
      // The image that the stack's files name is by now the one to roll back to; no container runs it yet.
      const requireSchema = (env: string) => (): void => {
        if (migrated === undefined || ![migrated.name, 'both'].includes(env)) return
        step(
          `Check that the image contains the database revision (${env})`,
          requireRevision({ database, tool, schema: params.schema }),
          { id: `check-that-the-image-contains-the-database-revision-${env}` },
        )
      }
      when(params.env, {
        prod: requireSchema('prod'),
        dev: requireSchema('dev'),
        both: requireSchema('both'),
      })
    }
    step('Bring up the services', bringUp({ proof: 'image', wanted, choice: tagged }), {
      id: 'bring-up-the-services-without-building',
    })
    step('Check health', checkHealth({ checks: wanted.health }), { id: 'check-health' })
    step('Verify running image ids', requireImages({ wanted, names }), {
      id: 'verify-by-image-id-what-runs',
    })

    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(wanted.told) }),
      { id: 'log-the-result' },
    )
  },
)

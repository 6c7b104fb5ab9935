import { param, runbook, type Wired } from '../src/index.ts'
import { setVariable } from '../steps/config/set-variable.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { checkHealthBySchema } from '../steps/http/check-health.ts'
import { chooseRelease, type ChosenRelease } from '../steps/images/choose-release.ts'
import { retagImages } from '../steps/images/retag-images.ts'
import { requireRevision } from '../steps/migrations/require-revision.ts'
import { logResult } from '../steps/records/log-result.ts'
import { chooseFolder } from '../steps/releases/choose-folder.ts'
import { switchFolder } from '../steps/releases/switch-folder.ts'

export default runbook(
  'rapid-rollback',
  {
    title: 'Rapid rollback (app only)',
    when: 'A deploy broke the application while the data is intact: brings the previous release back in minutes and does not touch the database.',
    needs: ['app', 'health'],
    remedy: { to: 'TAG' },
    params: {
      to: param.text(
        'Release to roll back to: the tag of its images, or the name of its folder if releases are folders',
      ),
      schema: param
        .choice(
          'With migrations configured: fits: the release must contain the database revision; ahead: newer migrations are additive and are kept',
          ['fits', 'ahead'],
        )
        .default('fits'),
    },
  },
  ({ params, target, step, when, lastly }) => {
    const { app: services, version: pin, releaseFolders: folders, database, migrations } = target
    const { schema } = params
    /** Of the image in the stack's files, where the release does not choose images. */
    const requireSchema = (images?: Wired<ChosenRelease['images']>): void => {
      if (database === undefined || migrations === undefined) return
      const { tool } = migrations
      step(
        'Check that the release contains the database revision',
        requireRevision(
          images === undefined ? { database, tool, schema } : { database, tool, images, schema },
        ),
        { id: 'check-that-the-release-contains-the-database-revision' },
      )
    }

    if (folders !== undefined) {
      const release = step(
        'Find the folder of the previous release',
        chooseFolder({ folders, name: params.to }),
        { id: 'find-the-folder-of-the-previous-release' },
      )
      const link = step('Switch the release symlink', switchFolder({ folders, release }), {
        id: 'let-the-link-lead-to-that-release',
      })
      // One-off containers see the release that the link points at.
      requireSchema()
      step('Bring up the services', bringUp({ proof: 'file', services, folders, release, choice: link }), {
        id: 'bring-the-previous-release-up',
      })
    } else if (pin !== undefined) {
      const release = step(
        'Find the images of the previous release',
        chooseRelease({ services, tag: params.to, pin }),
        { id: 'find-the-images-of-the-previous-release' },
      )
      requireSchema(release.images)
      const edited = step(
        'Set the image tag in the env file',
        setVariable({
          file: pin.file,
          name: pin.variable,
          value: params.to,
          chosen: release,
          scope: { services, of: 'tag' },
        }),
        { id: 'pick-that-release-in-the-env-file' },
      )
      step('Bring up the services', bringUp({ proof: 'image', services, release, choice: edited }), {
        id: 'bring-the-previous-release-up',
      })
    } else {
      const release = step(
        'Find the images of the previous release',
        chooseRelease({ services, tag: params.to, pin: null }),
        { id: 'find-the-images-of-the-previous-release' },
      )
      requireSchema(release.images)
      const names = step('Retag images to the release', retagImages({ release }), {
        id: 'let-the-stack-mean-that-release',
      })
      step('Bring up the services', bringUp({ proof: 'image', services, release, choice: names }), {
        id: 'bring-the-previous-release-up',
      })
    }
    checkHealthBySchema({ step, when }, target.health, {
      schema,
      readyField: database === undefined || migrations === undefined ? null : migrations.readyField,
      ids: {
        fits: 'check-health-and-that-the-frontend-loads',
        ahead: 'check-health-with-the-kept-migration',
      },
    })

    lastly('Log the result', logResult({ checklist: target.checklist?.file ?? null, about: params.to }), {
      id: 'log-the-result',
    })
  },
)

import { maybe, param, runbook } from '../src/index.ts'
import { setVariable } from '../steps/config/set-variable.ts'
import { bringUp } from '../steps/deployment/bring-up.ts'
import { checkHealthBySchema } from '../steps/http/check-health.ts'
import { fetchImage } from '../steps/images/fetch-image.ts'
import { requireRevision } from '../steps/migrations/require-revision.ts'
import { duty } from '../steps/people/duty.ts'
import { logResult } from '../steps/records/log-result.ts'
import { recordDeployment } from '../steps/records/record-deployment.ts'
import { chooseTag } from '../steps/releases/choose-tag.ts'

export default runbook(
  'version-rollback',
  {
    title: 'Roll back the application version (production)',
    when: 'A production deploy must be rolled back: the new version misbehaves, and the database can stay as it is.',
    needs: ['version', 'migrations', 'database', 'health'],
    remedy: { to: 'TAG' },
    params: {
      to: param
        .text('Last known-good image tag, from the build logs or the registry')
        .optional('chosen automatically (see --from)')
        .orFrom('IMAGE_TAG'),
      from: param
        .choice(
          'history: the last good version of the deployment history; registry: the tag before the current one',
          ['history', 'registry'],
        )
        .default('history'),
      schema: param
        .choice(
          'fits: the version must contain the database revision; ahead: newer migrations are additive and are kept',
          ['fits', 'ahead'],
        )
        .default('fits'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    const history = target.deployments?.history ?? null
    const {
      version: pin,
      database,
      migrations: { tool, readyField },
    } = target

    const chosen = step(
      'Choose the known-good version',
      chooseTag({ pin, to: params.to, from: params.from, history }),
      { id: 'choose-the-known-good-version' },
    )
    const image = step('Pull the image', fetchImage({ image: chosen.image, when: pin.pull }), {
      id: 'pull-its-image',
    })
    step(
      'Check that the image contains the database revision',
      requireRevision({ database, tool: { ...tool, image: image.image }, schema: params.schema }),
      { id: 'confirm-that-it-contains-the-revision-of-the-database' },
    )

    step(
      'Stop incoming traffic',
      duty({ name: 'traffic-off', what: `Stop incoming traffic to ${target.title}, and say how.` }),
      { id: 'take-traffic-off' },
    )
    const pinned = step(
      'Set the image tag in the env file',
      setVariable({
        file: pin.file,
        name: pin.variable,
        value: chosen.tag,
        chosen,
        scope: { services: pin.services, of: 'tag' },
      }),
      { id: 'pin-the-version' },
    )
    step(
      'Bring up the services',
      bringUp({ proof: 'image', services: pin.services, release: image, choice: pinned }),
      { id: 'bring-up-the-services' },
    )
    checkHealthBySchema({ step, when }, target.health, {
      schema: params.schema,
      readyField,
      ids: {
        fits: 'smoke-test-liveness-and-readiness',
        ahead: 'smoke-test-liveness-and-readiness-the-kept-migration-aside',
      },
    })
    pointOfNoReturn('The known-good version runs and answers.')
    step(
      'Restore traffic',
      duty({ name: 'traffic-on', what: `Restore traffic to ${target.title}, and say how.` }),
      { id: 'let-traffic-in-again' },
    )

    if (history !== null)
      lastly(
        'Update the deployment history',
        recordDeployment({ history, to: maybe(pinned.line.to), from: maybe(chosen.from) }),
        { id: 'note-it-in-the-deployment-history' },
      )
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(chosen.image) }),
      { id: 'log-the-result' },
    )
  },
)

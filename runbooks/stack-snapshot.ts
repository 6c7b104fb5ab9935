import { maybe, param, runbook } from '../src/index.ts'
import { captureImages } from '../steps/images/capture-images.ts'
import { saveImages } from '../steps/images/save-images.ts'
import { tagImages } from '../steps/images/tag-images.ts'
import { writePointers } from '../steps/images/write-pointers.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'stack-snapshot',
  {
    title: 'Stack snapshot (images of prod and dev)',
    when: 'Before anything risky: a rebuild, a deployment, a change of the stack. `stack-rollback` can then restore what runs now.',
    needs: ['images'],
    params: {
      skipSave: param
        .flag('Write no tar files: faster, but nothing is left if the images are pruned')
        .orFrom('SNAPSHOT_SKIP_SAVE'),
    },
  },
  ({ params, target, step, when, lastly }) => {
    const { images } = target

    const captured = step(
      'Identify the images that prod and dev run',
      captureImages({ images, skipSave: params.skipSave }),
      { id: 'look-which-images-prod-and-dev-run' },
    )
    step('Tag the images with the time', tagImages({ names: captured.names }), {
      id: 'tag-the-images-with-the-time',
    })
    const tars = when(params.skipSave, {
      false: () =>
        step('Save images as tar files', saveImages({ captured, folder: images.folder }), {
          id: 'save-tar-backups',
        }),
      true: () => undefined,
    })
    step(
      'Write the pointers, the lock file and the history',
      writePointers({ images, captured, saved: maybe(tars.false) }),
      { id: 'write-the-pointers-the-lock-file-and-the-history' },
    )

    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(captured.stamp) }),
      { id: 'log-the-result' },
    )
  },
)

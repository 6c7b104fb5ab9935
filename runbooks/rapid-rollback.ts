import { param, runbook } from '../src/index.ts'
import {
  checkHealth,
  chooseFolder,
  chooseRelease,
  deployFolder,
  deployRelease,
  logResult,
  retagImages,
  setVariable,
  switchFolder,
} from '../steps/index.ts'

export default runbook(
  'rapid-rollback',
  {
    title: 'Rapid rollback (app only)',
    when: 'A deploy broke the application while the data is sound: brings the previous release back in minutes, and leaves the database alone.',
    needs: ['app', 'health'],
    params: {
      to: param.text(
        'Release to go back to: the tag of its images, or the name of its folder where releases lie in folders',
      ),
    },
  },
  ({ params, target, step, lastly }) => {
    const { app: services, version: pin, releaseFolders: folders } = target

    if (folders !== undefined) {
      const release = step(
        'Find the folder of the previous release',
        chooseFolder({ folders, name: params.to }),
      )
      const link = step('Let the link lead to that release', switchFolder({ folders, release }))
      step('Bring the previous release up', deployFolder({ services, folders, release, link }))
    } else if (pin !== undefined) {
      const release = step(
        'Find the images of the previous release',
        chooseRelease({ services, tag: params.to, pin }),
      )
      const edited = step(
        'Pick that release in the env file',
        setVariable({ file: pin.file, name: pin.variable, value: params.to }),
      )
      step('Bring the previous release up', deployRelease({ services, release, by: edited }))
    } else {
      const release = step(
        'Find the images of the previous release',
        chooseRelease({ services, tag: params.to, pin: null }),
      )
      const names = step('Let the stack mean that release', retagImages({ release }))
      step('Bring the previous release up', deployRelease({ services, release, by: names }))
    }
    step('Check health, and that the frontend loads', checkHealth({ checks: target.health }))

    lastly('Log the result', logResult({ checklist: target.checklist?.file ?? null, about: params.to }))
  },
)

import { maybe, param, runbook } from '../src/index.ts'
import { checkHealth, chooseRelease, deployRelease, logResult, retagImages } from '../steps/index.ts'

export default runbook('rapid-rollback', {
  title: 'Rapid rollback (app only)',
  when: 'A deploy broke the application while the data is sound: brings the previous release back in minutes, and leaves the database alone.',
  needs: ['app', 'health'],
  params: {
    to: param.text('Release to go back to: the tag of its images'),
  },
}, ({ params, target, step, lastly }) => {
  const { app: services } = target

  const release = step('Find the images of the previous release', chooseRelease({ services, tag: params.to }))
  const names = step('Let the stack mean that release', retagImages({ release }))
  step('Bring the previous release up', deployRelease({ services, release, by: names }))
  step('Check health, and that the frontend loads', checkHealth({ checks: target.health }))

  lastly('Log the result', logResult({ checklist: target.checklist?.file ?? null, about: maybe(release.tag) }))
})

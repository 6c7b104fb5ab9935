import { maybe, param, runbook } from '../src/index.ts'
import { lookAtBackups, lookAtDatabase, lookAtHealth, lookAtHost, lookAtServices, symptoms, tellFindings } from '../steps/index.ts'

export default runbook('diagnose', {
  title: 'Diagnose (looks only)',
  when: 'Something is wrong and it is not clear what: looks at everything, changes nothing, and names the runbook to use next.',
  needs: [],
  params: {
    symptom: param.choice('What is wrong; everything is looked at all the same, but only this is told of', symptoms).default('any'),
  },
}, ({ params, target, step, parallel, lastly }) => {
  const { stack, writers, health, database, backups, bundle, data } = target
  const places = [backups, bundle?.place, data?.place].flatMap((place) => place ?? [])

  // A target has what it has: each part is looked at where it is there.
  const looks = parallel('Look at everything', () => [
    ...(stack === undefined ? [] : [step('Look at the services', lookAtServices({ stack, needed: writers?.names ?? [] }))]),
    ...(health === undefined ? [] : [step('Look at health', lookAtHealth({ checks: health }))]),
    ...(database === undefined ? [] : [step('Look at the database', lookAtDatabase({ database, assertions: target.assertions ?? [] }))]),
    ...(places.length === 0 ? [] : [step('Look at the backups', lookAtBackups({ places }))]),
    step('Look at this machine', lookAtHost({
      encrypted: places.some(({ pattern }) => pattern.endsWith('.gpg')), passphrase: data?.passphrase ?? null,
      envFiles: stack?.kind === 'compose' ? stack.envFiles : [], stackFiles: stack?.kind === 'compose' ? stack.files : [],
    })),
  ])

  const sections = Object.entries(target).filter(([, section]) => section !== undefined).map(([name]) => name)
  // Though a look had failed, the others are told of.
  lastly('Tell what was seen', tellFindings({ symptom: params.symptom, target: target.name, sections, seen: looks.map(({ sights }) => maybe(sights)) }))
})

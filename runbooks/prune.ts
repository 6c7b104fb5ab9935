import { maybe, param, runbook } from '../src/index.ts'
import { approval } from '../steps/people/approval.ts'
import { logResult } from '../steps/records/log-result.ts'
import { chooseOld } from '../steps/retention/choose-old.ts'
import { sourcesOf } from '../steps/retention/lib/artifact.ts'
import { choices } from '../steps/retention/lib/inventories.ts'
import { removeOld } from '../steps/retention/remove-old.ts'

export default runbook(
  'prune',
  {
    title: 'Prune old artifacts',
    when: 'Disks fill up, or once a month: removes old bundles, data backups, image snapshots, databases kept aside, their dumps, folders that drills kept, copies of configuration files and downloads; never the newest complete one, nor one in use.',
    needs: [],
    remedy: {},
    makesRoom: true,
    params: {
      what: param.choice('What to prune', choices).default('all'),
      keep: param.integer('How many of each to keep').optional('as configured'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    const chosen = step(
      'Choose what to remove',
      chooseOld({ from: sourcesOf(target), what: params.what, keep: params.keep }),
      { id: 'choose-what-may-go' },
    )
    when(chosen.any, {
      true: () =>
        step(
          'Ask the operator',
          approval({
            phrase: `prune ${target.name}`,
            text: 'Removal cannot be undone.',
            showing: { parts: chosen.listed, together: chosen.told },
          }),
          { id: 'ask-the-operator' },
        ),
      false: () => undefined,
    })
    pointOfNoReturn('Removed artifacts cannot be restored.')

    step(
      'Remove old bundles',
      removeOld({ from: sourcesOf(target, 'bundles'), kind: 'bundles', chosen: chosen.bundles }),
      { id: 'remove-old-bundles' },
    )
    step(
      'Remove old data backups',
      removeOld({ from: sourcesOf(target, 'backups'), kind: 'backups', chosen: chosen.backups }),
      { id: 'remove-old-data-backups' },
    )
    step(
      'Remove old image snapshots',
      removeOld({ from: sourcesOf(target, 'images'), kind: 'images', chosen: chosen.images }),
      { id: 'remove-old-image-snapshots' },
    )
    step(
      'Drop old databases',
      removeOld({ from: sourcesOf(target, 'databases'), kind: 'databases', chosen: chosen.databases }),
      { id: 'drop-old-databases' },
    )
    step(
      'Remove old dumps',
      removeOld({ from: sourcesOf(target, 'dumps'), kind: 'dumps', chosen: chosen.dumps }),
      { id: 'remove-old-dumps' },
    )
    step(
      'Remove old copies of configuration files',
      removeOld({ from: sourcesOf(target, 'copies'), kind: 'copies', chosen: chosen.copies }),
      { id: 'remove-old-copies-of-configuration-files' },
    )

    if (target.backups?.from !== undefined)
      step(
        'Remove old downloads',
        removeOld({ from: sourcesOf(target, 'downloads'), kind: 'downloads', chosen: chosen.downloads }),
        { id: 'remove-old-downloads' },
      )

    if (target.data?.making !== undefined && target.drill !== undefined)
      step(
        'Remove old folders of drills',
        removeOld({ from: sourcesOf(target, 'folders'), kind: 'folders', chosen: maybe(chosen.folders) }),
        { id: 'remove-old-folders-of-drills' },
      )

    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(chosen.told) }),
      { id: 'log-the-result' },
    )
  },
)

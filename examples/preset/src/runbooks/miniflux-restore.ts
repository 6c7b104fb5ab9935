import { maybe, param, runbook } from 'runbook'
import {
  approval,
  assertCopy,
  checkHealth,
  compareContents,
  logResult,
  requireFit,
  restoreBeside,
  startServices,
  stopServices,
  swapDatabase,
  verifyDump,
} from 'runbook/steps'
import { requireMigrations } from '../steps/require-migrations.ts'

export default runbook(
  'miniflux-restore',
  {
    title: 'Restore Miniflux from a dump',
    when: 'Feeds or entries are gone or damaged, or an upgrade of Miniflux went wrong.',
    needs: ['database', 'backups', 'assertions', 'writers', 'health'],
    params: {
      dump: param.path('Dump to restore').optional('the newest one'),
      badSince: param
        .instant('When the damage began; the dump is then one taken before')
        .optional('unknown, and the newest dump counts as good'),
    },
  },
  ({ params: { dump: file, badSince: takenBefore }, target, step, pointOfNoReturn, lastly }) => {
    const { database, backups: from, assertions, writers: services } = target
    step('Check that Miniflux upgrades its schema', requireMigrations({ services }))
    const archive = step('Choose and verify the dump', verifyDump({ database, from, file, takenBefore }))
    step('Check version compatibility', requireFit({ database, archive, strategy: 'beside' }))
    const live = step(
      'Compare the dump with the live database',
      compareContents({
        database,
        archive,
        strategy: 'beside',
        acceptLoss: null,
        file,
        takenBefore,
        rpoSeconds: null,
      }),
    )
    step(
      'Ask the operator',
      approval({
        phrase: database.confirmPhrase,
        showing: { dump: archive.file, taken: archive.takenAt, 'would be lost': live.losses },
      }),
    )
    const copy = step('Restore beside the live database', restoreBeside({ database, archive }))
    const staged = step('Assert on the copy', assertCopy({ database, copy, archive, assertions, live }))
    const writers = step('Stop Miniflux', stopServices({ services }))
    step('Swap the restored database in', swapDatabase({ database, staged, writers, services }))
    step('Start Miniflux', startServices({ services }))
    step('Check health', checkHealth({ checks: target.health }))
    pointOfNoReturn('Miniflux answers on the restored data.')
    lastly('Log the result', logResult({ checklist: null, about: maybe(archive.file) }))
  },
)

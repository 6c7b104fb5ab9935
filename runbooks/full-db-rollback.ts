import { maybe, param, runbook } from '../src/index.ts'
import { chosenBackup, releaseChosen } from '../steps/backups/fetch-backup.ts'
import { verifyDump } from '../steps/backups/verify-dump.ts'
import { assertCopy } from '../steps/databases/assert-copy.ts'
import { assertRestored } from '../steps/databases/assert-restored.ts'
import { compareContents } from '../steps/databases/compare-contents.ts'
import { dumpDatabase } from '../steps/databases/dump-database.ts'
import { openReplaced } from '../steps/databases/open-replaced.ts'
import { recordReplaced } from '../steps/databases/record-replaced.ts'
import { requireExact } from '../steps/databases/require-exact.ts'
import { requireFit } from '../steps/databases/require-fit.ts'
import { restoreBeside } from '../steps/databases/restore-beside.ts'
import { restoreInPlace } from '../steps/databases/restore-in-place.ts'
import { runsInService, startDatabase } from '../steps/databases/start-database.ts'
import { swapDatabase } from '../steps/databases/swap-database.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { approval } from '../steps/people/approval.ts'
import { checklist } from '../steps/people/lib/checklist.ts'
import { logResult } from '../steps/records/log-result.ts'
import { runOneOff } from '../steps/services/run-one-off.ts'
import { startServices } from '../steps/services/start-services.ts'
import { stopServices } from '../steps/services/stop-services.ts'

export default runbook(
  'full-db-rollback',
  {
    title: 'Full DB rollback (production)',
    when: 'A deploy, migration or config change damaged production data, and rolling back the app alone is not enough.',
    needs: ['database', 'backups', 'writers', 'health', 'assertions', 'retention'],
    wants: ['smoke'],
    remedy: { badSince: 'WHEN' },
    params: {
      dump: param.path('Dump to restore').optional('the newest one taken before the bad deployment'),
      badSince: param
        .instant('When the bad deployment began, such as 2026-02-03T04:12:00Z')
        .optional('unknown, and the newest dump counts as good'),
      strategy: param
        .choice(
          'Restore beside the live database and swap, or restore in place where there is no space for two',
          ['beside', 'in-place'],
        )
        .default('beside'),
      acceptLoss: param
        .text(
          'Tables that the dump lacks and that may be lost, separated by commas, such as billing.invoices',
        )
        .optional('none may be lost'),
    },
  },
  ({ params, target, step, when, pointOfNoReturn, lastly }) => {
    const { database, writers: services } = target
    const { acceptLoss, badSince, strategy } = params
    const again = { from: target.backups, flag: 'dump', params: { badSince, strategy, acceptLoss } }
    const asksPeople = target.duties?.includes('full-db-rollback') === true

    if (runsInService(database))
      step('Start the database if it is stopped', startDatabase({ database }), { id: 'start-the-database' })
    const chosen = chosenBackup(step, {
      from: target.backups,
      file: params.dump,
      takenBefore: badSince,
      database,
    })
    const archive = step(
      'Choose and verify the dump',
      verifyDump({ database, ...chosen, takenBefore: badSince, again }),
      { id: 'choose-and-verify-the-dump' },
    )
    const fit = step('Check version compatibility', requireFit({ database, archive, strategy, again }), {
      id: 'check-that-server-tools-and-dump-fit',
    })
    const live = step(
      'Compare the dump with the live database',
      compareContents({
        database,
        archive,
        strategy,
        acceptLoss,
        file: params.dump,
        takenBefore: badSince,
        rpoSeconds: target.objectives.rpoSeconds,
        again,
      }),
      { id: 'compare-the-dump-with-the-live-database' },
    )
    if (asksPeople) {
      checklist(step, [
        {
          name: 'window',
          title: 'Confirm the bad deployment window',
          what: 'Confirm when the bad deployment began and that the dump was taken before. Say what you compared.',
        },
        {
          name: 'backup',
          title: 'Confirm the target backup file',
          what: 'Confirm that the chosen dump is the one to restore. Name it.',
        },
      ])
    }
    step(
      'Ask the operator',
      approval({
        phrase: database.confirmPhrase,
        acceptsEnvironment: true,
        showing: {
          database: database.name,
          host: fit.host,
          server: fit.server,
          dump: archive.file,
          taken: maybe(archive.taken),
          age: live.age,
          chosen: live.chosen,
          live: live.live,
          'would be lost': live.losses,
          'other objects that the dump lacks': live.objects,
          'attached to the live database': live.attached,
          'vouched for by': maybe(archive.vouched),
          restored: fit.rights,
        },
      }),
      { id: 'ask-the-operator' },
    )

    const swapped = when(strategy, {
      beside: () => {
        const copy = step('Restore beside the live database', restoreBeside({ database, archive }), {
          id: 'restore-beside-the-live-database',
        })
        const staged = step(
          'Assert on the copy',
          assertCopy({
            database,
            copy,
            archive,
            assertions: target.assertions,
            live,
            acceptLoss,
            again,
          }),
          { id: 'assert-on-the-copy' },
        )
        const writers = step('Stop writers', stopServices({ services }), { id: 'stop-writers' })
        const old = step(
          'Swap the restored database in',
          swapDatabase({ database, staged, writers, services }),
          { id: 'swap-the-restored-database-in' },
        )
        return { old, staged }
      },
      'in-place': () => {
        const exact = step('Check that the dump can replace data in place', requireExact({ archive }), {
          id: 'check-that-the-dump-can-replace-data-in-place',
        })
        const writers = step('Stop writers for the restore in place', stopServices({ services }), {
          id: 'stop-writers-for-the-restore-in-place',
        })
        const fallback = step(
          'Dump the live database',
          dumpDatabase({
            database,
            name: database.name,
            folder: target.retention.dumps,
            label: 'before-rollback',
          }),
          { id: 'dump-production-as-it-stands' },
        )
        step(
          'Restore the dump in place',
          restoreInPlace({ database, archive: exact, fallback, writers, live }),
          {
            id: 'restore-the-dump-in-place',
          },
        )
        step(
          'Assert on the restored data',
          assertRestored({
            database,
            copy: { name: database.name, bytes: 0 },
            archive,
            assertions: target.assertions,
            live,
            acceptLoss,
            again,
          }),
          { id: 'assert-on-the-restored-data' },
        )
      },
    })

    step('Start writers', startServices({ services }), { id: 'start-writers' })
    step('Check health', checkHealth({ checks: target.health }), { id: 'check-health' })
    if (target.smoke !== undefined)
      step('Run smoke tests', runOneOff({ oneOff: target.smoke }), { id: 'run-smoke-tests' })
    pointOfNoReturn('Production answers on the restored data.')

    const dumpOld = (): void => {
      step(
        'Dump the old database',
        dumpDatabase({
          database,
          name: swapped.beside.old.aside,
          folder: target.retention.dumps,
          label: 'replaced',
        }),
        { id: 'dump-the-old-database-now-that-the-service-is-back' },
      )
    }
    when(strategy, {
      beside: () => {
        const { old, staged } = swapped.beside
        // A file of SQLite is never closed.
        const replaced =
          database.engine === 'postgres'
            ? step('Open the old database', openReplaced({ database, name: old.aside }), {
                id: 'open-the-old-database',
              })
            : { name: old.aside }
        const { readable } = step(
          'Record the old data',
          recordReplaced({ database, replaced, restored: staged.tables }),
          { id: 'record-the-old-data' },
        )
        // One that is too damaged to be read is only kept.
        if (target.retention.dumpOld) when(readable, { true: dumpOld, false: () => undefined })
      },
      // In place, the fallback dump is what holds the old data.
      'in-place': () => undefined,
    })

    if (asksPeople) {
      checklist(step, [
        {
          name: 'post-mortem',
          title: 'Arrange the post-mortem',
          what: 'Nothing is deployed again before the root cause is known. Say who investigates and where the post-mortem will be.',
        },
      ])
    }

    releaseChosen(lastly, target.backups)
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(archive.file) }),
      { id: 'log-the-result' },
    )
  },
)

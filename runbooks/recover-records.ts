import { maybe, param, runbook } from '../src/index.ts'
import { chosenBackup, releaseChosen } from '../steps/backups/fetch-backup.ts'
import { verifyDump } from '../steps/backups/verify-dump.ts'
import { compareRows } from '../steps/databases/compare-rows.ts'
import { dropCopy } from '../steps/databases/drop-copy.ts'
import { exportRows } from '../steps/databases/export-rows.ts'
import { recoverRows } from '../steps/databases/recover-rows.ts'
import { requireFit } from '../steps/databases/require-fit.ts'
import { restoreBeside } from '../steps/databases/restore-beside.ts'
import { runsInService, startDatabase } from '../steps/databases/start-database.ts'
import { approval } from '../steps/people/approval.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'recover-records',
  {
    title: 'Recover deleted records',
    when: 'A project or other rows were deleted by accident, and everything else is healthy: restores only those rows from a backup.',
    needs: ['database', 'backups'],
    remedy: { tables: 'TABLE:COLUMN', key: 'KEY', export: 'FOLDER' },
    params: {
      tables: param.text(
        'Tables, each with the column that identifies the lost rows, parents first, such as projects:id,documents:project_id',
      ),
      key: param
        .text('Value of those columns: the id of the lost project or record; several are separated by commas')
        .optional('only with --all-missing'),
      allMissing: param.flag(
        'Instead of --key: every row of the backup whose column has a value that no live row has',
      ),
      export: param.path('Folder for the rows of the backup as CSV, one file per table'),
      dump: param.path('Backup to read').optional('the newest one taken before the loss'),
      lostSince: param
        .instant('When the rows were deleted, such as 2026-02-03T04:12:00Z')
        .optional('unknown, and the newest backup counts as good'),
    },
  },
  ({ params, target, step, pointOfNoReturn, lastly }) => {
    const { database } = target
    const { tables, key, allMissing } = params

    if (runsInService(database))
      step('Start the database if it is stopped', startDatabase({ database }), { id: 'start-the-database' })
    const chosen = chosenBackup(step, {
      from: target.backups,
      file: params.dump,
      takenBefore: params.lostSince,
      database,
    })
    const archive = step(
      'Choose and verify the backup',
      verifyDump({ database, ...chosen, takenBefore: params.lostSince }),
      { id: 'choose-and-verify-the-backup' },
    )
    const fit = step('Check version compatibility', requireFit({ database, archive }), {
      id: 'check-that-server-tools-and-backup-fit',
    })
    const copy = step('Restore beside the live database', restoreBeside({ database, archive }), {
      id: 'restore-the-backup-beside-the-live-database',
    })
    const compared = step('Find missing rows', compareRows({ database, copy, tables, key, allMissing }), {
      id: 'see-what-is-missing',
    })
    step(
      'Export the rows of the backup',
      exportRows({ database, copy, tables, key, folder: params.export }),
      { id: 'export-the-rows-of-the-backup' },
    )
    step(
      'Ask the operator',
      approval({
        phrase: database.confirmPhrase,
        acceptsEnvironment: true,
        showing: {
          database: database.name,
          host: fit.host,
          backup: archive.file,
          taken: maybe(archive.taken),
          'vouched for by': maybe(archive.vouched),
          restored: fit.rights,
          missing: compared.missing,
          'missing by table': compared.told,
          tables,
        },
      }),
      { id: 'ask-the-operator' },
    )
    step('Insert missing rows', recoverRows({ database, copy, tables, key, compared }), {
      id: 'insert-what-is-missing',
    })

    // Undoing the insertion reads from the copy, so it is dropped only once no undo can follow.
    pointOfNoReturn('The rows are inserted and verified.')
    step('Drop the copy of the backup', dropCopy({ database, copy }), {
      id: 'drop-the-copy-of-the-backup',
    })
    releaseChosen(lastly, target.backups)
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(archive.file) }),
      { id: 'log-the-result' },
    )
  },
)

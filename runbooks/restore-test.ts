import { maybe, param, runbook } from '../src/index.ts'
import { chooseDump } from '../steps/backups/choose-dump.ts'
import { chosenBackup, releaseChosen } from '../steps/backups/fetch-backup.ts'
import { dropThrowaway, startThrowaway } from '../steps/containers/throwaway-postgres.ts'
import { assertRestored } from '../steps/databases/assert-restored.ts'
import { createRoles } from '../steps/databases/create-roles.ts'
import { readDump } from '../steps/databases/read-dump.ts'
import { restoreIntoThrowaway } from '../steps/databases/restore-into-throwaway.ts'
import { logResult } from '../steps/records/log-result.ts'
import { recordRestoreTest } from '../steps/records/record-restore-test.ts'

export default runbook(
  'restore-test',
  {
    title: 'Database restore test (non-disruptive)',
    when: 'Every month and before a risky deploy: proves that the newest dump restores, in a throwaway server that is removed afterwards; nothing live is touched.',
    needs: ['database', 'backups', 'assertions', 'restoreTest'],
    params: {
      dump: param.path('Dump to test').optional('the newest one'),
    },
  },
  ({ params, target, step, pointOfNoReturn, lastly }) => {
    const { restoreTest } = target
    // No step learns where the live database is.
    const { engine, name } = target.database

    const chosen = chosenBackup(step, { from: target.backups, file: params.dump })
    const dump = step('Choose the dump', chooseDump({ engine, name, ...chosen }), { id: 'choose-the-dump' })
    const throwaway = step(
      "Start a throwaway Postgres of the dump's major version",
      startThrowaway({
        purpose: 'restore-test',
        by: restoreTest,
        dump,
        choice: { from: target.backups, file: params.dump },
      }),
      { id: 'start-a-throwaway-postgres-of-the-dump-s-major-version' },
    )
    const archive = step('Read the complete dump', readDump({ throwaway, dump }), {
      id: 'read-the-dump-to-its-last-byte',
    })
    const roles = step('Create the roles that the dump needs', createRoles({ throwaway, archive }), {
      id: 'create-the-roles-that-the-dump-needs',
    })
    const copy = step(
      'Restore the dump into the throwaway Postgres',
      restoreIntoThrowaway({ throwaway, by: restoreTest, archive, roles }),
      { id: 'restore-the-dump-into-the-throwaway' },
    )
    const proven = step(
      'Assert on the restored data',
      assertRestored({ database: throwaway.database, copy, archive, assertions: target.assertions }),
      { id: 'assert-on-what-was-restored' },
    )

    pointOfNoReturn('The dump restores and all assertions pass.')
    const dropped = step('Drop the throwaway Postgres', dropThrowaway({ throwaway }), {
      id: 'drop-the-throwaway',
    })
    step(
      'Record the latest tested restore',
      recordRestoreTest({
        record: restoreTest.record,
        dump,
        dropped,
        roles,
        proven,
        format: archive.format,
      }),
      { id: 'record-the-latest-tested-restore' },
    )

    releaseChosen(lastly, target.backups)
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(dump.file) }),
      { id: 'log-the-result' },
    )
  },
)

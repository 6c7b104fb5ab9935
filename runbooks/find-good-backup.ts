import { isRemote, maybe, runbook } from '../src/index.ts'
import { chosenBackup, releaseChosen } from '../steps/backups/fetch-backup.ts'
import { listCandidates } from '../steps/bisection/list-candidates.ts'
import { reportGood } from '../steps/bisection/report-good.ts'
import { most, testRounds } from '../steps/bisection/test-backup.ts'
import { dropThrowaway, startThrowaway } from '../steps/containers/throwaway-postgres.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'find-good-backup',
  {
    title: 'Find the newest good backup (non-disruptive)',
    when: 'Data is wrong and nobody knows since when: restores backups in a throwaway server by bisection, and names the newest that meets the assertions and the first that does not.',
    needs: ['database', 'backups', 'assertions'],
    wants: ['staging', 'restoreTest'],
    params: {},
  },
  ({ target, step, pointOfNoReturn, lastly }) => {
    const { engine, name } = target.database
    const { restoreTest, assertions, backups: from } = target

    // A SQLite backup that is no database file is unpacked for its test.
    const under = engine === 'sqlite' ? target.staging : undefined

    // The version of the server follows from the newest one, so of a store it is downloaded first.
    const chosen = chosenBackup(step, { from, file: null, anyAge: true })
    const candidates = step(
      'List the backups that can be tested',
      listCandidates({
        engine,
        name,
        from,
        ...(isRemote(from) ? { newest: chosen.file } : {}),
        by: restoreTest ?? null,
        ...(under === undefined ? {} : { unpacks: true }),
        most,
      }),
    )
    const throwaway =
      engine === 'postgres' && restoreTest !== undefined
        ? step(
            'Start a throwaway Postgres of their major version',
            startThrowaway({
              purpose: 'find-good',
              by: restoreTest,
              dump: candidates.newest,
              choice: { from, file: null },
            }),
          )
        : null
    const staging =
      under === undefined
        ? null
        : step('Create a staging folder', makeStaging({ under }), { id: 'make-staging' })
    const server = throwaway === null || restoreTest === undefined ? null : { throwaway, by: restoreTest }
    const tested = testRounds(step, {
      name,
      from,
      assertions,
      candidates,
      server,
      ...(staging === null ? {} : { staging }),
    })
    const good = step(
      'Report the newest good backup',
      reportGood({
        candidates,
        rounds: tested,
        assertions: assertions.length,
        restorable: target.writers !== undefined && target.health !== undefined,
      }),
    )

    pointOfNoReturn('The newest good backup is known.')
    if (throwaway !== null) step('Drop the throwaway Postgres', dropThrowaway({ throwaway }))

    releaseChosen(lastly, from)
    if (under !== undefined) lastly('Clean up staging', removeStaging({ under }), { id: 'empty-staging' })
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(good.file) }),
    )
  },
)

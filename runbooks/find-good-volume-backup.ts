import { isRemote, maybe, runbook } from '../src/index.ts'
import { chosenBackup, releaseChosen } from '../steps/backups/fetch-backup.ts'
import { listCandidates } from '../steps/bisection/list-candidates.ts'
import { reportGood } from '../steps/bisection/report-good.ts'
import { most, testRounds } from '../steps/bisection/test-backup.ts'
import { makeStaging, removeStaging } from '../steps/files/staging.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'find-good-volume-backup',
  {
    title: 'Find the newest good backup of a SQLite database in a volume (non-disruptive)',
    when: 'Data of a SQLite database in a volume is wrong and nobody knows since when: reads backups by bisection, and names the newest that meets the assertions and the first that does not.',
    needs: ['volumeDatabase', 'backups', 'assertions'],
    wants: ['staging'],
    params: {},
  },
  ({ target, step, pointOfNoReturn, lastly }) => {
    const { assertions, backups: from, staging: under, volumeDatabase } = target
    const { name } = volumeDatabase

    const chosen = chosenBackup(step, { from, file: null, anyAge: true })
    const candidates = step(
      'List the backups that can be tested',
      listCandidates({
        engine: 'sqlite',
        name,
        from,
        ...(isRemote(from) ? { newest: chosen.file } : {}),
        by: null,
        ...(under === undefined ? {} : { unpacks: true }),
        most,
      }),
    )
    const staging =
      under === undefined
        ? null
        : step('Create a staging folder', makeStaging({ under }), { id: 'make-staging' })
    const tested = testRounds(step, {
      name,
      from,
      assertions,
      candidates,
      server: null,
      ...(staging === null ? {} : { staging }),
    })
    const lacking = (['writers', 'health', 'retention', 'staging', 'operators'] as const).filter(
      (section) => target[section] === undefined,
    )
    const good = step(
      'Report the newest good backup',
      reportGood({
        candidates,
        rounds: tested,
        assertions: assertions.length,
        restorable: lacking.length === 0,
        volume: { lacking },
      }),
    )

    pointOfNoReturn('The newest good backup is known.')
    releaseChosen(lastly, from)
    if (under !== undefined) lastly('Clean up staging', removeStaging({ under }), { id: 'empty-staging' })
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(good.file) }),
    )
  },
)

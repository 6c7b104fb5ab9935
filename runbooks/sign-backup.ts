import { maybe, param, runbook } from '../src/index.ts'
import { signBackup } from '../steps/backups/sign-backup.ts'
import { verifyDump } from '../steps/backups/verify-dump.ts'
import { logResult } from '../steps/records/log-result.ts'

export default runbook(
  'sign-backup',
  {
    title: 'Sign a backup that another program made',
    when: "A nightly dump is there and only signed backups are accepted (backups.require: 'signed'): reads the dump to its last byte and signs a manifest beside it.",
    needs: ['database', 'backups'],
    params: {
      dump: param.path('Dump to sign').optional('the newest one'),
    },
  },
  ({ params, target, step, pointOfNoReturn, lastly }) => {
    const { database, backups } = target
    // The dump has no manifest yet.
    const { require: _, ...from } = backups

    const archive = step(
      'Choose and verify the dump',
      verifyDump({ database, from, file: params.dump, takenBefore: null }),
      { id: 'choose-and-verify-the-dump' },
    )
    step('Sign the manifest of the dump', signBackup({ database, archive }), {
      id: 'sign-the-manifest-of-the-dump',
    })
    pointOfNoReturn('The dump is signed.')
    lastly(
      'Log the result',
      logResult({ checklist: target.checklist?.file ?? null, about: maybe(archive.file) }),
      { id: 'log-the-result' },
    )
  },
)

import { defineStep, say, type VolumePath } from '../../src/index.ts'
import { liveFileAt, requireSameLiveFile } from './lib/live-file.ts'
import { comparison, type ComparedFiles } from './compare-kept.ts'
import type { ExaminedBackup } from './examine-backup.ts'
import { ageOf } from './lib/age.ts'
import { inLiveCopy } from './lib/live-copy.ts'
import { differencesOf } from './lib/newer-rows.ts'

type Input = {
  readonly at: VolumePath
  readonly backup: ExaminedBackup
  readonly name: string
  /** Tables that may be lost, separated by commas; null for none. */
  readonly acceptLoss: string | null
  /** The objective that the age of the backup is compared with; null or left out: none. */
  readonly rpoSeconds?: number | null
}

/** `says`: the comparison in words, for the approval; `age`: that of the backup. */
export type ComparedLive = ComparedFiles & { readonly says: string; readonly age: string }

/**
 * Compares a SQLite database in a volume with the backup, while its service may still run, so that a loss is known
 * before anything is stopped. It reads a copy of one moment; what is written afterwards is not in it, so
 * `compareKept` compares again once the writers are stopped, and decides.
 * @throws RunbookError `verification` for a loss that was not accepted
 */
export const compareLive = defineStep<Input, ComparedLive>({
  kind: 'databases.compare-live',
  version: 1,
  effect: 'observe',
  lookAgain: true,
  timeoutSeconds: 3600,
  volatile: ['age', 'live'],
  describe: ({ name, acceptLoss }) =>
    say`Compares a copy of ${name} as it is now with the backup, and refuses if the backup lacks a table that has rows` +
    (acceptLoss === null ? '.' : say`, except ${acceptLoss}.`),
  run: async (look, { at, backup, name, acceptLoss, rpoSeconds = null }) => {
    const age = ageOf(backup.takenAt, look.clock.now(), rpoSeconds)
    const live = await liveFileAt(look, at)
    if ((await look.volumes.stat(at)) === null) {
      look.note(`${at.path} of ${at.service} does not exist: there are no rows to lose`)
      return { compared: null, says: 'there is no live database', age, live }
    }
    const compared = await inLiveCopy(look, at, (file) =>
      comparison(look, { file, backup, name, acceptLoss }),
    )
    if (compared === null)
      return { compared, says: 'unknown: the live database could not be read', age, live }
    const differences = differencesOf(compared.before, compared.after)
    return {
      compared,
      age,
      live,
      says:
        differences.length === 0 ? 'as many rows in each table' : `the backup has ${differences.join(', ')}`,
    }
  },
  stillHolds: (look, { output: { live } }) => requireSameLiveFile(look, live),
})

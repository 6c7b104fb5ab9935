import type { Output, Script } from '../../../src/index.ts'
import { testBackup, type Round } from '../test-backup.ts'

type AddStep = Script<unknown, never>['step']

/** Rounds for as many backups as a year has working days: the newest one, and then halves. */
const rounds = 9

/** How many backups so many rounds can search. */
export const most = 1 + 2 ** (rounds - 1)

/** Adds the steps that test backups: each chooses the next one by what the steps before it found. */
export function testRounds(
  step: AddStep,
  search: Omit<Parameters<typeof testBackup>[0], 'earlier'>,
): readonly Output<Round>[] {
  const tested: Output<Round>[] = []
  for (let round = 1; round <= rounds; round += 1)
    tested.push(
      step(
        `Test a backup, round ${round} of ${rounds} at most`,
        testBackup({ ...search, earlier: [...tested] }),
        { id: `test-round-${round}` },
      ),
    )
  return tested
}

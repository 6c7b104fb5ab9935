import {
  defineStep,
  RunbookError,
  shellWord,
  whenTaken,
  type Conclusion,
  type Look,
} from '../../src/index.ts'
import { found, type Verdict } from './lib/bisection.ts'
import type { Candidate, Candidates } from './list-candidates.ts'
import type { Round } from './test-backup.ts'

type Input = {
  readonly candidates: Candidates
  readonly rounds: readonly Round[]
  /** How many assertions each test checked. */
  readonly assertions: number
  /** Whether `full-db-rollback` fits the target. */
  readonly restorable: boolean
  /** Of a database in a volume: the sections that `sqlite-restore` needs and the target lacks. */
  readonly volume?: { readonly lacking: readonly string[] }
}

/** The newest good backup as far as tests show, and the command that restores it. */
export type NewestGood = {
  readonly file: string
  readonly takenAt: string
  /** The next newer backup that was tested, and is bad; null if the good one is the newest that can be used. */
  readonly firstBad: { readonly file: string; readonly takenAt: string; readonly why: string } | null
  readonly tested: number
  /** What is claimed, one sentence each: no more than was tested. */
  readonly claims: readonly string[]
  /** What to type to restore it, for a dry run first; null where no runbook restores it on the target. */
  readonly command: string | null
  readonly conclusion: Conclusion
}

/**
 * Says which backup is the newest good one and which is the first bad one after it. Both were tested; of the others it
 * claims nothing.
 * @throws RunbookError `verification` where none of the tested ones is good
 */
export const reportGood = defineStep<Input, NewestGood>({
  kind: 'bisection.report-good',
  version: 1,
  effect: 'observe',
  describe: () => 'Says which backup is the newest good one, and which is the first bad one after it.',
  predict: async () => ({ output: null }),
  run: async (look, { candidates, rounds, assertions, restorable, volume }) => {
    const { backups } = candidates
    const tests = rounds.flatMap((round) => round.tests)
    const verdicts = new Map(tests.map(({ index, verdict }): [number, Verdict] => [index, verdict]))
    const { good, bad } = found(backups.length, verdicts)
    const newest = good === null ? undefined : backups[good]
    if (newest === undefined || good === null)
      throw new RunbookError('verification', noneGood(tests.length, backups.length), {
        hint: `look at each: ${tests.map(({ backup, why }) => `${backup.file}: ${why}`).join('; ')}`,
      })
    const firstBad = bad === null ? undefined : backups[bad]
    const claims = claimsOf({
      newest,
      firstBad,
      between: [bad ?? -1, good],
      verdicts,
      candidates,
      assertions,
    })
    const command = restorable ? commandFor(look, newest, volume !== undefined) : null
    for (const claim of claims) look.note(claim)
    if (command !== null) look.note(`restore it: \`${command} --dry-run\``)
    return {
      file: newest.file,
      takenAt: newest.takenAt,
      firstBad:
        firstBad === undefined
          ? null
          : {
              file: firstBad.file,
              takenAt: firstBad.takenAt,
              why: tests.find(({ index }) => index === bad)?.why ?? '',
            },
      tested: tests.length,
      claims,
      command,
      conclusion: {
        summary: 'Newest good backup found',
        lines: [
          ...claims,
          command === null
            ? neededToRestore(volume?.lacking ?? ['writers', 'health'])
            : `Restore it:  ${command}`,
        ],
      },
    }
  },
})

const noneGood = (tested: number, all: number): string =>
  `none of the ${tested} tested backups is good; ${all - tested} were not tested`

const commandFor = ({ run: { target } }: Look, { file }: Candidate, inVolume: boolean): string =>
  inVolume
    ? `runbook run sqlite-restore --target ${target} --backup ${shellWord(file)}`
    : `runbook run full-db-rollback --target ${target} --dump ${shellWord(file)}`

function neededToRestore(sections: readonly string[]): string {
  const named = sections.map((section) => `\`${section}\``)
  const last = named.pop() ?? ''
  return `Restoring it needs ${named.length === 0 ? last : `${named.join(', ')} and ${last}`}:  runbook help config ${sections[0] ?? ''}`
}

function claimsOf({
  newest,
  firstBad,
  between: [bad, good],
  verdicts,
  candidates: { backups, left },
  assertions,
}: {
  readonly newest: Candidate
  readonly firstBad: Candidate | undefined
  readonly between: readonly [bad: number, good: number]
  readonly verdicts: ReadonlyMap<number, Verdict>
  readonly candidates: Candidates
  readonly assertions: number
}): readonly string[] {
  const unusable = backups.filter((_, index) => verdicts.get(index) === 'unusable')
  const skipped = unusable.filter((one) => backups.indexOf(one) > bad && backups.indexOf(one) < good)
  const untested = backups.flatMap((_, index) => (verdicts.has(index) ? [] : [index]))
  const newer = untested.filter((index) => index < good).length
  return [
    `good: ${newest.file}, ${whenTaken(newest)}: restored, and ${assertions === 0 ? 'its tables have rows; no assertion is configured' : 'all assertions pass'}`,
    firstBad === undefined
      ? 'no newer backup can be used: it is the newest one'
      : `bad: ${firstBad.file}, ${whenTaken(firstBad)}, the next newer one that can be used`,
    ...(skipped.length === 0
      ? []
      : [`between them, damaged and not judged: ${skipped.map(({ file }) => file).join(', ')}`]),
    ...(newer === 0
      ? []
      : [
          `${newer} newer ones were not tested: if the data was repaired meanwhile, one of them may be good too`,
        ]),
    ...(untested.length === newer ? [] : [`${untested.length - newer} older ones were not tested`]),
    ...left.slice(0, 5).map(({ file, why }) => `could not be considered: ${file}: ${why}`),
    ...(left.length <= 5 ? [] : [`${left.length - 5} more could not be considered`]),
  ]
}

import { defineStep, isPending, say, type Look } from '../../src/index.ts'
import { folderOf } from '../files/lib/path.ts'
import { textOf } from '../files/lib/text.ts'
import { header, lineOf, longestHistory, splitTag, type Status } from './lib/deployment-history.ts'

type Input = {
  readonly history: string
  /** The image tag that was rolled back to; null where the run did not get that far. */
  readonly to: string | null
  /** What ran before; null where it is unknown. */
  readonly from: string | null
  /**
   * Any output that exists once the version was tried; null before. A version that was never tried has not
   * failed.
   */
  readonly tried?: string | null
}

type Before = { readonly at: string; readonly file: string }
type Output = { readonly file: string; readonly lines: readonly string[] }

/**
 * Adds the result of a rollback to the deployment history. Writes `ROLLED_BACK` for the version that was
 * left and `SUCCESS` for the one that runs now, or `FAILED` for one that was tried. The git SHA has its own
 * field. For the end of a run.
 */
export const recordDeployment = defineStep<Input, Output, Before>({
  kind: 'records.record-deployment',
  leaves: [],
  version: 1,
  effect: 'change',
  irreversible: 'a history of what happened stays',
  describe: ({ history }) => say`Adds the result of the rollback to ${history}.`,
  preflight: async (look, { history }) => {
    if (isPending(history)) return []
    const facts = await look.files.stat(history)
    if (facts === null || facts.kind === 'file') return []
    return [
      {
        level: 'refuse',
        about: history,
        problem: `${history} is a ${facts.kind}, not a file`,
        hint: 'set deployments.history in runbook.config.ts',
      },
    ]
  },
  survey: async (look, { history }) => ({ at: look.clock.now().toISOString(), file: history }),
  predict: ({ input, before }) => ({
    output: before === undefined ? null : { file: before.file },
    changes:
      before === undefined || isPending(input.to) || input.to === null
        ? []
        : [`one or two lines are added to ${before.file}`],
  }),
  run: async (io, { input, before }) => {
    const lines = linesOf(io, input, before)
    if (lines.length === 0) return { file: before.file, lines }
    const there = await textOf(io, before.file, longestHistory)
    if (there === null) {
      await io.files.makeFolder(folderOf(before.file))
      await io.files.write(before.file, header)
    }
    // Our line must not be joined to a last line without a newline.
    const gap = there === null || there === '' || there.endsWith('\n') ? '' : '\n'
    await io.files.append(before.file, `${gap}${lines.join('\n')}\n`)
    return { file: before.file, lines }
  },
  probe: async (look, { input, before }) => {
    const lines = linesOf(look, input, before)
    const there = ((await textOf(look, before.file, longestHistory)) ?? '').split('\n')
    return lines.every((line) => there.includes(line))
      ? { is: 'done', output: { file: before.file, lines } }
      : { is: 'absent' }
  },
})

function linesOf({ run }: Pick<Look, 'run'>, { to, from, tried }: Input, { at }: Before): readonly string[] {
  if (to === null || tried === null) return []
  const line = (tag: string, status: Status): string =>
    lineOf(new Date(at), { ...splitTag(tag), by: run.by, status })
  if (run.standing.outcome !== 'succeeded' && run.standing.outcome !== 'running') return [line(to, 'FAILED')]
  return [...(from === null || from === to ? [] : [line(from, 'ROLLED_BACK')]), line(to, 'SUCCESS')]
}

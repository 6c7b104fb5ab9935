import { defineStep, isPending, RunbookError, say, type LogScan } from '../../src/index.ts'

type Input = {
  readonly scan: LogScan
  /** What too many lines mean: a failure, or only a note where going back would be worse. Default `fail`. */
  readonly tooMany?: 'fail' | 'tell'
}
export type Scanned = {
  readonly name: string
  readonly lines: number
  /** The first ones, truncated. */ readonly first: readonly string[]
}
type Output = { readonly lines: number; readonly patterns: readonly Scanned[] }

const maxBytes = 4 << 20
const shown = 3
const longest = 200

/** Scans the last minutes of logs for patterns, once: it never follows them, so it always ends. */
export const scanLogs = defineStep<Input, Output>({
  kind: 'services.scan-logs',
  leaves: [],
  version: 1,
  effect: 'observe',
  timeoutSeconds: 120,
  describe: ({ scan }) =>
    isPending(scan)
      ? 'Searches logs.'
      : say`Searches for ${scan.patterns.map(({ name }) => name)} in the last ${Math.round(scan.sinceSeconds / 60)} minutes of the logs of ${scan.services.names}.`,
  run: async (look, { scan, tooMany: verdict }) => {
    const text = await look.services.logs(scan.services, { sinceSeconds: scan.sinceSeconds, maxBytes })
    const found = scanned(text, scan)
    for (const { name, lines, first } of found.patterns)
      look.note(
        `${name}: ${lines} ${lines === 1 ? 'line' : 'lines'}${first.map((line) => `\n  ${line}`).join('')}`,
      )
    const tooMany = found.patterns.filter(
      ({ name, lines }) => lines > (scan.patterns.find((one) => one.name === name)?.atMost ?? 0),
    )
    if (tooMany.length === 0 || verdict === 'tell') return found
    const counts = tooMany.map(({ name, lines, first }) => `${lines} lines of ${name}: ${first[0] ?? ''}`)
    throw new RunbookError(
      'failed',
      `the logs of ${scan.services.names.join(', ')} have ${counts.join('; ')}`,
      { hint: 'check these lines; add patterns of harmless ones under ignore' },
    )
  },
})

/** Counts a line once for each pattern. Pure. */
export function scanned(text: string, { patterns, ignore }: Pick<LogScan, 'patterns' | 'ignore'>): Output {
  const harmless = ignore.map((one) => new RegExp(one, 'i'))
  const lines = text
    .split('\n')
    .map((line) => line.slice(0, 4096))
    .filter((line) => line !== '')
  const counted = lines.filter((line) => !harmless.some((one) => one.test(line)))
  return {
    lines: lines.length,
    patterns: patterns.map(({ name, pattern }) => {
      const form = new RegExp(pattern, 'i')
      const hits = counted.filter((line) => form.test(line))
      return {
        name,
        lines: hits.length,
        first: hits.slice(0, shown).map((line) => line.slice(0, longest).replaceAll(/\p{Cc}/gu, '\u{fffd}')),
      }
    }),
  }
}

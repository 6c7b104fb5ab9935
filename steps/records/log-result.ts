import { defineStep, isPending, say, type Look, type RunFacts } from '../../src/index.ts'
import { folderOf } from '../files/lib/path.ts'

type Input = {
  /**
   * The Markdown file that gets the line; null: `restore-checklist.md` beside the run's evidence, under its
   * story.
   */
  readonly checklist: string | null
  /** What the run was about: the dump, the bundle. Null where the run did not get that far. */
  readonly about: string | null
}

type Output = { readonly file: string; readonly line: string }

/** Adds a line about the run to the restore checklist: result, subject, measured times and run id. */
export const logResult = defineStep<Input, Output, { readonly file: string }>({
  kind: 'records.log-result',
  leaves: [],
  version: 1,
  effect: 'change',
  // Lines are appended, so that those of several runs stay whole.
  alsoChanges: () => [],
  irreversible: 'a record of what happened stays',
  describe: ({ checklist }) =>
    say`Adds a line about this run to ${checklist === null ? 'restore-checklist.md beside the evidence' : checklist}.`,
  survey: async (look, { checklist }) => ({
    file: checklist ?? `${folderOf(look.run.evidence)}/restore-checklist.md`,
  }),
  predict: ({ before, input }) => ({
    output: before === undefined || isPending(input.about) ? null : { file: before.file },
    changes: before === undefined ? [] : [`a line is added to ${before.file}`],
  }),
  run: async (io, { input: { about }, before: { file } }) => {
    const line = lineOf(io.run, about, io.clock.now())
    const isNew = (await io.files.stat(file)) === null
    if (isNew) await io.files.makeFolder(folderOf(file))
    // Another run may begin the file now: with one append each, the heading may be there twice, and no line is lost.
    await io.files.append(file, `${isNew ? heading : ''}${line}\n`)
    return { file, line }
  },
  probe: async (look, { before: { file } }) => {
    const line = await lineIn(look, file)
    return line === undefined ? { is: 'absent' } : { is: 'done', output: { file, line } }
  },
})

const heading = `# Restore checklist

| When (UTC) | Runbook | Target | Result | About | RTO | Downtime | RPO | Run | By |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
`

function lineOf(run: RunFacts, about: string | null, now: Date): string {
  const { outcome, failure, rtoSeconds, downtimeSeconds, rpoSeconds } = run.standing
  const result = failure === null ? outcome : `${outcome}: ${failure}`
  const cells = [
    now.toISOString().slice(0, 16).replace('T', ' '),
    run.runbook,
    run.target,
    result,
    about ?? '–',
    seconds(rtoSeconds),
    seconds(downtimeSeconds),
    seconds(rpoSeconds),
    run.id,
    run.by,
  ]
  return `| ${cells.map(cell).join(' | ')} |`
}

const cell = (text: string): string => text.replace(/\p{Cc}/gu, ' ').replaceAll('|', '\\|')

/** `2h 4m 5s`, rounded to seconds. */
function seconds(value: number | null): string {
  if (value === null) return '–'
  const rounded = Math.round(value)
  const parts = [
    [Math.floor(rounded / 86_400), 'd'],
    [Math.floor(rounded / 3600) % 24, 'h'],
    [Math.floor(rounded / 60) % 60, 'm'],
    [rounded % 60, 's'],
  ] as const
  return (
    parts
      .filter(([count]) => count > 0)
      .map(([count, unit]) => `${count}${unit}`)
      .join(' ') || '0s'
  )
}

async function lineIn(look: Look, file: string): Promise<string | undefined> {
  if ((await look.files.stat(file)) === null) return undefined
  const text = new TextDecoder().decode(await look.files.read(file, 16 * 1024 * 1024))
  const mine = text.split('\n').filter((line) => line.includes(`| ${look.run.id} |`))
  // A run that is settled twice, first as needing a person, has two lines.
  return mine.findLast((line) => line.includes(`| ${look.run.standing.outcome}`))
}

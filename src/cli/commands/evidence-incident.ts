import { join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import type { FiledRun } from '../../adapters/evidence/filed-runs.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { CliContext } from '../context.ts'
import { instantOf } from '../instants.ts'
import { evidenceOf, keysFrom, keysHelp, runsByFolder } from '../evidence-folders.ts'
import { writeOutput } from '../output-file.ts'

type Options = {
  readonly story?: string
  readonly since?: string
  readonly until?: string
  readonly target?: string
  readonly alarm?: string
  readonly out?: string
  readonly keys?: string
}

export function evidenceIncidentCommand(evidence: Command, context: CliContext): void {
  evidence
    .command('incident')
    .description(
      'verify several runs and write one page of them: what was down when, and the time from the alarm',
    )
    .argument('[runs...]', 'runs, or their evidence folders')
    .option('--story <id>', 'every run of this story')
    .option(
      '--since <time>',
      'every run that began since then: 2026-02-03T04:12:00Z, or a duration such as 6h',
    )
    .option('--until <time>', 'with --since: and no later than then')
    .option('--target <name>', 'with --since: only runs on this target')
    .option('--alarm <time>', 'when the incident was noticed; default: the earliest --bad-since of its runs')
    .option('--out <folder>', 'where to write; default: the folder of the story, else one in the artifacts')
    .option('--keys <file>', keysHelp)
    .action(async (given: readonly string[], options: Options) => {
      const [{ diskFiles }, { incidentFilesOf }] = await Promise.all([
        import('../../adapters/disk/files.ts'),
        import('../../views/files.ts'),
      ])
      const now = new Date()
      const alarm =
        options.alarm === undefined ? null : await instantOf(options.alarm, 'count from the alarm at', now)
      const { name, folder: out, runs } = await runsOf(context, given, options, now)
      const linked = runs.map((run) => ({ ...run, folder: relative(out, run.folder) }))
      const files = incidentFilesOf(name, linked, alarm?.toISOString() ?? null)
      for (const { name: file, body } of files)
        await writeOutput(join(out, file), () => diskFiles.write(join(out, file), body))
      // One line, as of a story; the page lies beside it.
      context.terminal.out(`${join(out, files[0]?.name ?? '')}\n`)
      const bad = runs.filter(({ defects }) => defects.length > 0).length
      if (bad > 0)
        throw new RunbookError(
          'verification',
          `incident ${name}: the evidence of ${bad === 1 ? '1 run' : `${bad} runs`} failed verification`,
          { hint: `the last column of ${join(out, files[0]?.name ?? '')} says why` },
        )
    })
}

type Chosen = { readonly name: string; readonly folder: string; readonly runs: readonly FiledRun[] }

async function runsOf(
  context: CliContext,
  given: readonly string[],
  { story, since, until, target, keys, out }: Options,
  now: Date,
): Promise<Chosen> {
  const ways = [given.length > 0, story !== undefined, since !== undefined].filter((one) => one).length
  if (ways !== 1 || (since === undefined && (until ?? target) !== undefined))
    throw new RunbookError('usage', 'cannot tell which runs the incident has', {
      hint: 'give runs, or --story ID, or --since TIME with --until and --target as needed',
    })
  const [{ evidenceFolders, begunAt, misfiled, verifiedRun }, { verdictOn }, { filesOf }, { storyFolder }] =
    await Promise.all([
      import('../../adapters/evidence/filed-runs.ts'),
      import('../../adapters/evidence/verify.ts'),
      import('../../views/files.ts'),
      import('../../run/record/evidence-folder.ts'),
    ])
  const { trusted, missing } = await keysFrom(context, keys)
  if (missing !== null) throw missing
  const verify = async (folder: string, expected: Parameters<typeof verdictOn>[2] = null) =>
    (await verdictOn(folder, { trusted, filesOf, named: true }, expected)).defects
  const known = await runsByFolder(context)
  const runs: FiledRun[] = []
  const add = (run: FiledRun): void =>
    void runs.push({
      ...run,
      ...(run.record === null ? { known: known(run.folder) } : {}),
      defects: [...run.defects, ...misfiled(story ?? null, run.record, runs)],
    })
  if (given.length > 0) {
    const found = new Map(
      await Promise.all(
        given.map(async (one) => {
          const { folder, expected } = await evidenceOf(context, one)
          return [folder, expected] as const
        }),
      ),
    )
    for (const [folder, expected] of found) add(await verifiedRun(folder, (path) => verify(path, expected)))
    return { ...(await placeOf(context, runs, out)), runs }
  }
  const { artifacts } = await context.loaded()
  const folders = await evidenceFolders(artifacts)
  if (story !== undefined) {
    const folder = storyFolder(artifacts, story)
    for (const one of folders.filter((path) => path.startsWith(`${folder}/`)))
      add(await verifiedRun(one, verify))
    if (runs.length > 0)
      return { name: story, folder: out === undefined ? folder : resolve(context.directory, out), runs }
    throw new RunbookError('usage', `no evidence of story ${story} in ${folder}`, {
      hint: `assign a run to it with --story ${story}`,
    })
  }
  const from = (await instantOf(since ?? '', 'find runs since', now)).toISOString()
  const to = (until === undefined ? now : await instantOf(until, 'find runs until', now)).toISOString()
  // The name of a folder has whole seconds.
  const inTime = (at: string | null): boolean =>
    at === null || (at >= `${from.slice(0, 19)}.000Z` && at <= to)
  for (const folder of folders.filter((path) => inTime(begunAt(path)))) {
    const run = await verifiedRun(folder, verify)
    const { record } = run
    if (record !== null && (!inTime(record.startedAt) || (target ?? record.target) !== record.target))
      continue
    add(run)
  }
  if (runs.length === 0)
    throw new RunbookError('usage', `no run began between ${from} and ${to}`, {
      hint: 'list the runs: runbook history',
    })
  return { ...(await placeOf(context, runs, out)), runs }
}

/** By the first run, so that it is found again and written over. With a folder of their own, reviewers need no configuration. */
async function placeOf(
  context: CliContext,
  runs: readonly FiledRun[],
  out: string | undefined,
): Promise<Pick<Chosen, 'name' | 'folder'>> {
  const { begunAt } = await import('../../adapters/evidence/filed-runs.ts')
  const first = runs.flatMap(({ record, folder }) => record?.startedAt ?? begunAt(folder) ?? []).sort()[0]
  const name = first === undefined ? 'unknown time' : `${first.slice(0, 19).replace('T', ' ')} UTC`
  if (out !== undefined) return { name, folder: resolve(context.directory, out) }
  const stamp = name.replaceAll(/[^0-9a-z]+/gi, '-')
  return { name, folder: join((await context.loaded()).artifacts, `incident-${stamp}`) }
}

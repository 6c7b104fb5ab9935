import { resolve } from 'node:path'
import type { Command } from 'commander'
import { exits, RunbookError } from '../../kernel/errors.ts'
import type { Target } from '../../model/target.ts'
import type { CheckReport } from '../../run/readiness/merge.ts'
import { mustTakeOutput, writeOutput } from '../output-file.ts'
import type { CliContext } from '../context.ts'

type Flags = {
  readonly target?: string
  readonly all?: true
  readonly strict?: true
  readonly deep?: true
  readonly json?: true
  readonly metrics?: string
}

/** What can be read in a check on a timer. Larger files are read with `--deep`. */
const maxBytes = 32 << 20

export function doctorCommand(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('look for everything that would stop a recovery, without changing anything')
    .option('--target <name>', 'look at this target')
    .option('--all', 'look at all targets')
    .option('--strict', 'exit with 3 also for warnings, and for what was not checked')
    .option('--deep', 'read backups and data to their last byte, however large')
    .option('--metrics <file>', 'write the result as a text file for Prometheus')
    .option('--json', 'print one JSON object per line')
    .action(async (flags: Flags) => {
      const targets = await chosenTargets(context, flags)
      const metrics = flags.metrics === undefined ? null : resolve(context.directory, flags.metrics)
      if (metrics !== null) await mustTakeOutput(metrics)
      const [{ withSurroundings }, { examine }, { countOf, doctorText }, { keepDoctor }] = await Promise.all([
        import('../examination.ts'),
        import('../../run/readiness/examine.ts'),
        import('../../views/doctor.ts'),
        import('../last-doctor.ts'),
      ])
      const books = (await (await context.catalog()).fitting(targets)).map(({ book }) => book)
      const reports = await withSurroundings(
        context,
        flags.deep === true ? null : maxBytes,
        async (around) => {
          const all: CheckReport[] = []
          for (const [index, target] of targets.entries())
            all.push(...(await examine(target, books, around, index === 0)))
          return all
        },
      )
      if (metrics !== null) await writeMetrics(metrics, reports)
      await keepDoctor((await context.loaded()).state, reports, {
        at: new Date(),
        targets: targets.map(({ name }) => name),
        mask: context.terminal.redactor,
      })
      const count = countOf(reports)
      const bad = count.problems > 0 || (flags.strict === true && count.warnings + count.unchecked > 0)
      const exit = bad ? exits.preflight.exit : exits.succeeded.exit
      if (flags.json === true) {
        for (const report of reports) context.json({ event: 'check', ...report })
        context.json({ event: 'result', exit, ...count })
      } else context.terminal.show(context.asTyped(doctorText(reports, context.terminal.width())))
      process.exitCode = exit
    })
}

/** @throws RunbookError `usage` where several targets are possible, or both flags are given */
export async function chosenTargets(
  context: CliContext,
  { target: named, all }: Pick<Flags, 'target' | 'all'>,
): Promise<readonly Target[]> {
  if (named !== undefined && all === true)
    throw new RunbookError('usage', '--target and --all exclude each other', { hint: 'give one of them' })
  if (named !== undefined) return [await context.target(named)]
  const { config } = await context.loaded()
  if (all !== true && config.defaultTarget !== undefined) return [await context.target(config.defaultTarget)]
  const targets = await context.targets()
  if (all === true || targets.length === 1) return targets
  throw new RunbookError('usage', 'no target given', {
    hint: `add --all, or --target ${targets.map(({ name }) => name).join(' or --target ')}`,
  })
}

async function writeMetrics(file: string, reports: readonly CheckReport[]): Promise<void> {
  const [{ doctorMetrics }, { diskFiles }] = await Promise.all([
    import('../../views/doctor-metrics.ts'),
    import('../../adapters/disk/files.ts'),
  ])
  // Collectors run as an account of their own.
  const text = doctorMetrics(reports, new Date())
  await writeOutput(file, () => diskFiles.write(file, text, { mode: 0o644 }))
}

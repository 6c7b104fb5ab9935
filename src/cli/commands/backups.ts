import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import type { Target } from '../../model/target.ts'
import { lacking, type CliContext } from '../context.ts'
import { chosenTargets } from './doctor.ts'

type Flags = { readonly target?: string; readonly deep?: true; readonly json?: true }

export function backupsCommand(program: Command, context: CliContext): void {
  const backups = program
    .command('backups')
    .description('list the backups of the database, newest first: what vouches for each, and what proved it')
    .option('--target <name>', 'of this target')
    .option('--deep', 'read all backups to their last byte, however many and large')
    .option('--json', 'print one JSON object per line')
    .action(async (flags: Flags) => {
      const [target] = await chosenTargets(context, flags)
      const { listedBackups, listsBackups, someReading } = await import('../../run/readiness/backup-list.ts')
      if (target === undefined || !listsBackups(target))
        throw new RunbookError(
          'usage',
          `${target?.name ?? 'the target'} has no backups of a database: not configured: ${['database', 'backups'].filter((section) => target?.[section as 'backups'] === undefined).join(', ')}`,
          { hint: 'see `runbook help config backups` and `runbook help config database`' },
        )
      const [{ withSurroundings }, { proofsIn }, { remembered }, { doctorScope }] = await Promise.all([
        import('../examination.ts'),
        import('../../run/readiness/proofs.ts'),
        import('../../run/readiness/remembered.ts'),
        import('../../run/readiness/examine.ts'),
      ])
      const now = new Date()
      const listed = await withSurroundings(context, null, async ({ drivers, journal, mask }) => {
        const { scope, end } = doctorScope()
        try {
          const { look } = remembered(drivers(scope), null)
          const proofs = await proofsIn(journal, target)
          const reading = flags.deep === true ? null : someReading
          return mask.json(await listedBackups(target, look, proofs, now, reading))
        } finally {
          end()
        }
      })
      if (flags.json === true) for (const one of listed) context.json({ target: target.name, ...one })
      else {
        const { backupsText } = await import('../../views/backups.ts')
        const fitting = []
        for (const name of restoring(target))
          if (lacking(await context.runbook(name), target).length === 0) fitting.push(name)
        const { placeName } = await import('../../model/backup-place.ts')
        const { directory } = target.backups
        const place = placeName(target.backups)
        context.terminal.show(
          context.asTyped(
            backupsText(listed, {
              target: target.name,
              directory,
              place,
              now,
              width: context.terminal.width(),
              fitting,
            }),
          ),
        )
      }
    })
  backups
    .command('find-good')
    .description('test backups in throwaways by bisection; name the newest good one and the first bad one')
    .option('--target <name>', 'of this target')
    .option('--dry-run', 'inspect the real system and predict each step; restore nothing')
    .option('--story <id>', 'the story or incident that the evidence belongs to')
    .option('--reason <text>', 'why it is run; recorded in the evidence')
    .option('--json', 'print one JSON object per line: events, then the result')
    .action(async (flags: SearchFlags, command: Command) => {
      const { runByName } = await import('./run.ts')
      const target = await context.choose(await context.runbook('find-good-backup'), flags.target)
      const name = inVolume(target) ? 'find-good-volume-backup' : 'find-good-backup'
      await runByName(context, command, name, wordsOf(flags))
    })
}

type SearchFlags = {
  readonly target?: string
  readonly dryRun?: true
  readonly story?: string
  readonly reason?: string
  readonly json?: true
}

/** The flags as they are typed after the name of the runbook. */
const wordsOf = ({ target, story, reason, dryRun, json }: SearchFlags): readonly string[] => [
  ...Object.entries({ target, story, reason }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  ),
  ...(dryRun === true ? ['--dry-run'] : []),
  ...(json === true ? ['--json'] : []),
]

/** Whether the backups of a target are those of a SQLite database in a volume. */
const inVolume = ({ database, volumeDatabase }: Target): boolean =>
  database === undefined && volumeDatabase !== undefined

/** The runbooks that restore a backup of the target's database, and search for one. */
const restoring = (target: Target): readonly string[] =>
  inVolume(target) ? ['sqlite-restore', 'find-good-volume-backup'] : ['full-db-rollback', 'find-good-backup']

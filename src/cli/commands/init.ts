import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { collect } from '../duties.ts'
import type { InitFlags } from '../initialise.ts'

export function initCommand(program: Command, context: CliContext): void {
  program
    .command('init')
    .description('describe the Compose projects, databases and backups of this machine in runbook.config.ts')
    .option(
      '--file <path>',
      'this Compose file; repeatable, in the order of `docker compose --file`',
      collect,
    )
    .option('--project <name>', 'only this Compose project')
    .option('--yes', 'ask nothing: write what was found, with a comment at what is guessed')
    .option('--tsconfig', 'also write a tsconfig.json, if there is none')
    .option('--json', 'print one JSON object; writes only with --yes')
    .action(async (flags: InitFlags) => {
      const { initialise } = await import('../initialise.ts')
      await initialise(context, flags)
    })
}

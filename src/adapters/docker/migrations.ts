import type { MigrationTool, Migrations } from '../../drivers/migrations.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { refuseUnknown } from '../../kernel/misspelt.ts'
import { filesIn, revisionsIn, revisionsWith } from '../../model/alembic.ts'
import { compose } from './compose.ts'
import { dockerEngine, type DockerEngine } from './connection.ts'
import { runOnce, type Once } from './one-off.ts'

/** Migrations of a project are some hundred short files. */
const maxBytes = 16 * 1024 * 1024

/**
 * Migrations by alembic, in one-offs of a Compose service: with its environment, its network, and the image asked for.
 * `alembic history --verbose` names the file of each revision, and grep prints those with their names before each line: alembic itself
 * tells nothing of what a migration does, and whether its `downgrade()` does anything.
 */
export function composeMigrations({ scope, engine = dockerEngine() }: { readonly scope: Scope; readonly engine?: DockerEngine }): Migrations {
  const command = compose(engine, scope)
  const once = async ({ stack, service, image }: MigrationTool, words: readonly string[], collect?: number): Promise<Once> => {
    if (stack.kind !== 'compose') throw new RunbookError('usage', `the migrations of ${stack.project} need containers`, { hint: 'give the target a Compose stack' })
    const config = await command.config(stack)
    refuseUnknown('service', [service], config.services, stack.project)
    const builtImage = config.builtImage(service)
    return runOnce({ stack, service, words, image, collect: collect ?? null, builtImage: builtImage === null ? null : (image ?? builtImage) }, { engine, command, scope })
  }
  const change = async (tool: MigrationTool, direction: 'upgrade' | 'downgrade', to: string): Promise<void> => {
    const ended = await once(tool, [...tool.command, direction, to], maxBytes)
    scope.output(Buffer.from(ended.stdout))
    if (ended.exitCode !== 0) throw failed(tool, `${direction} to ${to}`, ended)
  }
  return {
    async history(tool) {
      const ended = await once(tool, [...tool.command, 'history', '--verbose'], maxBytes)
      if (ended.exitCode !== 0) throw failed(tool, 'tell the history', ended)
      const told = revisionsIn(ended.stdout)
      const paths = told.flatMap(({ path }) => (path === null ? [] : [path]))
      // 1: there is no line in any of them.
      const files = paths.length === 0 ? null : await once(tool, ['grep', '-H', '', '--', ...paths], maxBytes)
      if (files !== null && files.exitCode > 1) throw failed(tool, 'show its migrations', files)
      return { revisions: revisionsWith(told, filesIn(files?.stdout ?? '', paths)) }
    },
    downgrade: (tool, to) => change(tool, 'downgrade', to),
    upgrade: (tool, to) => change(tool, 'upgrade', to),
  }
}

/** Alembic prints what it refuses as `FAILED: …` on its standard output; what a migration throws ends on the standard error. */
function failed({ service, image, command }: MigrationTool, doing: string, { exitCode, stdout, stderrTail }: Once): RunbookError {
  const why = /^FAILED: (?<why>.*)$/m.exec(stdout)?.groups?.['why'] ?? stderrTail.trim().split('\n').at(-1)?.trim() ?? ''
  return new RunbookError('failed', `${command[0]} in ${image ?? `the image of ${service}`} could not ${doing}: ${why === '' ? `exit code ${exitCode}` : why}`, {
    hint: 'its output is in the log of this step',
  })
}

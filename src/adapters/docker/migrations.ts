import type { DatabaseCopy, MigrationTool, Migrations } from '../../drivers/migrations.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { refuseUnknown } from '../../kernel/did-you-mean.ts'
import { currentIn, filesIn, revisionsIn, revisionsWith } from '../../formats/alembic.ts'
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
export function composeMigrations({
  scope,
  engine = dockerEngine(),
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
}): Migrations {
  const command = compose(engine, scope)
  const once = async (
    { stack, service, image, copy }: MigrationTool,
    words: readonly string[],
    collect?: number,
  ): Promise<Once> => {
    if (stack.kind !== 'compose')
      throw new RunbookError('usage', `the migrations of ${stack.project} need containers`, {
        hint: 'give the target a Compose stack',
      })
    const config = await command.config(stack)
    refuseUnknown('service', [service], config.services, stack.project)
    const builtImage = config.builtImage(service)
    return runOnce(
      {
        stack,
        service,
        words,
        over: overOf(image, copy),
        collect: collect ?? null,
        builtImage: builtImage === null ? null : (image ?? builtImage),
      },
      { engine, command, scope },
    )
  }
  const change = async (
    tool: MigrationTool,
    direction: 'upgrade' | 'downgrade',
    to: string,
  ): Promise<void> => {
    const ended = await once(tool, [...tool.command, direction, to], maxBytes)
    scope.output(Buffer.from(ended.stdout))
    if (ended.exitCode !== 0) throw failed(tool, `${direction} to ${to}`, ended)
  }
  return {
    async current(tool) {
      const ended = await once(tool, [...tool.command, 'current'], maxBytes)
      if (ended.exitCode !== 0) throw failed(tool, 'tell the current revision', ended)
      return currentIn(ended.stdout)
    },
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

/**
 * What the one-off has that the stack's files do not say. Compose merges volumes by their place in the container, so the copy hides the database. It
 * belongs to whoever runs this: root in the container may write to it, as the user of the image may not.
 */
function overOf(image: string | null, copy: DatabaseCopy | null): JsonObject | null {
  if (image === null && copy === null) return null
  return {
    ...(image === null ? {} : { image }),
    ...(copy === null
      ? {}
      : { user: '0:0', volumes: [{ type: 'bind', source: copy.folder, target: copy.at }] }),
  }
}

/** Alembic prints what it refuses as `FAILED: …` on its standard output; what a migration throws ends on the standard error. */
function failed(
  { service, image, command }: MigrationTool,
  doing: string,
  { exitCode, stdout, stderrTail }: Once,
): RunbookError {
  const why =
    /^FAILED: (?<why>.*)$/m.exec(stdout)?.groups?.['why'] ??
    stderrTail.trim().split('\n').at(-1)?.trim() ??
    ''
  return new RunbookError(
    'failed',
    `${command[0]} in ${image ?? `the image of ${service}`} could not ${doing}: ${why === '' ? `exit code ${exitCode}` : why}`,
    {
      hint: 'its output is in the log of this step',
    },
  )
}

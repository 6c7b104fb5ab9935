import type { DatabaseCopy, MigrationTool, Migrations } from '../../drivers/migrations.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { refuseUnknown } from '../../kernel/did-you-mean.ts'
import { currentIn, filesIn, revisionsIn, revisionsWith } from '../../formats/alembic.ts'
import { compose, type ComposeAnswers } from './compose.ts'
import { dockerEngine, type DockerEngine } from './connection.ts'
import { runOnce, type OneOffResult } from './one-off.ts'

/** A project has at most some hundred short migration files. */
const maxBytes = 16 * 1024 * 1024

/**
 * Alembic migrations in one-offs of a Compose service: with its environment, its network and the given image.
 * `alembic history --verbose` names the file of each revision, and grep prints their lines: alembic itself
 * does not show what a migration does, nor whether its `downgrade()` does anything.
 */
export function composeMigrations({
  scope,
  engine = dockerEngine(),
  answers = null,
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
  readonly answers?: ComposeAnswers | null
}): Migrations {
  const command = compose(engine, scope, answers)
  const once = async (
    { stack, service, image, copy }: MigrationTool,
    words: readonly string[],
    collect?: number,
  ): Promise<OneOffResult> => {
    if (stack.kind !== 'compose')
      throw cannot('run', `the migrations of ${stack.project}`, 'not a Compose stack', {
        code: 'usage',
        hint: 'configure a Compose stack for the target',
      })
    const config = await command.config(stack)
    refuseUnknown('service', [service], config.services, stack.project)
    const builtImage = config.builtImage(service)
    return runOnce(
      {
        stack,
        service,
        words,
        override: overrideOf(image, copy),
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
      if (ended.exitCode !== 0) throw failed(tool, 'read the current revision', ended)
      return currentIn(ended.stdout)
    },
    async history(tool) {
      const ended = await once(tool, [...tool.command, 'history', '--verbose'], maxBytes)
      if (ended.exitCode !== 0) throw failed(tool, 'read the history', ended)
      const revisions = revisionsIn(ended.stdout)
      const paths = revisions.flatMap(({ path }) => (path === null ? [] : [path]))
      // Exit code 1 of grep: no file has any line.
      const files = paths.length === 0 ? null : await once(tool, ['grep', '-H', '', '--', ...paths], maxBytes)
      if (files !== null && files.exitCode > 1) throw failed(tool, 'read the migration files', files)
      return { revisions: revisionsWith(revisions, filesIn(files?.stdout ?? '', paths)) }
    },
    downgrade: (tool, to) => change(tool, 'downgrade', to),
    upgrade: (tool, to) => change(tool, 'upgrade', to),
  }
}

/**
 * What overrides the service in the stack's files. Compose merges volumes by their path in the container, so
 * the copy hides the database. The copy belongs to the account that runs this: root in the container can
 * write to it, the image's user cannot.
 */
function overrideOf(image: string | null, copy: DatabaseCopy | null): JsonObject | null {
  if (image === null && copy === null) return null
  return {
    ...(image === null ? {} : { image }),
    ...(copy === null
      ? {}
      : { user: '0:0', volumes: [{ type: 'bind', source: copy.folder, target: copy.at }] }),
  }
}

/** Alembic prints a refusal as `FAILED: …` on stdout; an exception of a migration goes to stderr. */
function failed(
  { service, image, command }: MigrationTool,
  doing: string,
  { exitCode, stdout, stderrTail }: OneOffResult,
): RunbookError {
  const why =
    /^FAILED: (?<why>.*)$/m.exec(stdout)?.groups?.['why'] ??
    stderrTail.trim().split('\n').at(-1)?.trim() ??
    ''
  return new RunbookError(
    'failed',
    `cannot ${doing} with ${command[0]} in ${image ?? `the image of ${service}`}: ${why === '' ? `exit code ${exitCode}` : why}`,
    {
      hint: 'check the output in the log of this step',
    },
  )
}

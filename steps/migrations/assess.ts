import { defineStep, isPending, RunbookError, say, type Database, type MigrationTool, type Revision } from '../../src/index.ts'
import { isTag } from '../images/names.ts'
import { kindOf, revisionOf, wayDown } from './revision.ts'

type Input = {
  readonly database: Database
  readonly tool: MigrationTool
  /** Image of a release, `{tag}` in it. */
  readonly image: string
  /** The release that has the revision; null for the one that the stack's files name. */
  readonly tag: string | null
  /** The revision to go down to; null for one step. */
  readonly to: string | null
}

/** What would be undone, and what it is worth. */
export type Assessment = {
  readonly from: string
  readonly to: string
  readonly tool: MigrationTool
  readonly kind: 'additive' | 'breaking' | 'unclear'
  readonly undone: readonly Revision[]
}

/**
 * Reads where the database is, and through an image that has that revision what lies below it: which migrations would be undone, whether
 * each has a `downgrade()`, and what they did. Nothing has been touched yet.
 */
export const assessMigrations = defineStep<Input, Assessment>({
  kind: 'migrations.assess',
  version: 1,
  effect: 'exercise',
  describe: ({ tag, to, database }) =>
    say`Reads the revision of ${isPending(database) ? database : database.name}, and in a one-off container of ${tag === null ? 'the present image' : isPending(tag) ? say`the image ${tag}, or the present one` : say`the image ${tag}`} the migrations down to ${to === null ? 'the one before' : to}.`,
  preflight: async (look, { database, tag }) => {
    if (!isPending(tag) && tag !== null && !isTag(tag)) {
      return [{ level: 'refuse', about: '--with', problem: `${JSON.stringify(tag)} is no tag of an image`, hint: 'write it as --with 2025-12-20-rc2' }]
    }
    if (isPending(database) || (await revisionOf(look, database)) !== null) return []
    return [{ level: 'refuse', about: database.name, problem: `${database.name} has no migrations that could be undone`, hint: 'look at its table alembic_version' }]
  },
  run: async (io, { database, tool: asked, image, tag, to }) => {
    const tool = tag === null ? asked : { ...asked, image: image.replace('{tag}', tag) }
    const from = await revisionOf(io, database)
    if (from === null) throw new RunbookError('preflight', `${database.name} has no migrations that could be undone`, { hint: 'look at its table alembic_version' })
    const { revisions } = await io.migrations.history(tool)
    const way = wayDown(revisions, from, to, tool.image ?? `the image of ${tool.service}`)
    const stuck = way.undone.find(({ downgrade }) => downgrade !== 'present')
    if (stuck !== undefined) {
      throw new RunbookError('verification', `${stuck.id} (${stuck.message}) ${stuck.downgrade === 'missing' ? 'has no downgrade()' : 'has a downgrade() that does nothing'}`, {
        hint: 'ship a forward-fix migration, or restore the database: runbook run full-db-rollback',
      })
    }
    for (const { id, message, adds, breaks } of way.undone) {
      io.note(`${id} ${message}: adds ${adds.join(', ') || 'nothing known'}; breaks ${breaks.join(', ') || 'nothing known'}`)
    }
    return { from, to: way.to, tool, kind: kindOf(way.undone), undone: way.undone }
  },
})

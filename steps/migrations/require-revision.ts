import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Database,
  type MigrationTool,
} from '../../src/index.ts'
import { revisionOf } from './lib/revision.ts'

type Input = {
  readonly database: Database
  /** Of the image that is to run. */
  readonly tool: MigrationTool
  /**
   * `ahead`: the operator says newer migrations only added to the schema, and the older application works
   * with it.
   */
  readonly schema: 'fits' | 'ahead'
}

export type ImageThatFits = {
  readonly image: string
  readonly revision: string | null
  readonly schema: 'fits' | 'ahead'
}

/**
 * Checks, before anything is touched, that an image contains the revision of the database.
 * An image without it can neither work with the schema nor downgrade it ("Can't locate revision"); one that
 * brings newer migrations would need them applied.
 */
export const requireRevision = defineStep<Input, ImageThatFits>({
  kind: 'migrations.require-revision',
  version: 1,
  effect: 'exercise',
  describe: ({ tool, database }) =>
    say`Checks in a one-off container that ${isPending(tool) ? tool : tool.image} contains the revision of ${isPending(database) ? database : database.name}.`,
  preflight: async (look, { database }) => {
    if (!isPending(database)) await revisionOf(look, database)
    return []
  },
  run: async (io, { database, tool, schema }) => {
    const image = tool.image ?? `the image of ${tool.service}`
    const revision = await revisionOf(io, database)
    const { revisions } = await io.migrations.history(tool)
    const found = revisions.find(({ id }) => id === revision)
    io.note(
      `the database is at ${revision ?? 'no revision'}; the newest in ${image}: ${
        revisions
          .filter(({ head }) => head)
          .map(({ id }) => id)
          .join(', ') || 'no migrations'
      }`,
    )
    if (found === undefined && (revision !== null || revisions.length > 0)) {
      if (schema === 'ahead' && revision !== null) return { image, revision, schema }
      throw new RunbookError(
        'verification',
        `${image} does not contain the revision ${revision ?? '<base>'} that ${database.name} is at, so it can neither work with it nor downgrade it`,
        {
          hint: 'undo the migration too: runbook run migration-downgrade --application roll-back; or, where it only added to the schema, keep it: --schema ahead',
        },
      )
    }
    if (found !== undefined && !found.head) {
      throw new RunbookError(
        'verification',
        `${image} has migrations after ${found.id} that ${database.name} does not have`,
        { hint: 'choose another version with --to' },
      )
    }
    return { image, revision, schema: 'fits' }
  },
})

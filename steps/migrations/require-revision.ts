import {
  defineStep,
  downOf,
  isPending,
  RunbookError,
  say,
  type Database,
  type Io,
  type MigrationTool,
  type Revision,
  type VolumePath,
} from '../../src/index.ts'
import { currentOf, revisionOf, titleOf } from './lib/revision.ts'

type Input = {
  /** A file in a volume is asked through the tool, with the image that the stack's files name. */
  readonly database: Database | VolumePath
  /** Of the image that is to run. */
  readonly tool: MigrationTool
  /** The images of a release, of which the tool's service takes its own; left out where `tool` names the image. */
  readonly images?: readonly { readonly service: string; readonly release: string }[]
  /**
   * `ahead`: the operator says newer migrations only added to the schema, and the older application works
   * with it.
   */
  readonly schema: 'fits' | 'ahead'
  /** What follows where the tool cannot say: a refusal, or only a note. Default: `refuse`. */
  readonly unknown?: 'refuse' | 'report'
}

export type ImageThatFits = {
  readonly image: string
  readonly revision: string | null
  readonly schema: 'fits' | 'ahead' | 'unknown'
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
  // An entrypoint may start the application instead of the tool.
  timeoutSeconds: 300,
  describe: ({ tool, images, database }) => {
    const image = isPending(tool)
      ? tool
      : images === undefined
        ? (tool.image ?? `the image of ${tool.service}`)
        : `the image of ${tool.service} in the release`
    return say`Checks in a one-off container that ${image} contains the revision of ${isPending(database) ? database : titleOf(database)}.`
  },
  preflight: async (look, { database, unknown }) => {
    if (unknown !== 'report' && !isPending(database) && !('path' in database))
      await revisionOf(look, database)
    return []
  },
  run: async (io, { database, tool: configured, images, schema, unknown = 'refuse' }) => {
    const chosen = images?.find(({ service }) => service === configured.service)?.release ?? configured.image
    const tool = { ...configured, image: chosen }
    const image = chosen ?? `the image of ${tool.service}`
    const read = await levelAndHistory(io, database, tool).catch((thrown: unknown) => {
      io.signal.throwIfAborted()
      if (!(thrown instanceof RunbookError)) throw thrown
      const isDown = unknown === 'report' && downOf(thrown) !== undefined
      if (thrown.code !== 'failed' && !isDown) throw thrown
      if (schema === 'fits' && unknown === 'refuse') throw unread(thrown)
      return thrown.message
    })
    if (typeof read === 'string') {
      io.note(`whether ${image} fits ${titleOf(database)} is unknown: ${read}`)
      return { image, revision: null, schema: 'unknown' }
    }
    const { revision, revisions } = read
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
        `${image} does not contain the revision ${revision ?? '<base>'} that ${titleOf(database)} is at, so it can neither work with it nor downgrade it`,
        {
          hint: `undo the migration too: runbook run ${'path' in database ? 'sqlite-downgrade' : 'migration-downgrade --application roll-back'}; or, where it only added to the schema, keep it: --schema ahead`,
        },
      )
    }
    if (found !== undefined && !found.head) {
      throw new RunbookError(
        'verification',
        `${image} has migrations after ${found.id} that ${titleOf(database)} does not have`,
        { hint: 'choose another version with --to' },
      )
    }
    return { image, revision, schema: 'fits' }
  },
})

/** The image in the stack's files reads the level of a database, since it has the revision; the release's may not. */
async function levelAndHistory(
  io: Io,
  database: Database | VolumePath,
  tool: MigrationTool,
): Promise<{ readonly revision: string | null; readonly revisions: readonly Revision[] }> {
  const revision = await currentOf(io, database, { ...tool, image: null })
  return { revision, ...(await io.migrations.history(tool)) }
}

const unread = (thrown: RunbookError): RunbookError =>
  new RunbookError(thrown.code, thrown.message, {
    cause: thrown.cause,
    hint: `${thrown.hint ?? 'check the log of this step'}; to go on without this check: --schema ahead`,
  })

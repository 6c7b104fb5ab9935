import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  type Database,
  type Finding,
  type Look,
  type MigrationTool,
  type Revision,
  type VolumePath,
} from '../../src/index.ts'
import { liveFileAt, requireSameLiveFile, type LiveFile } from '../databases/lib/live-file.ts'
import { presentOf, requireLiveAsShown } from '../databases/lib/ours.ts'
import { requireAsShown } from '../files/lib/ours.ts'
import { isTag } from '../images/lib/names.ts'
import { currentOf, kindOf, revisionOf, titleOf, downgradePath } from './lib/revision.ts'

type Input = {
  /** A file in a volume is asked through the tool, since only containers can open it. */
  readonly database: Database | VolumePath
  readonly tool: MigrationTool
  /** Image of a release, `{tag}` in it. */
  readonly image: string
  /**
   * Replaces `{tag}`: the tag of the release that has the revision; null for the image in the stack's
   * files.
   */
  readonly tag: string | null
  /** The revision to downgrade to; null for one step. */
  readonly to: string | null
}

/** The migrations that would be undone, newest first, and whether they only add to the schema. */
export type Assessment = {
  readonly from: string
  readonly to: string
  readonly tool: MigrationTool
  readonly kind: 'additive' | 'breaking' | 'unclear'
  readonly undone: readonly Revision[]
  /** What was assessed: a file in a volume, or the instance of a database, as in `Identity`. Missing in older journals. */
  readonly live?: LiveFile
  readonly instance?: string
  readonly tableIds?: readonly string[] | null
}

/**
 * Reports which migrations a downgrade would undo, what each did, and whether it has a `downgrade()`.
 * The history is read in a container of an image that has the database's revision. Nothing is changed.
 */
export const assessMigrations = defineStep<Input, Assessment>({
  kind: 'migrations.assess',
  version: 1,
  effect: 'exercise',
  describe: ({ tag, to, database }) => {
    const image =
      tag === null
        ? 'the present image'
        : isPending(tag)
          ? say`the image ${tag}, or the present one`
          : `the image ${tag}`
    const title = isPending(database) ? database : titleOf(database)
    return say`Reads the revision of ${title}, and the migrations down to ${to ?? 'the previous one'} in a one-off container of ${image}.`
  },
  preflight: async (look, { database, tag, image }) => {
    if (typeof tag === 'string' && !isPending(image) && !fits(image, tag)) {
      return [
        {
          level: 'refuse',
          about: '--with',
          problem: `${JSON.stringify(tag)} is not an image ${image === '{tag}' ? 'name' : 'tag'}`,
          hint: 'write it as --with 2025-12-20-rc2',
        },
      ]
    }
    return isPending(database) ? [] : requireMigrations(look, database)
  },
  run: async (io, { database, tool: configured, image, tag, to }) => {
    const tool = tag === null ? configured : { ...configured, image: image.replace('{tag}', tag) }
    const from = await currentOf(io, database, tool)
    if (from === null)
      throw new RunbookError('preflight', `no migrations to undo in ${titleOf(database)}`, {
        hint: 'check its table alembic_version',
      })
    const { revisions } = await io.migrations.history(tool)
    const path = downgradePath(revisions, from, to, tool.image ?? `the image of ${tool.service}`)
    const oneWay = path.undone.find(({ downgrade }) => downgrade !== 'present')
    if (oneWay !== undefined) {
      throw cannot(
        'undo',
        `${oneWay.id} (${oneWay.message})`,
        oneWay.downgrade === 'missing' ? 'it has no downgrade()' : 'its downgrade() does nothing',
        {
          code: 'verification',
          hint: 'ship a forward-fix migration, or restore the database: runbook run full-db-rollback',
        },
      )
    }
    for (const { id, message, adds, breaks } of path.undone) {
      io.note(
        `${id} ${message}: adds ${adds.join(', ') || 'nothing known'}; breaks ${breaks.join(', ') || 'nothing known'}`,
      )
    }
    const seen = 'path' in database ? { live: await liveFileAt(io, database) } : await presentOf(io, database)
    return { from, to: path.to, tool, kind: kindOf(path.undone), undone: path.undone, ...seen }
  },
  stillHolds: async (look, { input: { database }, output: { from, live, ...present } }) => {
    await requireSameLiveFile(look, live)
    if ('path' in database) return
    await requireLiveAsShown(look, database, present)
    requireAsShown(`the revision of ${database.name}`, await revisionOf(look, database), from)
  },
})

const fits = (image: string, tag: string): boolean =>
  image === '{tag}' ? /^[a-z0-9][\w./:-]{0,254}$/.test(tag) : isTag(tag)

async function requireMigrations(look: Look, database: Database | VolumePath): Promise<readonly Finding[]> {
  if ('path' in database) {
    const facts = await look.volumes.stat(database)
    if (facts?.kind === 'file') return []
    return [
      {
        level: 'refuse',
        about: database.path,
        problem: `no migrations to undo: ${titleOf(database)} ${facts === null ? 'not found' : `is a ${facts.kind}, not a file`}`,
        hint: 'check volumeDatabase.path in runbook.config.ts',
      },
    ]
  }
  if ((await revisionOf(look, database)) !== null) return []
  return [
    {
      level: 'refuse',
      about: database.name,
      problem: `no migrations to undo in ${database.name}`,
      hint: 'check its table alembic_version',
    },
  ]
}

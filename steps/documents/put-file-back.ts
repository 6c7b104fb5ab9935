import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  type FilePlace,
  type Io,
  type Look,
  type Ownership,
  type UndoGuard,
} from '../../src/index.ts'
import type { ComparedFile } from './compare-file.ts'
import {
  withPath,
  copyBeside,
  placeFile,
  leftoverOf,
  removeAt,
  fileStateOf,
  type FileState,
} from '../files/lib/file-place.ts'
import type { FoundFile } from './find-in-tree.ts'
import { notOurs } from '../files/lib/ours.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import { requireSameFile } from '../files/lib/same-file.ts'
import type { Staging } from '../files/staging.ts'

type Input = {
  readonly at: FilePlace
  readonly found: FoundFile
  readonly compared: ComparedFile
  readonly staging: Staging
  /** Used where there is no present file to take it from. */
  readonly ownership: Ownership
}
type Before = {
  readonly present: FileState | null
  readonly kept: string
  readonly through: string
  readonly ownership: Ownership
}

/** `kept`: path of the previous file; null where there was none. */
export type FilePutBack = { readonly path: string; readonly sha256: string; readonly kept: string | null }

/**
 * Replaces a file by the one of the backup in one step, with the present owner and mode, and keeps the
 * present one beside it. The kept name starts with `corrupt-`, so that no search for the document finds it.
 * Undone by putting the kept file back.
 * @throws RunbookError `failed` where the file changed meanwhile
 */
export const putFileBack = defineStep<Input, FilePutBack, Before>({
  kind: 'files.put-file-back',
  version: 1,
  effect: 'change',
  timeoutSeconds: 1800,
  describe: ({ compared }) =>
    say`Keeps the present file and replaces ${isPending(compared) ? compared : compared.path} with the one from the backup, with the same owner and mode; reads it back.`,
  survey: async (look, { at, compared: { path, present }, staging, ownership }) => {
    const now = await fileStateOf(look, withPath(at, path))
    if (now?.sha256 !== present?.sha256)
      throw new RunbookError('failed', `${path} has changed since it was compared`, {
        hint: 'find out what writes to it, then start again',
      })
    const owned = now === null ? ownership : { uid: now.uid, gid: now.gid, mode: now.mode }
    return {
      present: now,
      kept: `${folderOf(path)}/corrupt-${look.run.id}-${lastOf(path)}`,
      through: `${staging.folder}/present`,
      ownership: owned,
    }
  },
  predict: ({ input: { found, compared }, before }) => ({
    output:
      before === undefined || isPending(found) || isPending(compared)
        ? null
        : outputOf(found, compared, before),
    changes:
      before === undefined || isPending(compared)
        ? []
        : [
            `${compared.path} is replaced with the file from the backup`,
            ...(before.present === null ? [] : [`the present file is kept as ${before.kept}`]),
          ],
  }),
  run: async (io, { input: { at, found, compared }, before }) => {
    const { present, kept, through, ownership } = before
    const place = withPath(at, compared.path)
    await requireSameFile(io, found.file, found.sha256, 'it was found')
    if (present !== null && (await fileStateOf(io, place))?.sha256 === present.sha256) {
      await removeAt(io, withPath(at, kept))
      await copyBeside(io, place, kept, through, ownership)
    }
    await placeFile(io, found.file, place, ownership)
    return outputOf(found, compared, before)
  },
  probe: async (look, { input, before, way }) => {
    const { at, found, compared } = input
    const [now, aside] = [
      await fileStateOf(look, withPath(at, compared.path)),
      await fileStateOf(look, withPath(at, before.kept)),
    ]
    const unfinished =
      (await leftoverOf(look, withPath(at, compared.path))) ||
      (await leftoverOf(look, withPath(at, before.kept)))
    if (!unfinished && aside === null && same(now, before.present)) return { is: 'absent' }
    const restored =
      now?.sha256 === found.sha256 &&
      (before.present === null
        ? at.inside === null || owned(now, before.ownership)
        : owned(now, before.ownership))
    if (way === 'forward' && !unfinished && restored && aside?.sha256 === before.present?.sha256)
      return { is: 'done', output: outputOf(found, compared, before) }
    const state =
      now === null
        ? 'missing'
        : restored
          ? 'the one from the backup'
          : same(now, before.present)
            ? 'unchanged'
            : 'a different file'
    return {
      is: 'torn',
      why: `${compared.path} is ${state}${unfinished ? ', with an unfinished copy beside it' : ''}`,
    }
  },
  rerunnable: true,
  undoGuards: ({ input: { at, found, compared }, before: { present, kept } }) => [
    mustBeOneOf(withPath(at, compared.path), [found.sha256, ...(present === null ? [] : [present.sha256])]),
    mustBeOneOf(withPath(at, kept), present === null ? [] : [present.sha256]),
  ],
  undo: async (io, { input, before }) => restorePresent(io, input, before),
})

/** A missing file passes: nothing is lost by restoring it. */
const mustBeOneOf = (place: FilePlace, digests: readonly string[]): UndoGuard => ({
  of: [{ filePlace: place }],
  check: async (look) => {
    const now = await fileStateOf(look, place)
    if (now !== null && !digests.includes(now.sha256))
      throw notOurs(place.path, 'was changed from outside during the run')
  },
})

async function restorePresent(
  io: Io,
  { at, found, compared, staging }: Input,
  { present, kept, through, ownership }: Before,
): Promise<void> {
  // A run that was killed at its end may have emptied staging already.
  await io.files.makeFolder(staging.folder)
  const place = withPath(at, compared.path)
  const now = await fileStateOf(io, place)
  if (now !== null && now.sha256 !== found.sha256 && now.sha256 !== present?.sha256) {
    throw cannot('restore', compared.path, 'changed by another process', {
      code: 'failed',
      hint: `check its contents; the previous file is ${kept}`,
    })
  }
  if (present === null) await removeAt(io, place)
  else if (now?.sha256 !== present.sha256 || (await leftoverOf(io, place)))
    await copyBeside(io, await sourceOf(io, at, place, kept, present), compared.path, through, ownership)
  await removeAt(io, withPath(at, kept))
  await io.files.removeTree(through)
}

/** The kept copy, or the file itself where it is unchanged. */
async function sourceOf(
  look: Pick<Look, 'files' | 'volumes'>,
  at: FilePlace,
  place: FilePlace,
  kept: string,
  present: FileState,
): Promise<FilePlace> {
  for (const one of [withPath(at, kept), place])
    if ((await fileStateOf(look, one))?.sha256 === present.sha256) return one
  throw cannot('restore', place.path, `its copy ${kept} is missing or changed`, {
    code: 'failed',
    hint: 'restore it from another backup',
  })
}

const owned = (one: Ownership, { uid, gid, mode }: Ownership): boolean =>
  one.uid === uid && one.gid === gid && one.mode === mode
const same = (one: FileState | null, other: FileState | null): boolean =>
  one === null || other === null ? one === other : one.sha256 === other.sha256 && owned(one, other)
const outputOf = ({ sha256 }: FoundFile, { path }: ComparedFile, { present, kept }: Before): FilePutBack => ({
  path,
  sha256,
  kept: present === null ? null : kept,
})

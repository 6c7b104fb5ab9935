import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Io,
  type Look,
  type StackImages,
  type UndoGuard,
} from '../../src/index.ts'
import { fileThing, notOurs } from '../files/lib/ours.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import type { Captured } from './capture-images.ts'
import { historyLine, type ImageLock } from './lib/lock-file.ts'
import type { SavedImages } from './save-images.ts'
import { textOrNull } from './lib/texts.ts'

type Input = {
  readonly images: StackImages
  readonly captured: Captured
  /** Null where no tar files were requested. */ readonly saved: SavedImages | null
}

/** The text of a file before and after; null where there is no file. */
export type FileEdit = {
  readonly path: string
  readonly old: string | null
  readonly next: string | null
  /** Of a new file; default 0600. */
  readonly mode?: number
}

/** Lock files are committed, and others read the checkout. */
const committed = 0o644

type Before = { readonly exchanges: readonly FileEdit[] }
type Output = { readonly lock: string; readonly files: readonly string[] }

/**
 * Writes the lock file, the history and the pointers of a snapshot: all of them or none.
 * All are journaled before the first is written, so a crash in between is completed or undone.
 * The pointers come last, `.iid` at the very end.
 */
export const writePointers = defineStep<Input, Output, Before>({
  kind: 'images.write-pointers',
  version: 1,
  effect: 'change',
  describe: ({ images, captured }) =>
    isPending(images)
      ? 'Writes lock, history and pointers.'
      : say`Writes ${isPending(captured) ? 'a lock file' : captured.lock}, a line in ${images.history} and the pointers ${images.pointers}*; all of them or none.`,
  survey: async (look, { images, captured, saved }) => {
    const old = new Map<string, string | null>()
    for (const path of pathsOf(images, captured)) old.set(path, await textOrNull(look, path))
    return { exchanges: editsFor(images, captured, saved, (path) => old.get(path) ?? null) }
  },
  predict: ({ input: { captured }, before }) =>
    isPending(captured) || before === undefined
      ? { output: null }
      : {
          output: outputOf(captured, before),
          changes: before.exchanges.map(
            ({ path, old, next }) =>
              `${path} is ${next === null ? 'removed' : old === null ? 'created' : 'changed'}`,
          ),
        },
  run: async (io, { input: { captured }, before }) => {
    for (const folder of new Set(before.exchanges.map(({ path }) => folderOf(path))))
      await io.files.makeFolder(folder)
    for (const edit of before.exchanges) await writeOrRemove(io, edit, edit.next)
    return outputOf(captured, before)
  },
  probe: async (look, { input: { captured }, before, way }) => {
    const now = await Promise.all(
      before.exchanges.map(async (one) => ({ ...one, text: await textOrNull(look, one.path) })),
    )
    const done = now.every(({ text, next }) => text === next)
    const absent = now.every(({ text, old }) => text === old)
    if (absent && (way === 'back' || !done)) return { is: 'absent' }
    if (done) return { is: 'done', output: outputOf(captured, before) }
    const foreign = now.filter(({ text, old, next }) => text !== old && text !== next)
    if (foreign.length > 0)
      return { is: 'unknown', why: `another process wrote ${foreign.map(({ path }) => path).join(', ')}` }
    return {
      is: 'torn',
      why: `only ${now
        .filter(({ text, next }) => text === next)
        .map(({ path }) => path)
        .join(', ')} of ${now.length} files match the snapshot`,
    }
  },
  rerunnable: true,
  undoGuards: ({ before: { exchanges } }) => exchanges.map(mustHold),
  undo: async (io, { before }) => {
    for (const edit of before.exchanges.toReversed()) await writeOrRemove(io, edit, edit.old)
  },
})

const mustHold = ({ path, old, next }: FileEdit): UndoGuard => ({
  of: [fileThing(path)],
  check: async (look) => {
    const text = await textOrNull(look, path)
    if (text !== old && text !== next) throw notOurs(path, 'was changed from outside during the run')
  },
})

const outputOf = ({ lock }: Captured, { exchanges }: Before): Output => ({
  lock,
  files: exchanges.map(({ path }) => path),
})

const writeOrRemove = (io: Io, { path, mode }: FileEdit, text: string | null): Promise<void> =>
  text === null ? io.files.removeTree(path) : io.files.write(path, text, mode === undefined ? {} : { mode })

const endings = ['tarpath', 'tag', 'iid'] as const

export const pointerOf = (
  { folder, pointers }: StackImages,
  env: string,
  ending: (typeof endings)[number],
): string => `${folder}/${pointers}${env}.${ending}`

export const latestOf = ({ releases, locks }: StackImages): string => `${releases}/${locks}.latest.path`

function pathsOf(images: StackImages, { lock, images: captured }: Captured): readonly string[] {
  return [
    lock,
    latestOf(images),
    images.history,
    ...captured.flatMap(({ env }) => endings.map((ending) => pointerOf(images, env, ending))),
  ]
}

/** Relative to the checkout, as teams write it. */
const relativeTo = (folder: string, path: string): string =>
  path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path

/** The new text of each file. A pointer holds one value without a newline, as the team's scripts read it. */
export function editsFor(
  images: StackImages,
  captured: Captured,
  saved: SavedImages | null,
  oldOf: (path: string) => string | null,
): readonly FileEdit[] {
  const lock: ImageLock = {
    _note: 'Images as they were before a change; go back with stack-rollback --from-lock',
    created_at: captured.takenAt,
    repo_head: captured.head,
    images: captured.images.map(({ env, composeFile, service, canonical, imageId, tag, tar }) => ({
      env,
      compose_file: composeFile,
      service,
      compose_image: canonical,
      snap_ts_utc: captured.stamp,
      image_id: imageId,
      archival_tag: tag,
      // A committed file must not show the folders of this machine; the snapshots' folder is configured.
      backup_tar: saved === null ? null : lastOf(tar),
    })),
  }
  const history = oldOf(images.history) ?? ''
  if (history !== '' && !history.endsWith('\n')) {
    throw new RunbookError('failed', `${images.history} ends in the middle of a line`, {
      hint: 'fix its last line, or end it with a newline',
    })
  }
  const next = new Map<string, string | null>([
    [captured.lock, `${JSON.stringify(lock, null, 2)}\n`],
    [latestOf(images), relativeTo(images.environments[0]?.stack.directory ?? '/', captured.lock)],
    [
      images.history,
      history +
        lock.images
          .map((image, index) =>
            historyLine({
              ...image,
              backup_tar: saved === null ? null : (captured.images[index]?.tar ?? null),
            }),
          )
          .join(''),
    ],
  ])
  for (const { env, imageId, tag, tar } of captured.images) {
    // Left as it was, it would name the tar file of another image.
    next.set(pointerOf(images, env, 'tarpath'), saved === null ? null : tar)
    next.set(pointerOf(images, env, 'tag'), tag)
    next.set(pointerOf(images, env, 'iid'), imageId)
  }
  const shared = [captured.lock, latestOf(images)]
  return [...next].map(([path, text]) => ({
    path,
    old: oldOf(path),
    next: text,
    ...(shared.includes(path) ? { mode: committed } : {}),
  }))
}

export const readPointer = async (
  look: Look,
  images: StackImages,
  env: string,
  ending: (typeof endings)[number],
): Promise<string | null> => (await textOrNull(look, pointerOf(images, env, ending)))?.trim() || null

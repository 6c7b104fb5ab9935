import {
  defineStep,
  failureOf,
  isPending,
  manifestFiles,
  say,
  type Look,
  type UndoGuard,
} from '../../src/index.ts'
import { fileThing, notOurs } from '../files/lib/ours.ts'
import type { Captured } from './capture-images.ts'

type Input = { readonly captured: Captured; readonly folder: string }
type Before = { readonly tars: readonly string[] }
export type SavedImages = { readonly tars: readonly string[] }

/**
 * Saves each image of the snapshot as a tar file, reads it back and signs its manifest. Undone by removing the
 * files.
 */
export const saveImages = defineStep<Input, SavedImages, Before>({
  kind: 'images.save',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ captured, folder }) =>
    isPending(captured)
      ? say`Saves each image as a tar file in ${folder}, reads it back and signs its manifest.`
      : say`Saves ${captured.images.map(({ tag }) => tag)} as tar files in ${folder}, reads them back and signs their manifests.`,
  survey: async (_look, { captured }) => ({ tars: captured.images.map(({ tar }) => tar) }),
  predict: ({ input: { captured }, before }) =>
    isPending(captured) || before === undefined
      ? { output: null }
      : {
          output: before,
          changes: before.tars.map((tar) => `${tar} is created`),
          bytes: captured.images.reduce((sum, { bytes }) => sum + bytes, 0),
        },
  run: async (io, { input: { captured, folder }, before }) => {
    await io.files.makeFolder(folder)
    for (const { tag, tar, imageId } of captured.images) {
      const begun = io.clock.now().toISOString()
      for (const path of manifestFiles(tar)) await io.files.removeTree(path)
      await io.images.save(tag, tar)
      const bytes = (await io.files.stat(tar))?.bytes ?? 0
      await io.backups.sign(
        { file: tar, bytes, sha256: await io.files.hash(tar) },
        { source: { kind: 'images', system: imageId, name: tag }, begun, tools: [], rows: null },
      )
    }
    return before
  },
  probe: async (look, { input: { captured }, before }) => {
    const missing = (
      await Promise.all(before.tars.map(async (tar) => ({ tar, there: await isPresent(look, tar) })))
    ).filter(({ there }) => !there)
    if (missing.length === before.tars.length) return { is: 'absent' }
    if (missing.length > 0)
      return { is: 'torn', why: `${missing.map(({ tar }) => tar).join(', ')} is missing` }
    for (const { imageId, tar } of captured.images) {
      const [manifest] = manifestFiles(tar)
      if ((await look.files.stat(manifest)) === null)
        return { is: 'torn', why: `${manifest} does not exist yet` }
      const contains = await look.images.archived(tar).then(
        (all) => all.some(({ ids }) => ids.includes(imageId)),
        (thrown: unknown) => failureOf(thrown).message,
      )
      if (contains !== true)
        return { is: 'torn', why: contains === false ? `${tar} does not contain ${imageId}` : contains }
    }
    return { is: 'done', output: before }
  },
  rerunnable: true,
  undoGuards: ({ input: { captured } }) => captured.images.map(mustHaveImage),
  undo: async (io, { before }) => {
    for (const tar of before.tars)
      for (const path of [...manifestFiles(tar), tar, `${tar}.partial`]) await io.files.removeTree(path)
  },
})

/** A tar file that cannot be read may be a damaged one of this run, so it is no reason for doubt. */
const mustHaveImage = ({ tar, imageId }: Captured['images'][number]): UndoGuard => ({
  of: [fileThing(tar)],
  check: async (look) => {
    if ((await look.files.stat(tar)) === null) return
    const found = await look.images.archived(tar).catch(() => null)
    if (found === null || found.some(({ ids }) => ids.includes(imageId))) return
    throw notOurs(tar, `contains no image ${imageId}: it was replaced from outside during the run`)
  },
})

/** A partial file left by a kill counts too: it has to be removed. */
const isPresent = async (look: Look, tar: string): Promise<boolean> =>
  (
    await Promise.all([tar, `${tar}.partial`, ...manifestFiles(tar)].map((path) => look.files.stat(path)))
  ).some((facts) => facts !== null)

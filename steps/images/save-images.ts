import { defineStep, failureOf, isPending, say, type Look } from '../../src/index.ts'
import type { Captured } from './capture-images.ts'

type Input = { readonly captured: Captured; readonly folder: string }
type Before = { readonly tars: readonly string[] }
export type SavedImages = { readonly tars: readonly string[] }

/** Saves each image of the snapshot as a tar file and reads it back. Undone by removing the files. */
export const saveImages = defineStep<Input, SavedImages, Before>({
  kind: 'images.save',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ captured, folder }) =>
    isPending(captured)
      ? say`Saves each image as a tar file in ${folder}, and reads it back.`
      : say`Saves ${captured.images.map(({ tag }) => tag)} as tar files in ${folder}, and reads them back.`,
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
    for (const { tag, tar } of captured.images) await io.images.save(tag, tar)
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
  undo: async (io, { before }) => {
    for (const tar of before.tars) for (const path of [tar, `${tar}.partial`]) await io.files.removeTree(path)
  },
})

/** A partial file left by a kill counts too: it has to be removed. */
const isPresent = async (look: Look, tar: string): Promise<boolean> =>
  (await look.files.stat(tar)) !== null || (await look.files.stat(`${tar}.partial`)) !== null

import { defineStep, isPending, say, type Look } from '../../src/index.ts'
import { requireAsShown } from '../files/lib/ours.ts'
import type { WantedName } from './choose-image.ts'
import { mustPointAt } from './lib/ours.ts'

type Input = { readonly names: readonly WantedName[] }
type Before = { readonly was: readonly { readonly reference: string; readonly imageId: string | null }[] }

/** The images under their new names. */
export type TaggedImages = { readonly names: readonly WantedName[] }

/**
 * Tags images with the references that they are to have. Undone by giving each tag back to the image that
 * had it; no image is lost with a tag.
 */
export const tagImages = defineStep<Input, TaggedImages, Before>({
  kind: 'images.tag',
  version: 1,
  effect: 'change',
  describe: ({ names }) =>
    isPending(names)
      ? say`Tags the images with their names: ${names}.`
      : say`Tags ${names.map(({ imageId, reference }) => `${imageId.slice(0, 19)} as ${reference}`)}.`,
  survey: async (look, { names }) => ({
    was: await Promise.all(
      names.map(async ({ reference, was }) => {
        const now = await imageIdOf(look, reference)
        // A tar file that this run loaded may have brought the name with it.
        if (!names.some(({ imageId }) => imageId === now)) requireAsShown(reference, now, was, 'retag')
        return { reference, imageId: now }
      }),
    ),
  }),
  predict: ({ input: { names } }) =>
    isPending(names)
      ? { output: null }
      : {
          output: { names },
          changes: names.map(({ imageId, reference }) => `${reference} points at ${imageId}`),
        },
  run: async (io, { input: { names } }) => {
    for (const { imageId, reference } of names) await io.images.tag(imageId, reference)
    return { names }
  },
  probe: async (look, { input: { names }, before: { was }, way }) => {
    const now = new Map(
      await Promise.all(
        names.map(async ({ reference }) => [reference, await imageIdOf(look, reference)] as const),
      ),
    )
    const done = names.every(({ reference, imageId }) => now.get(reference) === imageId)
    const absent = was.every(({ reference, imageId }) => now.get(reference) === imageId)
    if (absent && (way === 'back' || !done)) return { is: 'absent' }
    if (done) return { is: 'done', output: { names } }
    return {
      is: 'torn',
      why: [...now]
        .map(([reference, imageId]) => `${reference} points at ${imageId ?? 'no image'}`)
        .join(', '),
    }
  },
  rerunnable: true,
  undoGuards: ({ input: { names }, before: { was } }) =>
    was.map(({ reference, imageId }) => {
      const ours = names.filter((name) => name.reference === reference).map((name) => name.imageId)
      return mustPointAt(reference, [imageId, ...ours])
    }),
  undo: async (io, { before: { was } }) => {
    for (const { reference, imageId } of was) {
      if (imageId === null) await io.images.untag(reference)
      else await io.images.tag(imageId, reference)
    }
  },
})

const imageIdOf = async (look: Look, reference: string): Promise<string | null> =>
  (await look.images.find(reference))?.id ?? null

import { defineStep, isPending, say } from '../../src/index.ts'

type Input = { readonly image: string; readonly when: 'always' | 'missing' }
export type FetchedImage = { readonly image: string; readonly id: string; readonly pulled: boolean }

/**
 * Has the image of a version on this machine before anything is touched, and says its id, by which what runs is compared later. An image
 * more in the engine's store changes no service, so it stays where the run goes back.
 */
export const fetchImage = defineStep<Input, FetchedImage>({
  kind: 'releases.fetch-image',
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 900,
  describe: ({ image, when }) => say`Pulls ${image}${when === 'missing' ? ' where it is missing' : ''}.`,
  predict: ({ input: { image } }) => ({ output: isPending(image) ? null : { image } }),
  run: async (io, { image, when }) => {
    const there = when === 'missing' ? await io.images.find(image) : null
    const { id } = there ?? (await io.images.pull(image))
    io.note(`${image} is ${id}`)
    return { image, id, pulled: there === null }
  },
})

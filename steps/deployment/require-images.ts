import { defineStep, isPending, RunbookError, say, type Look } from '../../src/index.ts'
import { otherImages, observeServices } from './lib/bring-up-proof.ts'
import type { Wanted } from '../images/choose-image.ts'
import type { TaggedImages } from '../images/tag-images.ts'

type Naming = { readonly imageId: string; readonly reference: string }
type Input = {
  readonly wanted: Wanted
  /** Canonical image names, each with the image that it names now. */
  readonly names: readonly Naming[]
}
type Output = {
  readonly services: readonly { readonly env: string; readonly service: string; readonly imageId: string }[]
}

/**
 * Compares the running images with the intended ones again after the health checks. Detects services that
 * failed or were recreated meanwhile.
 * @throws RunbookError `failed` where they differ
 */
export const requireImages = defineStep<Input, Output>({
  kind: 'images.require',
  version: 1,
  effect: 'observe',
  describe: ({ wanted }) =>
    isPending(wanted)
      ? 'Compares the running images with the intended ones.'
      : say`Compares the images that ${wanted.images.map(({ environment: { service } }) => service)} run with the intended ones, by image id.`,
  predict: async ({ input: { wanted, names } }) => ({
    output: isPending(wanted) || isPending(names) ? null : outputOf(wanted, names),
  }),
  run: async (look, { wanted, names }) => {
    const mismatches = await mismatchesOf(look, wanted, names)
    if (mismatches.length > 0)
      throw new RunbookError(
        'failed',
        `the services do not run the intended images: ${mismatches.join('; ')}`,
        {
          hint: 'check: docker ps --all',
        },
      )
    return outputOf(wanted, names)
  },
})

const mismatchesOf = async (look: Pick<Look, 'services'>, wanted: Wanted, names: TaggedImages['names']) => {
  const input = { proof: 'image', wanted, choice: { names } } as const
  return otherImages(input, await observeServices(look, input))
}

const outputOf = (wanted: Wanted, names: readonly Naming[]): Output => ({
  services: wanted.images.map(({ environment: { name, service, canonical }, imageId }) => ({
    env: name,
    service,
    imageId: names.find(({ reference }) => reference === canonical)?.imageId ?? imageId,
  })),
})

import { defineStep, isPending, RunbookError, say, type Look, type UndoGuard } from '../../src/index.ts'
import { notOurs } from '../files/lib/ours.ts'
import { fullName } from '../services/lib/declared-images.ts'
import type { Wanted } from './choose-image.ts'
import { mustPointAt } from './lib/ours.ts'

type Input = { readonly wanted: Wanted }
type Before = {
  readonly missing: readonly { readonly tar: string; readonly ids: readonly string[] }[]
  /** Names in the tar files, each with the image that had it before. */
  readonly names: readonly { readonly reference: string; readonly imageId: string | null }[]
}

/** `names`: as in {@link Wanted}, with the ids under which the engine knows the images after loading. */
export type LoadedImages = { readonly loaded: readonly string[]; readonly names: Wanted['names'] }

/**
 * Loads the images that are not on this machine from their tar files.
 * Undone by removing them and giving back the names that they took.
 */
export const loadImages = defineStep<Input, LoadedImages, Before>({
  kind: 'images.load',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ wanted }) => {
    if (isPending(wanted)) return 'Loads the images that are not on this machine from their tar files.'
    const tars = wanted.images.flatMap(({ tar }) => (tar === null ? [] : [tar]))
    return tars.length === 0 ? 'Loads nothing: every image is on this machine.' : say`Loads ${tars}.`
  },
  survey: async (look, { wanted }) => {
    const missing = await Promise.all(
      [...new Map(wanted.images.map((one) => [one.imageId, one])).values()].flatMap((one) =>
        one.tar === null ? [] : [findInTar(look, one.imageId, one.tar)],
      ),
    )
    const names = [...new Set(missing.flatMap(({ tags }) => tags))]
    return {
      missing: missing.map(({ tar, ids }) => ({ tar, ids })),
      names: await Promise.all(
        names.map(async (reference) => ({
          reference,
          imageId: (await look.images.find(reference))?.id ?? null,
        })),
      ),
    }
  },
  predict: ({ input: { wanted }, before }) =>
    isPending(wanted) || before === undefined
      ? { output: null }
      : {
          output: { loaded: before.missing.map(({ tar }) => tar), names: wanted.names },
          changes: before.missing.map(({ tar }) => `the image in ${tar} is loaded`),
        },
  run: async (io, { input: { wanted }, before }) => {
    for (const { tar } of before.missing) await io.images.load(tar)
    return outputOf(io, wanted, before)
  },
  probe: async (look, { input: { wanted }, before: { missing, names }, way }) => {
    const found = await Promise.all(missing.map(({ ids }) => findLoaded(look, ids)))
    const moved = (
      await Promise.all(
        names.map(
          async ({ reference, imageId }) => ((await look.images.find(reference))?.id ?? null) !== imageId,
        ),
      )
    ).some(Boolean)
    if (way === 'back')
      return found.every((id) => id === null) && !moved
        ? { is: 'absent' }
        : { is: 'torn', why: 'images or names from the tar files still exist' }
    if (found.every((id) => id !== null))
      return { is: 'done', output: await outputOf(look, wanted, { missing, names }) }
    return found.every((id) => id === null)
      ? { is: 'absent' }
      : { is: 'torn', why: 'only some of the images are loaded' }
  },
  rerunnable: true,
  undoGuards: ({ input: { wanted }, before: { missing, names } }) => [
    ...names.map(({ reference, imageId }) =>
      mustPointAt(reference, [imageId, ...missing.flatMap(({ ids }) => ids)]),
    ),
    ...missing.map(({ ids }) => mustHaveNoOtherName(ids, names, wanted)),
  ],
  undo: async (io, { before: { missing, names } }) => {
    for (const { reference, imageId } of names) if (imageId !== null) await io.images.tag(imageId, reference)
    for (const { ids } of missing) {
      const id = await findLoaded(io, ids)
      if (id !== null) await io.images.remove(id)
    }
  },
})

/** An image is removed with all its names. Later steps give it those that are wanted. */
const mustHaveNoOtherName = (ids: readonly string[], names: Before['names'], wanted: Wanted): UndoGuard => ({
  of: [...names, ...wanted.names].map(({ reference }) => ({ image: reference })),
  check: async (look) => {
    const id = await findLoaded(look, ids)
    const tags = id === null ? [] : ((await look.images.find(id))?.tags ?? [])
    const ours = [...names, ...wanted.names].map(({ reference }) => fullName(reference))
    const others = tags.filter((tag) => !ours.includes(fullName(tag)))
    if (id !== null && others.length > 0)
      throw notOurs(id, `is also called ${others.join(', ')}: somebody else named it so`)
  },
})

async function findInTar(look: Look, imageId: string, tar: string) {
  const found = (await look.images.archived(tar)).find(({ ids }) => ids.includes(imageId))
  if (found === undefined)
    throw new RunbookError('verification', `${tar} does not contain ${imageId}`, {
      hint: 'the file was replaced since it was chosen: find out by what',
    })
  return { tar, ...found }
}

async function findLoaded(look: Pick<Look, 'images'>, ids: readonly string[]): Promise<string | null> {
  for (const id of ids) {
    const image = await look.images.find(id)
    if (image !== null) return image.id
  }
  return null
}

async function outputOf(
  look: Pick<Look, 'images'>,
  wanted: Wanted,
  { missing }: Before,
): Promise<LoadedImages> {
  const names = await Promise.all(
    wanted.names.map(async ({ imageId, reference, ...was }) => {
      const aliases = missing.find(({ ids }) => ids.includes(imageId))?.ids ?? [imageId]
      return { reference, imageId: (await findLoaded(look, aliases)) ?? imageId, ...was }
    }),
  )
  return { loaded: missing.map(({ tar }) => tar), names }
}

import { cannot, defineStep, isPending, say, type Io, type JsonObject, type Look } from '../../src/index.ts'
import type { ChosenRelease } from './choose-release.ts'
import { requireAsShown } from '../files/lib/ours.ts'
import { parseImageName } from './lib/names.ts'
import { mustPointAt } from './lib/ours.ts'

type Input = { readonly release: ChosenRelease }

type Move = {
  readonly name: string
  /** Null where no image had that name. */
  readonly was: string | null
  readonly is: string
  /**
   * The old image's name from now on: without a tag it is dangling, and the next `docker image prune`
   * removes it.
   */
  readonly kept: string
}

/** The names that were moved, each with the image before and after. */
export type MovedNames = JsonObject & { readonly moves: readonly Move[] }

/**
 * Points the image names in the stack's files at the images of a release. Running containers are not
 * affected. Undone by image ids.
 */
export const retagImages = defineStep<Input, MovedNames, MovedNames>({
  kind: 'images.retag',
  version: 1,
  effect: 'change',
  describe: ({ release }) => {
    const images =
      isPending(release) || isPending(release.tag) ? 'of the release' : say`tagged ${release.tag}`
    return `Points the image names in the stack's files at the images ${images}; the previous images keep another name.`
  },
  survey: async (look, { release }) => ({ moves: await movesFor(look, release) }),
  predict: ({ before }) => ({
    output: before ?? null,
    changes: (before?.moves ?? []).map(({ name, is }) => `${name} points at ${is.slice(0, 19)}`),
  }),
  run: async (io, { before }) => {
    for (const { name, was, is, kept } of before.moves) {
      const now = (await io.images.find(name))?.id ?? null
      if (now !== was && now !== is) {
        throw cannot('retag', name, `another process pointed it at ${now}`, {
          code: 'failed',
          hint: 'find out who deploys at the same time',
        })
      }
      if (was !== null) await io.images.tag(was, kept)
      await io.images.tag(is, name)
    }
    return before
  },
  probe: async (look, { before }) => {
    const found = await Promise.all(
      before.moves.map(async ({ name, was, is, kept }) => {
        const [now, old] = await Promise.all([look.images.find(name), look.images.find(kept)])
        if (now?.id === is && (old?.id ?? null) === was) return 'done'
        return (now?.id ?? null) === was && old === null ? 'absent' : 'torn'
      }),
    )
    if (found.every((one) => one === 'done')) return { is: 'done', output: before }
    return found.every((one) => one === 'absent')
      ? { is: 'absent' }
      : { is: 'torn', why: 'only some of the names point at the images of the release' }
  },
  rerunnable: true,
  undoGuards: ({ before }) => before.moves.map(({ name, was, is }) => mustPointAt(name, [was, is])),
  undo: async (io, { before }) => {
    await restoreNames(io, before)
    for (const { kept } of before.moves) await io.images.untag(kept)
  },
})

async function movesFor(look: Look, { images }: ChosenRelease): Promise<readonly Move[]> {
  const names = new Map(images.map(({ name, id, was }) => [name, { is: id, shown: was }]))
  const moves = await Promise.all(
    [...names].map(async ([name, { is, shown }]) => {
      const was = (await look.images.find(name))?.id ?? null
      if (was !== is) requireAsShown(name, was, shown, 'retag')
      return { name, was, is, kept: `${parseImageName(name).repository}:before-${look.run.id}` }
    }),
  )
  return moves.filter(({ was, is }) => was !== is)
}

/** Points each name back at its earlier image. The names that keep the old images remain. */
async function restoreNames(io: Pick<Io, 'images'>, { moves }: MovedNames): Promise<void> {
  for (const { name, was } of moves) {
    if (was === null) await io.images.untag(name)
    else await io.images.tag(was, name)
  }
}

import {
  defineStep,
  failureOf,
  isPending,
  RunbookError,
  say,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import type { ChosenRelease } from './choose-release.ts'
import { partsOfName } from './names.ts'
import { imageThatRuns } from './running-version.ts'

type Input = {
  /** Services that run the one image. */
  readonly services: ServiceGroup
  /** What the release may be tagged, the most telling first. */
  readonly tags: readonly string[]
}

/** A release that is on this machine, by the one name under which it was found. */
export type FetchedRelease = ChosenRelease & { readonly image: string }
type Held = { readonly tag: string; readonly id: string }
type Before = {
  readonly repository: string
  readonly name: string
  /** On this machine before; null where it has to be pulled. */ readonly local: Held | null
}

/** Finds the image of a release on this machine, or else pulls it. Undone by removing what was pulled. */
export const fetchRelease = defineStep<Input, FetchedRelease, Before>({
  kind: 'images.fetch-release',
  version: 1,
  effect: 'change',
  timeoutSeconds: 900,
  describe: ({ tags }) =>
    say`Finds the image tagged ${isPending(tags) ? tags : tags.join(' or ')} on this machine, or else pulls it.`,
  survey: async (look, { services, tags }) => {
    const name = await imageThatRuns(look, services)
    const { repository } = partsOfName(name)
    return { repository, name, local: await held(look, repository, tags) }
  },
  predict: ({ input: { services, tags }, before }) => {
    if (before === undefined || isPending(services) || isPending(tags)) return { output: null }
    if (before.local !== null) return { output: outputOf(services, before, before.local) }
    return { output: null, changes: [`the image ${before.repository}:${tags.join(' or ')} is pulled`] }
  },
  run: async (io, { input: { services, tags }, before }) => {
    const there = await held(io, before.repository, tags)
    if (there !== null) return outputOf(services, before, there)
    let why: unknown = null
    for (const tag of tags) {
      try {
        const { id } = await io.images.pull(`${before.repository}:${tag}`)
        io.note(`${before.repository}:${tag} was pulled`)
        return outputOf(services, before, { tag, id })
      } catch (thrown) {
        io.signal.throwIfAborted()
        why ??= thrown
      }
    }
    const { message, hint } = failureOf(why)
    throw new RunbookError(
      'failed',
      `${before.repository}:${tags.join(' or ')} is not on this machine, and ${message}`,
      { hint: hint ?? 'name another version with --to', cause: why },
    )
  },
  probe: async (look, { input: { services, tags }, before, way }) => {
    const found = await held(look, before.repository, tags)
    if (found === null || (way === 'back' && before.local !== null)) return { is: 'absent' }
    return { is: 'done', output: outputOf(services, before, found) }
  },
  rerunnable: true,
  undo: async (io, { input: { tags }, before }) => {
    if (before.local !== null) return
    for (const tag of tags) {
      const reference = `${before.repository}:${tag}`
      const found = await io.images.find(reference)
      if (found === null) continue
      if (found.tags.length > 1) await io.images.untag(reference)
      else await io.images.remove(found.id)
    }
  },
})

async function held(
  look: Pick<Look, 'images'>,
  repository: string,
  tags: readonly string[],
): Promise<Held | null> {
  for (const tag of tags) {
    const image = await look.images.find(`${repository}:${tag}`)
    if (image !== null) return { tag, id: image.id }
  }
  return null
}

function outputOf({ names }: ServiceGroup, { repository, name }: Before, { tag, id }: Held): FetchedRelease {
  const release = `${repository}:${tag}`
  return { tag, image: release, images: names.map((service) => ({ service, name, release, id })) }
}

import { defineStep, isPending, RunbookError, say, type Look } from '../../src/index.ts'
import { mustPointAt } from '../images/lib/ours.ts'
import type { Sources } from './read-sources.ts'

type Input = {
  /** The image's name, as `codex-completions-api:latest`; null tags nothing. */
  readonly image: string | null
  readonly sources: Sources
}

type Before = {
  readonly id: string
  readonly tag: string
  /** The image that had the tag; null where none had. */ readonly was: string | null
} | null

export type TaggedRelease = { readonly tag: string | null }

/**
 * Tags a local image with the version of the release, in addition to its other tags.
 * Undone by giving the tag back to the image that had it.
 */
export const tagReleaseImage = defineStep<Input, TaggedRelease, Before>({
  kind: 'releases.tag-image',
  version: 1,
  effect: 'change',
  describe: ({ image }) =>
    image === null
      ? 'Tags no Docker image: none was given.'
      : say`Tags the Docker image ${image} with the version of the release.`,
  preflight: async (look, { image }) => {
    if (image === null || isPending(image)) return []
    if (!nameForm.test(image))
      return [
        {
          level: 'refuse',
          about: '--docker-image',
          problem: `${JSON.stringify(image)} is not an image name`,
          hint: 'write it as codex-completions-api:latest',
        },
      ]
    if ((await look.images.find(image)) !== null) return []
    return [
      {
        level: 'refuse',
        about: '--docker-image',
        problem: `image ${image} not found on this machine`,
        hint: 'check: docker images',
      },
    ]
  },
  survey: async (look, { image, sources }) => {
    if (image === null) return null
    const found = await look.images.find(image)
    if (found === null)
      throw new RunbookError('failed', `image ${image} no longer found on this machine`, {
        hint: 'check: docker images',
      })
    const tag = releaseTag(image, sources.version)
    return { id: found.id, tag, was: await idOf(look, tag) }
  },
  predict: ({ before }) =>
    before === undefined
      ? { output: null }
      : {
          output: { tag: before?.tag ?? null },
          changes: before === null ? [] : [`the image ${before.id} is also tagged ${before.tag}`],
        },
  run: async (io, { before }) => {
    if (before === null) return { tag: null }
    await io.images.tag(before.id, before.tag)
    return { tag: before.tag }
  },
  probe: async (look, { before, way }) => {
    if (before === null) return way === 'back' ? { is: 'absent' } : { is: 'done', output: { tag: null } }
    const { id, tag, was } = before
    const now = await idOf(look, tag)
    if (now === was && (way === 'back' || was !== id)) return { is: 'absent' }
    if (now === id) return { is: 'done', output: { tag } }
    return {
      is: 'unknown',
      why:
        now === null
          ? `another process removed the tag ${tag}`
          : `another process moved the tag ${tag} to ${now}`,
    }
  },
  undoGuards: ({ before }) => (before === null ? [] : [mustPointAt(before.tag, [before.id, before.was])]),
  undo: async (io, { before }) => {
    if (before === null) return
    if (before.was === null) await io.images.untag(before.tag)
    else await io.images.tag(before.was, before.tag)
  },
})

/** A name with or without a tag; ids and digests name no repository to tag. */
const nameForm = /^(?!sha256:)[a-z0-9][\w.:/-]*$/

/** `codex-completions-api:v1.0.1`; Docker does not allow the plus sign of a version in a tag. */
export function releaseTag(image: string, version: string): string {
  const colon = image.lastIndexOf(':')
  const repository = colon > image.lastIndexOf('/') ? image.slice(0, colon) : image
  return `${repository}:${version.replaceAll('+', '-').slice(0, 128)}`
}

const idOf = async (look: Look, reference: string): Promise<string | null> =>
  (await look.images.find(reference))?.id ?? null

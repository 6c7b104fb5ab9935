import {
  defineStep,
  failureOf,
  isKnown,
  isPending,
  RunbookError,
  say,
  type ActingStep,
  type Io,
  type JsonObject,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { parseImageName } from './lib/names.ts'
import { runningImageOf } from './running-version.ts'

type Input = { readonly when: 'always' | 'missing' } & (
  | { readonly image: string }
  | {
      /** Services that run one image; the release's image is in the same repository. */
      readonly services: ServiceGroup
      /** Tags that the release may have, the most specific first. */
      readonly tags: readonly string[]
    }
)

/**
 * The image of a release: the name under which it was found, and its id, which later steps compare with
 * what runs.
 */
export type FetchedImage = JsonObject & {
  readonly image: string
  readonly tag: string
  readonly id: string
  readonly pulled: boolean
}

/**
 * Makes sure that the image of a release is on this machine before anything is touched.
 * An extra image in the engine's store changes no service, so a rollback keeps it: a retry needs no registry.
 */
export const fetchImage = defineStep<Input, FetchedImage>({
  kind: 'releases.fetch-image',
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 900,
  describe: (input) =>
    'image' in input
      ? say`Pulls ${input.image}${input.when === 'missing' ? ' where it is missing' : ''}.`
      : say`Finds the image tagged ${isPending(input.tags) ? input.tags : input.tags.join(' or ')} on this machine, or pulls it.`,
  predict: async ({ input, look }) => {
    const names = isKnown(input) ? await namesOf(look, input) : null
    if (names === null) return { output: null }
    const local = await findLocal(look, names)
    const [name] = names
    if (local !== null && input.when === 'missing') return { output: outputOf(local, false) }
    return {
      output:
        names.length === 1 && name !== undefined ? { image: name, tag: parseImageName(name).tag } : null,
      changes: [`the image ${names.join(' or ')} is pulled`],
    }
  },
  run: (io, input) => fetch(io, input),
  formerly: [fetchRelease()],
})

async function fetch(io: Io, input: Input): Promise<FetchedImage> {
  const names = await namesOf(io, input)
  const local = input.when === 'missing' ? await findLocal(io, names) : null
  const found = local ?? (await pullFirst(io, names, input.when))
  io.note(`${found.image} is ${found.id}`)
  return outputOf(found, local === null)
}

const outputOf = (found: LocalImage, pulled: boolean): FetchedImage => ({
  ...found,
  tag: parseImageName(found.image).tag,
  pulled,
})

async function namesOf(look: Look, input: Input): Promise<readonly string[]> {
  if ('image' in input) return [input.image]
  const { repository } = parseImageName(await runningImageOf(look, input.services))
  return input.tags.map((tag) => `${repository}:${tag}`)
}

type LocalImage = Pick<FetchedImage, 'image' | 'id'>

async function findLocal(look: Pick<Look, 'images'>, names: readonly string[]): Promise<LocalImage | null> {
  for (const image of names) {
    const found = await look.images.find(image)
    if (found !== null) return { image, id: found.id }
  }
  return null
}

async function pullFirst(io: Io, names: readonly string[], when: Input['when']): Promise<LocalImage> {
  let why: unknown = null
  for (const image of names) {
    try {
      return { image, id: (await io.images.pull(image)).id }
    } catch (thrown) {
      io.signal.throwIfAborted()
      why ??= thrown
    }
  }
  const { message, hint } = failureOf(why)
  throw new RunbookError(
    'failed',
    `${when === 'missing' ? `${names.join(' or ')} is not on this machine, and ` : ''}${message}`,
    {
      hint: hint ?? 'name another version with --to',
      cause: why,
    },
  )
}

type Former = { readonly services: ServiceGroup; readonly tags: readonly string[] }
type Before = {
  readonly repository: string
  /** On this machine before; null where it has to be pulled. */
  readonly local: JsonObject | null
}

/**
 * The earlier form, a change: a run that began with it promised to remove the pulled image on undo, and
 * still does.
 */
function fetchRelease(): ActingStep<Former, FetchedImage, Before> {
  const namesIn = ({ repository }: Before, { tags }: Former): readonly string[] =>
    tags.map((tag) => `${repository}:${tag}`)
  return {
    kind: 'images.fetch-release',
    version: 1,
    effect: 'change',
    describe: () => 'Finds the image of the release on this machine, or pulls it.',
    survey: async (look, { services, tags }) => {
      const { repository } = parseImageName(await runningImageOf(look, services))
      return {
        repository,
        local: await findLocal(look, namesIn({ repository, local: null }, { services, tags })),
      }
    },
    run: (io, { input }) => fetch(io, { ...input, when: 'missing' }),
    probe: async (look, { input, before, way }) => {
      const found = await findLocal(look, namesIn(before, input))
      return found === null || (way === 'back' && before.local !== null)
        ? { is: 'absent' }
        : { is: 'done', output: outputOf(found, false) }
    },
    rerunnable: true,
    undo: async (io, { input, before }) => {
      if (before.local !== null) return
      for (const name of namesIn(before, input)) {
        const found = await io.images.find(name)
        if (found === null) continue
        if (found.tags.length > 1) await io.images.untag(name)
        else await io.images.remove(found.id)
      }
    },
  }
}

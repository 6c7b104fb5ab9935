import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  type JsonObject,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { requireAsShown } from '../files/lib/ours.ts'
import { mayMove, parseImageName } from './lib/names.ts'

type Input = { readonly services: ServiceGroup }

/** The image and version of a service. */
export type RunningVersion = JsonObject & {
  /** The reference that its container was created with: `contextsafe/api:0.1.0-abc1234`. */
  readonly image: string
  /** The tag of the image; where the tag is not a version, its label `version`; null where neither says. */
  readonly version: string | null
  /** The reference in the stack's files; null where they name none or not one. Missing in older journals. */
  readonly declared?: string | null
}

/**
 * Reports which version a service runs: the tag of its image, or the label `version` where the tag is not
 * one.
 */
export const runningVersion = defineStep<Input, RunningVersion>({
  kind: 'images.running-version',
  version: 1,
  effect: 'observe',
  describe: ({ services }) =>
    say`Reads which image ${isPending(services) ? services : services.names} runs, and its version.`,
  preflight: async (look, { services }) => {
    if (!isPending(services)) await runningVersionOf(look, services)
    return []
  },
  run: async (look, { services }) => {
    const declared = await declaredIn(look, services)
    const running = { ...(await runningVersionOf(look, services)), declared }
    look.note(
      `${services.names.join(', ')}: ${running.image}, ${running.version === null ? 'version unknown' : `version ${running.version}`}`,
    )
    return running
  },
  stillHolds: async (look, { input: { services }, output: { image, declared } }) => {
    const names = services.names.join(', ')
    requireAsShown(`the image of ${names}`, await runningImageOf(look, services), image)
    requireAsShown(`the image of ${names} in the stack's files`, await declaredIn(look, services), declared)
  },
})

async function declaredIn(look: Pick<Look, 'services'>, services: ServiceGroup): Promise<string | null> {
  const named = [...new Set((await look.services.declared(services)).map((one) => one.image))]
  return named.length === 1 ? (named[0] ?? null) : null
}

export async function runningVersionOf(
  look: Pick<Look, 'services' | 'images'>,
  services: ServiceGroup,
): Promise<RunningVersion> {
  const image = await runningImageOf(look, services)
  const { tag } = parseImageName(image)
  if (!mayMove(tag)) return { image, version: tag }
  return { image, version: (await look.images.find(image))?.labels['version'] ?? null }
}

/**
 * The reference its containers were created with, running or not; without a container, the one in the
 * stack's files.
 */
export async function runningImageOf(look: Pick<Look, 'services'>, services: ServiceGroup): Promise<string> {
  const states = await look.services.states(services)
  const references = [...new Set(states.flatMap(({ instances }) => instances.map(({ image }) => image)))]
  const [reference] = references
  if (references.length > 1) {
    throw new RunbookError(
      'preflight',
      `${services.names.join(', ')} run different images: ${references.join(', ')}`,
      { hint: 'bring them to one version first' },
    )
  }
  if (reference !== undefined) return reference
  const [declared] = await look.services.declared(services)
  if (declared?.image !== undefined && declared.image !== null) return declared.image
  throw cannot(
    'find',
    `the image of ${services.names.join(', ')}`,
    "no container, and the stack's files name none",
    { code: 'preflight', hint: 'set an image in the Compose file' },
  )
}

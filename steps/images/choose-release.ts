import {
  cannot,
  defineStep,
  isPending,
  readVariable,
  RunbookError,
  say,
  type Finding,
  type JsonObject,
  type Look,
  type ServiceGroup,
  type VersionPin,
} from '../../src/index.ts'
import { withTag } from '../services/lib/with-tag.ts'
import { isTag, mayMove, parseImageName } from './lib/names.ts'

type Input = {
  readonly services: ServiceGroup
  /** Of the release, as each of its images is tagged. */
  readonly tag: string
  /** The env file that selects the release; null where moving tags such as `latest` do. */
  readonly pin: VersionPin | null
}

/** Images of one release that are on this machine. */
export type ChosenRelease = JsonObject & {
  readonly tag: string
  /** The tag that the env file selected before; null where it selected none. Left out where moving tags select. */
  readonly from?: string | null
  readonly images: readonly {
    readonly service: string
    /** What the stack's files ask for: `shop/backend:latest`. */
    readonly name: string
    /** The release's own name: `shop/backend:1.4`. */
    readonly release: string
    readonly id: string
    /** The image that `name` meant before; null for none. Missing in older journals. */
    readonly was?: string | null
  }[]
}

/**
 * Finds the images of a release by its tag, one for each service.
 * They must be on this machine: a rollback is not the time to build or pull.
 */
export const chooseRelease = defineStep<Input, ChosenRelease>({
  kind: 'images.choose-release',
  version: 1,
  effect: 'observe',
  describe: ({ services, tag }) =>
    say`Finds the images tagged ${tag} of ${isPending(services) ? services : services.names} on this machine.`,
  preflight: async (look, { services, tag, pin }) => {
    if (isPending(services) || isPending(tag) || isPending(pin)) return []
    await choose(look, { services, tag, pin })
    return pin === null ? [] : unaffected(look, services, pin, tag)
  },
  run: async (look, input) => {
    const chosen = await choose(look, input)
    for (const { service, release, id } of chosen.images)
      look.note(`${service}: ${release} (${id.slice(7, 19)})`)
    return chosen
  },
})

async function choose(look: Look, { services, tag, pin }: Input): Promise<ChosenRelease> {
  if (!isTag(tag))
    throw new RunbookError('usage', `${JSON.stringify(tag)} is not an image tag`, {
      hint: 'write it as --to 1.4.2',
    })
  const states = await look.services.states(services)
  const images: ChosenRelease['images'][number][] = []
  const now = await look.services.declared(services)
  const then = pin === null ? now : await look.services.declared(withTag(services, pin, tag))
  const from = pin === null ? null : readVariable(await look.files.read(pin.file, 1024 * 1024), pin.variable)
  if (pin !== null && tag !== from && then.every(({ image }, index) => image === now[index]?.image)) {
    throw new RunbookError(
      'preflight',
      `${pin.variable} selects no image of ${services.names.join(', ')}: with ${tag} the stack's files use the same images`,
      {
        hint: `use \${${pin.variable}} in the image lines of the Compose file, and set the variable nowhere else`,
      },
    )
  }
  for (const { service, image } of then) {
    // An image that Compose builds may be named in no file, only on its container.
    const current = image ?? states.find((one) => one.service === service)?.instances[0]?.image ?? null
    if (current === null) {
      throw cannot(
        'find',
        `the image of ${service}`,
        "the stack's files name none, and it has no container",
        { code: 'preflight', hint: `set an image for ${service} in the Compose file` },
      )
    }
    const parts = parseImageName(current)
    const release = pin === null ? `${parts.repository}:${tag}` : `${parts.repository}:${parts.tag}`
    const found = await look.images.find(release)
    const fixed = pin === null && parts.tag !== tag && !mayMove(parts.tag)
    if (found === null)
      throw await imageNotFound(look, service, parts.repository, release, fixed ? current : null)
    if (fixed) throw cannot('retag', current, fixedTag, { code: 'preflight', hint: cureOf(parts.repository) })
    const name = `${parts.repository}:${parts.tag}`
    const was = (await look.images.find(name))?.id ?? null
    images.push({ service, name, release, id: found.id, was })
  }
  const same = states.every(
    ({ service, state, instances }) =>
      state === 'running' &&
      instances.every(({ imageId }) => imageId === images.find((one) => one.service === service)?.id),
  )
  if (same)
    throw new RunbookError('preflight', `release ${tag} is already running: ${services.names.join(', ')}`, {
      hint: 'name an older one with --to',
    })
  return { tag, ...(pin === null ? {} : { from }), images }
}

const fixedTag = 'its tag is a version, which must not be moved to another image'

const cureOf = (repository: string): string =>
  'select releases by a variable of the env file, with ' +
  `\${VARIABLE} in the image line and the section \`version\` of the target (\`runbook help config version\`); ` +
  `or use ${repository}:latest in the Compose file, and tag each release in addition`

/** Services that stay on their image, whichever tag is set. */
async function unaffected(
  look: Look,
  services: ServiceGroup,
  pin: VersionPin,
  tag: string,
): Promise<readonly Finding[]> {
  if (tag === readVariable(await look.files.read(pin.file, 1024 * 1024), pin.variable)) return []
  const now = await look.services.declared(services)
  const then = await look.services.declared(withTag(services, pin, tag))
  return then
    .filter(({ image }, index) => image === now[index]?.image)
    .map(({ service, image }) => ({
      level: 'warn',
      about: service,
      problem: `${service} is not rolled back: its image does not depend on ${pin.variable}${image === null ? '' : ` and stays ${image}`}`,
      hint: `use \${${pin.variable}} in its image line, or leave it out of app and version.services`,
    }))
}

/** @param fixed what the stack's files ask for, where that could not be moved to the release either */
async function imageNotFound(
  look: Look,
  service: string,
  repository: string,
  release: string,
  fixed: string | null,
): Promise<RunbookError> {
  const tags = (await look.images.list(repository))
    .flatMap((image) => image.tags)
    .filter((one) => one.startsWith(`${repository}:`))
  const available =
    tags.length === 0
      ? 'no image of that repository'
      : `available, newest first: ${tags.slice(0, 8).join(', ')}`
  const notFound = `image ${release} of ${service} not found on this machine (${available})`
  const another = `docker pull ${release}, or name another release with --to`
  return new RunbookError(
    'preflight',
    fixed === null ? notFound : `${notFound}; and ${fixed} could not be retagged: ${fixedTag}`,
    { hint: fixed === null ? another : `${another}; then ${cureOf(repository)}` },
  )
}

import {
  cannot,
  defineStep,
  failureOf,
  isPending,
  RunbookError,
  say,
  stamp,
  type Finding,
  type ImageEnvironment,
  type Look,
  type StackImages,
  shellWord,
} from '../../src/index.ts'
import { nameWithin } from '../files/lib/path.ts'
import { headOf } from './lib/texts.ts'

type Input = { readonly images: StackImages; readonly skipSave: boolean }

export type CapturedImage = {
  readonly env: string
  readonly composeFile: string
  readonly service: string
  readonly canonical: string
  readonly imageId: string
  readonly bytes: number
  /** Whether the id comes from a container, or only from the name in the Compose file. */
  readonly from: 'container' | 'name'
  /** The name that the snapshot gives it. */
  readonly tag: string
  /** Path of its tar file. */
  readonly tar: string
}

/** `stamp`: unique to this snapshot, and part of all its names. `absent`: environments without an image. */
export type Captured = {
  readonly stamp: string
  readonly takenAt: string
  readonly head: string | null
  readonly lock: string
  readonly images: readonly CapturedImage[]
  readonly absent: readonly string[]
  /** The reference to give to each image. */
  readonly names: readonly { readonly imageId: string; readonly reference: string }[]
}

/**
 * Finds out which images the environments run, and chooses the names of this snapshot.
 * An environment without an image is not an error, unless none has one.
 */
export const captureImages = defineStep<Input, Captured>({
  kind: 'images.capture',
  version: 1,
  effect: 'observe',
  describe: ({ images }) =>
    isPending(images)
      ? 'Reads which images run.'
      : say`Reads which images ${images.environments.map(({ name, service }) => `${name} (${service})`)} run; skips an environment without one.`,
  preflight: async (look, { images, skipSave }) => {
    if (isPending(images)) return []
    const captured = await capture(look, images)
    const required = captured.images.reduce((sum, { bytes }) => sum + bytes, 0)
    const free = await look.files.freeBytes(images.folder)
    const byName = captured.images.filter(({ from }) => from === 'name').map(unproven)
    if (skipSave === true || free >= required) return byName
    return [
      ...byName,
      {
        level: 'refuse',
        about: images.folder,
        problem: `not enough space for the tar files: ${free} bytes free, up to ${required} bytes required`,
        hint: `make room: df -h ${shellWord(images.folder)}; or add --skip-save`,
      },
    ]
  },
  run: async (look, { images }) => {
    const captured = await capture(look, images)
    for (const { env, imageId, from } of captured.images) look.note(`${env}: ${imageId} (from its ${from})`)
    for (const env of captured.absent) look.note(`${env}: no container and no image`)
    return captured
  },
})

async function capture(look: Look, images: StackImages): Promise<Captured> {
  const found = await Promise.all(
    images.environments.map(async (environment) => ({
      environment,
      image: await imageOf(look, environment),
    })),
  )
  if (found.every(({ image }) => image === null)) {
    throw cannot(
      'take',
      'a snapshot',
      `no image found for ${images.environments.map(({ name }) => name).join(', ')}`,
      { code: 'preflight', hint: 'check: docker ps --all; docker images' },
    )
  }
  const taken = new Set((await look.images.list(images.repository)).flatMap(({ tags }) => tags))
  const isTaken = async (at: Date): Promise<boolean> => {
    const stats = images.environments.map(({ name }) => look.files.stat(tarOf(images, name, `${stamp(at)}Z`)))
    return (
      images.environments.some(({ name }) => taken.has(tagOf(images, name, at))) ||
      (await Promise.all(stats)).some((one) => one !== null)
    )
  }
  let at = look.clock.now()
  // Two snapshots within a second would get the same names.
  while (await isTaken(at)) at = new Date(at.getTime() + 1000)
  const day = `${images.releases}/${images.locks}-${at.toISOString().slice(0, 10)}`
  const captured = found.flatMap(({ environment: { name, stack, service, canonical }, image }) =>
    image === null
      ? []
      : [
          {
            env: name,
            service,
            canonical,
            ...image,
            composeFile: nameWithin(stack.directory, stack.files[0] ?? ''),
            tag: tagOf(images, name, at),
            tar: tarOf(images, name, `${stamp(at)}Z`),
          },
        ],
  )
  return {
    stamp: `${stamp(at)}Z`,
    takenAt: `${at.toISOString().slice(0, 19)}Z`,
    head: await headOf(look, images.environments[0]?.stack.directory ?? '/'),
    // The second lock of a day must not overwrite the first.
    lock:
      (await look.files.stat(`${day}.lock.json`)) === null
        ? `${day}.lock.json`
        : `${day}-${stamp(at).slice(9)}Z.lock.json`,
    images: captured,
    names: captured.map(({ imageId, tag }) => ({ imageId, reference: tag })),
    absent: found.flatMap(({ environment, image }) => (image === null ? [environment.name] : [])),
  }
}

/** An image that was built and not deployed yet may have the name. */
const unproven = ({ env, service, canonical }: CapturedImage): Finding => ({
  level: 'warn',
  about: env,
  problem: `${service} has no container, so the snapshot takes the image that ${canonical} names, which may never have run`,
  hint: `if ${service} runs under another project name, set stack.project of ${env}; check: docker ps --all`,
})

/** The image that runs; without a container, the one that the next `up` would start. */
async function imageOf(
  look: Look,
  { stack, service, canonical }: ImageEnvironment,
): Promise<Pick<CapturedImage, 'imageId' | 'bytes' | 'from'> | null> {
  const declared = stack.files[0] !== undefined && (await look.files.stat(stack.files[0])) !== null
  // Containers are found without the files; only where there is none either, the environment is not on this host.
  const [state] = await look.services.states({ stack, names: [service] }).catch((thrown: unknown) => {
    if (declared || look.signal.aborted || failureOf(thrown).code !== 'preflight') throw thrown
    return []
  })
  const ids = [...new Set(state?.instances.map(({ imageId }) => imageId) ?? [])]
  if (ids.length > 1)
    throw new RunbookError('preflight', `${service} runs ${ids.length} different images: ${ids.join(', ')}`, {
      hint: 'bring all its containers to one image first',
    })
  const [running] = ids
  const image = await look.images.find(running ?? canonical)
  if (image !== null)
    return { imageId: image.id, bytes: image.bytes, from: running === undefined ? 'name' : 'container' }
  if (running === undefined) return null
  throw new RunbookError(
    'preflight',
    `${service} runs the image ${running}, which is no longer on this machine`,
    { hint: 'save it from its container: docker commit' },
  )
}

const tagOf = ({ repository }: StackImages, env: string, at: Date): string =>
  `${repository}:${env}-${stamp(at)}Z`

/** @param moment as in the tag */
export const tarOf = ({ repository, folder }: StackImages, env: string, moment: string): string =>
  `${folder}/${repository.replace(/^.*\//, '')}-${env}-${moment}.tar`

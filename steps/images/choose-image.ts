import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  type Finding,
  type HealthCheck,
  type Image,
  type ImageEnvironment,
  type Look,
  type StackImages,
  shellWord,
} from '../../src/index.ts'
import { reachableFindings } from '../http/lib/reachable.ts'
import { environmentFindings } from './lib/environment-findings.ts'
import {
  digits,
  imageId,
  momentOf,
  recallFrom,
  reference,
  sameMoment,
  snapshotAt,
  snapshotsIn,
} from './lib/lock-file.ts'
import { imageIn } from './lib/signed-tar.ts'
import { candidates, savedAt, tarsOf, type Source } from './lib/tar-files.ts'
import { textOrNull } from './lib/texts.ts'
import { readPointer } from './write-pointers.ts'

type Input = {
  readonly images: StackImages
  /** An environment, or `both` for all of them. */
  readonly env: string
  readonly fromLock: string | null
  readonly snapshot: string | null
  readonly imageId: string | null
  readonly tag: string | null
}

/** An image that an environment is to run again. */
export type WantedImage = {
  readonly environment: ImageEnvironment
  readonly imageId: string
  /** The tar file that holds it; null when the image is on this machine. */
  readonly tar: string | null
  readonly from: string
}

/** `imageId` is to be called `reference`. `was`: the image that had the name before; missing in older journals. */
export type WantedName = {
  readonly imageId: string
  readonly reference: string
  readonly was?: string | null
}

export type Wanted = {
  readonly images: readonly WantedImage[]
  /** The canonical names, each with the image that it is to mean. */
  readonly names: readonly WantedName[]
  readonly health: readonly HealthCheck[]
  readonly told: string
}

/**
 * Chooses the image for each environment: from the newest snapshot, an earlier one or a lock file, or by
 * name. An image that is not on this machine must be in a tar file, which is read to its end here.
 */
export const chooseImage = defineStep<Input, Wanted>({
  kind: 'images.choose',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 1800,
  describe: ({ env, fromLock, snapshot, imageId: id, tag }) => {
    const source = [
      [fromLock, 'the lock file'],
      [snapshot, 'the snapshot of'],
      [id, 'the image'],
      [tag, 'the tag'],
    ].find(([value]) => typeof value === 'string')
    return source === undefined
      ? say`Takes the image of the newest snapshot of ${env}.`
      : say`Takes ${String(source[1])} ${String(source[0])} for ${env}.`
  },
  preflight: async (look, input) => {
    const { images, env, fromLock, snapshot, imageId: id, tag } = input
    if (
      isPending(images) ||
      isPending(env) ||
      isPending(fromLock) ||
      isPending(snapshot) ||
      isPending(id) ||
      isPending(tag)
    )
      return []
    const { told, images: wanted } = await choose(look, { images, env, fromLock, snapshot, imageId: id, tag })
    const findings = await Promise.all(
      wanted.map(async ({ environment }) => [
        ...(await environmentFindings(look, environment)),
        ...(await unreachable(look, environment)),
      ]),
    )
    if (findings.flat().length > 0) return findings.flat()
    return (await unchanged(look, { images, env, fromLock, snapshot, imageId: id, tag }))
      ? [
          {
            level: 'refuse',
            about: env,
            problem: `the newest snapshot has the image that is already running (${told}): it was taken after the change`,
            hint: await suggestedSnapshots(look, images, env),
          },
        ]
      : []
  },
  run: async (look, input) => {
    const wanted = await choose(look, input)
    look.note(wanted.told)
    return wanted
  },
})

/** The step that asks these addresses learns them only once the run has begun. */
async function unreachable(
  look: Look,
  { stack, service, health }: ImageEnvironment,
): Promise<readonly Finding[]> {
  const plan = {
    stack,
    effectBefore: true,
    starterOf: (name: string) => (name === service ? 'bring up' : null),
  }
  return (await reachableFindings(look, plan, health)).filter(({ level }) => level === 'refuse')
}

async function choose(look: Look, input: Input): Promise<Wanted> {
  const environments = environmentsFor(input)
  const images = await Promise.all(
    environments.map(async (environment) =>
      wantedOf(look, input.images, environment, await sourceOf(look, input, environment)),
    ),
  )
  return {
    images,
    names: await Promise.all(
      images.map(async ({ environment: { canonical }, imageId: id }) => ({
        imageId: id,
        reference: canonical,
        was: (await look.images.find(canonical))?.id ?? null,
      })),
    ),
    health: environments.flatMap(({ health }) => health),
    told: images
      .map(
        ({ environment: { name }, imageId: id, from }) => `${name} goes back to ${id.slice(0, 19)} (${from})`,
      )
      .join(', '),
  }
}

function environmentsFor({
  images: { environments },
  env,
  fromLock,
  snapshot,
  imageId: id,
  tag,
}: Input): readonly ImageEnvironment[] {
  const given = Object.entries({
    '--from-lock': fromLock,
    '--snapshot': snapshot,
    '--image-id': id,
    '--tag': tag,
  }).filter(([, value]) => value !== null)
  if (given.length > 1)
    throw new RunbookError('usage', `${given.map(([flag]) => flag).join(' and ')} cannot be used together`, {
      hint: 'give only one of them',
    })
  const found = env === 'both' ? environments : environments.filter(({ name }) => name === env)
  if (found.length === 0)
    throw new RunbookError('usage', `environment ${env} not found in the target`, {
      hint: `choose ${environments.map(({ name }) => name).join(' or ')}`,
    })
  if (found.length > 1 && (id !== null || tag !== null)) {
    throw new RunbookError(
      'usage',
      `${given[0]?.[0]} names one image, but ${found.map(({ name }) => name).join(' and ')} run different ones`,
      { hint: `choose one: --env ${found[0]?.name}` },
    )
  }
  return found
}

async function sourceOf(
  look: Look,
  { images, fromLock, snapshot, imageId: id, tag }: Input,
  { name }: ImageEnvironment,
): Promise<Source> {
  const none = { imageId: null, tag: null, tar: null, at: null, gitSha: null }
  if (id !== null) return { ...none, imageId: imageId(id, '--image-id'), from: 'asked for' }
  if (tag !== null) return { ...none, tag: reference(tag, '--tag'), from: `tag ${tag}` }
  if (fromLock !== null) {
    const text = await textOrNull(look, fromLock)
    if (text === null)
      throw cannot('read', `the lock file ${fromLock}`, 'no such file', {
        code: 'usage',
        hint: `check: ls ${shellWord(images.releases)}`,
      })
    return { ...recallFrom(text, name, images.repository, fromLock), from: `lock ${fromLock}` }
  }
  if (snapshot !== null) {
    const found = snapshotAt((await textOrNull(look, images.history)) ?? '', name, snapshot)
    if (found !== undefined) return { ...found, from: `snapshot ${found.at}` }
    // The history may be lost, or written on another machine.
    const image = (await tagged(look, images, name)).find(({ moment }) => sameMoment(moment, snapshot))
    const saved = image === undefined ? await savedAt(look, images, name, snapshot) : null
    if (saved !== null) return saved
    if (image === undefined)
      throw new RunbookError('usage', `snapshot ${snapshot} of ${name} not found`, {
        hint: await suggestedSnapshots(look, images, name),
      })
    return { ...none, imageId: image.id, tag: image.tag, from: `tag ${image.tag}` }
  }
  const pointed = await readPointer(look, images, name, 'iid')
  if (pointed === null)
    throw new RunbookError(
      'preflight',
      `no snapshot of ${name} found: ${images.folder}/${images.pointers}${name}.iid is missing`,
      { hint: await suggestedSnapshots(look, images, name) },
    )
  return {
    imageId: imageId(pointed, `${images.pointers}${name}.iid`),
    tag: await readPointer(look, images, name, 'tag'),
    tar: await readPointer(look, images, name, 'tarpath'),
    at: null,
    gitSha: null,
    from: 'newest snapshot',
  }
}

async function wantedOf(
  look: Look,
  images: StackImages,
  environment: ImageEnvironment,
  source: Source,
): Promise<WantedImage> {
  const { imageId: id, tag, gitSha, from } = source
  const here: Image | null = await look.images.find(id ?? tag ?? '')
  if (here !== null) return { environment, imageId: here.id, tar: null, from }
  const tried: string[] = []
  const history = (await textOrNull(look, images.history)) ?? ''
  const likely = candidates(images, environment.name, source, history)
  // What recorded the name may be lost: then every tar of the environment is read, the newest first.
  const others = (await tarsOf(look, images, environment.name)).map(({ tar }) => tar).toReversed()
  for (const tar of new Set([...likely, ...others])) {
    if ((await look.files.stat(tar)) === null) {
      tried.push(`${tar} not found`)
      continue
    }
    const found = await imageIn(look, tar, source)
    if (typeof found !== 'string') return { environment, imageId: found.imageId, tar, from }
    tried.push(found)
  }
  const what = id ?? tag ?? 'the image'
  const rebuild = `rebuild it from commit ${gitSha ?? 'of that day (git log)'} and tag it ${tag ?? environment.canonical}`
  throw new RunbookError(
    'preflight',
    `${what} of ${environment.name} is not on this machine, and no tar file contains it (${tried.join('; ') || 'no tar file is known'})`,
    {
      hint: `if it was pushed: docker pull ${tag ?? environment.canonical}; else ${rebuild}, then: --tag ${tag ?? 'NAME:TAG'}`,
    },
  )
}

/** The images on this machine that snapshots of an environment tagged. */
async function tagged(
  look: Look,
  { repository }: StackImages,
  env: string,
): Promise<readonly { readonly id: string; readonly tag: string; readonly moment: string }[]> {
  return (await look.images.list(repository)).flatMap(({ id, tags }) =>
    tags.flatMap((tag) => {
      const moment = tag.startsWith(`${repository}:`) ? momentOf(tag, env) : null
      return moment === null ? [] : [{ id, tag, moment }]
    }),
  )
}

/** A second snapshot, taken after a bad deployment, makes the newest one a snapshot of the bad image. */
async function unchanged(look: Look, input: Input): Promise<boolean> {
  if ([input.fromLock, input.snapshot, input.imageId, input.tag].some((value) => value !== null)) return false
  const { images } = await choose(look, input)
  const running = await Promise.all(
    images.map(async ({ environment: { stack, service }, imageId: id }) => {
      const [state] = await look.services.states({ stack, names: [service] })
      return state?.state === 'running' && state.instances.every((one) => one.imageId === id)
    }),
  )
  return running.every(Boolean)
}

async function suggestedSnapshots(look: Look, images: StackImages, env: string): Promise<string> {
  const history = (await textOrNull(look, images.history)) ?? ''
  const names = images.environments.map(({ name }) => name).filter((name) => env === 'both' || name === env)
  const recorded = names.flatMap((name) => snapshotsIn(history, name))
  // A snapshot that was pruned cannot be offered.
  const available = await Promise.all(
    recorded.map(
      async (one) =>
        (await look.images.find(one.imageId ?? '')) !== null ||
        (
          await Promise.all(candidates(images, one.env, one, history).map((tar) => look.files.stat(tar)))
        ).some((facts) => facts !== null),
    ),
  )
  const unrecorded = (await Promise.all(names.map((name) => tagged(look, images, name))))
    .flat()
    .filter(({ tag }) => recorded.every((one) => one.tag !== tag))
  const known = [
    ...new Set([
      ...recorded.filter((_, index) => available[index]).map(({ at }) => at),
      ...unrecorded.map(({ moment }) => moment),
    ]),
  ]
    .toSorted((one, other) => (digits(one) < digits(other) ? -1 : 1))
    .slice(-10)
  return known.length === 0
    ? 'take one: runbook run stack-snapshot; or name an image with --tag, --image-id or --from-lock'
    : `choose one: --snapshot ${known.toReversed().join(', --snapshot ')}`
}

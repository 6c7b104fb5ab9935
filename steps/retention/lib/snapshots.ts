import {
  manifestFiles,
  readTime,
  RunbookError,
  timeSource,
  type Image,
  type ImageEnvironment,
  type Look,
  type StackImages,
} from '../../../src/index.ts'
import { tarOf } from '../../images/capture-images.ts'
import { momentOf, recallFrom, snapshotsIn, tarNames, type Recalled } from '../../images/lib/lock-file.ts'
import { textOrNull } from '../../images/lib/texts.ts'
import { latestOf, readPointer } from '../../images/write-pointers.ts'
import { lastOf } from '../../files/lib/path.ts'
import { withSizes } from '../../files/lib/chosen-file.ts'
import { filesOnly, type Artifact, type Inventory } from './artifact.ts'
import { newestFirst } from '../../backups/lib/retention-rule.ts'

/** Snapshots of images by environment: the name that each got, and its tar file. */
export async function snapshotsOf(look: Look, images: StackImages): Promise<readonly Inventory[]> {
  const all = await look.images.list(images.repository)
  const files = (await look.files.stat(images.folder)) === null ? [] : await look.files.list(images.folder)
  const history = (await textOrNull(look, images.history)) ?? ''
  return Promise.all(
    images.environments.map(async (environment) =>
      inventoryOf(look, images, environment, all, files, pairedIn(history, images, environment, files)),
    ),
  )
}

/** Tar files that are named by another time than the tag, with the time in the tag. */
function pairedIn(
  history: string,
  { repository }: StackImages,
  { name: env }: ImageEnvironment,
  files: readonly string[],
): ReadonlyMap<string, string> {
  return new Map(
    snapshotsIn(history, env).flatMap((one) => {
      const moment = one.tag?.startsWith(`${repository}:`) === true ? momentOf(one.tag, env) : null
      return moment === null
        ? []
        : tarNames(repository, env, one)
            .filter((file) => files.includes(file))
            .map((file) => [file, moment] as const)
    }),
  )
}

async function inventoryOf(
  look: Look,
  images: StackImages,
  environment: ImageEnvironment,
  all: readonly Image[],
  files: readonly string[],
  paired: ReadonlyMap<string, string>,
): Promise<Inventory> {
  const start = `${images.repository}:${environment.name}-`
  const stamps = new Map<string, number>()
  const addStamp = (from: string, before: string, after: string): void => {
    const moment =
      from.startsWith(before) && from.endsWith(after)
        ? from.slice(before.length, from.length - after.length)
        : ''
    const at = new RegExp(`^${timeSource}$`).test(moment) ? readTime(moment) : null
    if (at !== null) stamps.set(moment, at.getTime())
  }
  const [tarStart, tarEnd] = tarOf(images, environment.name, '\0').split('\0') as [string, string]
  for (const tag of all.flatMap(({ tags }) => tags)) addStamp(tag, start, '')
  const tarsAt = new Map<string, string[]>()
  for (const file of files) {
    const path = `${images.folder}/${file}`
    if (!path.startsWith(tarStart) || !path.endsWith(tarEnd)) continue
    const moment = paired.get(file) ?? path.slice(tarStart.length, path.length - tarEnd.length)
    addStamp(moment, '', '')
    tarsAt.set(moment, [...(tarsAt.get(moment) ?? []), path])
  }

  const artifacts = await Promise.all(
    [...stamps].map(async ([moment, at]): Promise<Artifact> => {
      const tag = `${start}${moment}`
      const image = all.find(({ tags }) => tags.includes(tag))
      return {
        ...filesOnly,
        name: tag,
        takenAt: new Date(at).toISOString(),
        files: await withSizes(
          look,
          (tarsAt.get(moment) ?? []).flatMap((tar) => [...manifestFiles(tar), tar]),
        ),
        image:
          image === undefined
            ? null
            : { id: image.id, tag, tags: image.tags, bytes: image.bytes, last: false },
      }
    }),
  )
  return {
    artifacts,
    keep: images.keep,
    before: null,
    inUse: await usesOf(look, images, environment, artifacts),
    verify: async ({ name, files, image }) => {
      if (image !== null) return
      const tar = files.find(({ path }) => path.endsWith(tarEnd))
      if (tar === undefined || (await look.images.archived(tar.path)).length === 0)
        throw new RunbookError('verification', `neither ${name} nor its tar file exists`)
    },
  }
}

/** Marks the last name of each image that loses all its names: the image is removed with it. Pure. */
export function withLast(removed: readonly Artifact[]): readonly Artifact[] {
  const tags = new Set(removed.flatMap(({ image }) => (image === null ? [] : [image.tag])))
  return removed.map((one, index) => {
    const { image } = one
    if (image === null || !image.tags.every((tag) => tags.has(tag))) return one
    return {
      ...one,
      image: { ...image, last: !removed.slice(index + 1).some((later) => later.image?.id === image.id) },
    }
  })
}

/**
 * What a rollback would need: targets of the pointers, the newest lock, the canonical name and every
 * container. An image in use keeps only the newest of its names: not every snapshot of an unchanged image
 * has to stay.
 */
async function usesOf(
  look: Look,
  images: StackImages,
  environment: ImageEnvironment,
  artifacts: readonly Artifact[],
): Promise<ReadonlyMap<string, string>> {
  const { name, canonical } = environment
  const pointed: Recalled = {
    imageId: await readPointer(look, images, name, 'iid'),
    tag: await readPointer(look, images, name, 'tag'),
    tar: await readPointer(look, images, name, 'tarpath'),
    at: null,
    gitSha: null,
  }
  const locked = await newestLock(look, images, environment)
  const current = (await look.images.find(canonical))?.id
  const ordered = newestFirst(artifacts)
  const uses = await Promise.all(
    artifacts.map(async (one) => {
      if (isNamedBy(pointed, images, name, one)) return `${images.pointers}${name} points at it`
      if (locked !== null && isNamedBy(locked, images, name, one)) return 'the newest lock file names it'
      if (one.image === null || ordered.find(({ image }) => image?.id === one.image?.id) !== one) return null
      if (one.image.id === current) return `${canonical} is this image`
      if ([pointed.imageId, locked?.imageId].includes(one.image.id))
        return 'a pointer or the newest lock file names its image'
      const [user] = await look.images.users(one.image.id)
      return user === undefined ? null : `the container ${user}`
    }),
  )
  return new Map(
    artifacts.flatMap((one, index) => {
      const use = uses[index] ?? null
      return use === null ? [] : [[one.name, use] as const]
    }),
  )
}

const isNamedBy = (
  recalled: Recalled,
  { repository }: StackImages,
  env: string,
  { name, files }: Artifact,
): boolean => {
  const tars = tarNames(repository, env, recalled)
  return name === recalled.tag || files.some(({ path }) => tars.includes(lastOf(path)))
}

/** @throws RunbookError `usage` for a lock that cannot be read: whatever it names might be removed */
async function newestLock(
  look: Look,
  images: StackImages,
  { name, stack }: ImageEnvironment,
): Promise<Recalled | null> {
  const path = (await textOrNull(look, latestOf(images)))?.trim() ?? ''
  if (path === '') return null
  const file = path.startsWith('/') ? path : `${stack.directory}/${path}`
  const text = await textOrNull(look, file)
  // A snapshot of one environment does not mention the others.
  return text === null || !text.includes(JSON.stringify(name))
    ? null
    : recallFrom(text, name, images.repository, file)
}

import { readTime, RunbookError, timeSource, type Image, type ImageEnvironment, type Look, type StackImages } from '../../src/index.ts'
import { tarOf } from '../images/capture.ts'
import { recallFrom, type Recalled } from '../images/lock-file.ts'
import { textOrNull } from '../images/texts.ts'
import { latestOf, readPointer } from '../images/write-pointers.ts'
import { lastOf } from '../files/path.ts'
import { plain, sized, type Holding, type Shelf } from './holding.ts'

/** Snapshots of images, by environment: the name that each got, and its tar file. */
export async function snapshotsOf(look: Look, images: StackImages): Promise<readonly Shelf[]> {
  const all = await look.images.list(images.repository)
  const files = (await look.files.stat(images.folder)) === null ? [] : await look.files.list(images.folder)
  return Promise.all(images.environments.map(async (environment) => shelfOf(look, images, environment, all, files)))
}

async function shelfOf(look: Look, images: StackImages, environment: ImageEnvironment, all: readonly Image[], files: readonly string[]): Promise<Shelf> {
  const start = `${images.repository}:${environment.name}-`
  const stamps = new Map<string, number>()
  const learn = (from: string, before: string, after: string): void => {
    const moment = from.startsWith(before) && from.endsWith(after) ? from.slice(before.length, from.length - after.length) : ''
    const at = new RegExp(`^${timeSource}$`).test(moment) ? readTime(moment) : null
    if (at !== null) stamps.set(moment, at.getTime())
  }
  const [tarStart, tarEnd] = tarOf(images, environment.name, '\0').split('\0') as [string, string]
  for (const tag of all.flatMap(({ tags }) => tags)) learn(tag, start, '')
  for (const file of files) learn(`${images.folder}/${file}`, tarStart, tarEnd)

  const holdings = await Promise.all([...stamps].map(async ([moment, at]): Promise<Holding> => {
    const tag = `${start}${moment}`
    const image = all.find(({ tags }) => tags.includes(tag))
    return {
      ...plain, name: tag, takenAt: new Date(at).toISOString(), files: await sized(look, [tarOf(images, environment.name, moment)]),
      // An image that has other names stays; only the name goes.
      image: image === undefined ? null : { id: image.id, tag, bytes: image.tags.every((one) => stamps.has(one.slice(start.length)) && one.startsWith(start)) ? image.bytes : 0 },
    }
  }))
  return {
    holdings, keep: images.keep, before: null, inUse: await usesOf(look, images, environment, holdings),
    verify: async ({ name, files: [tar], image }) => {
      if (image !== null) return
      if (tar === undefined || (await look.images.archived(tar.path)).length === 0) throw new RunbookError('verification', `neither ${name} nor its tar file is there`)
    },
  }
}

/** The pointers, the newest lock, the canonical name and every container: what any of them means is what a rollback would need. */
async function usesOf(look: Look, images: StackImages, environment: ImageEnvironment, holdings: readonly Holding[]): Promise<ReadonlyMap<string, string>> {
  const { name, canonical } = environment
  const pointed: Recalled = { imageId: await readPointer(look, images, name, 'iid'), tag: await readPointer(look, images, name, 'tag'), tar: await readPointer(look, images, name, 'tarpath'), gitSha: null }
  const locked = await newestLock(look, images, environment)
  const current = (await look.images.find(canonical))?.id
  const uses = await Promise.all(holdings.map(async (one) => {
    if (means(pointed, one)) return `${images.pointers}${name} points at it`
    if (locked !== null && means(locked, one)) return 'the newest lock file names it'
    if (one.image === null) return null
    if (one.image.id === current) return `${canonical} is this image`
    const [user] = await look.images.users(one.image.id)
    return user === undefined ? null : `the container ${user}`
  }))
  return new Map(holdings.flatMap((one, index) => {
    const use = uses[index] ?? null
    return use === null ? [] : [[one.name, use] as const]
  }))
}

const means = ({ imageId, tag, tar }: Recalled, { name, files, image }: Holding): boolean =>
  name === tag || (image !== null && image.id === imageId) || (tar !== null && files.some(({ path }) => lastOf(path) === lastOf(tar)))

/** @throws RunbookError `usage` for a lock that nobody can read: whatever it names might go */
async function newestLock(look: Look, images: StackImages, { name, stack }: ImageEnvironment): Promise<Recalled | null> {
  const path = (await textOrNull(look, latestOf(images)))?.trim() ?? ''
  if (path === '') return null
  const file = path.startsWith('/') ? path : `${stack.directory}/${path}`
  const text = await textOrNull(look, file)
  // A snapshot of one environment alone says nothing of the others.
  return text === null || !text.includes(JSON.stringify(name)) ? null : recallFrom(text, name, images.repository, file)
}

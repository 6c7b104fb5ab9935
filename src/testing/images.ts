import type { ArchivedImage, Image, Images } from '../drivers/images.ts'
import { RunbookError } from '../kernel/errors.ts'
import { placeOn, spend, type Disk } from './disk.ts'

export type FakeImage = {
  tags: readonly string[]
  readonly labels: { readonly [name: string]: string }
  readonly createdAt: string
  readonly bytes: number
  /** `NAME@sha256:…`, as registries know it; default: none. */
  readonly digests?: readonly string[]
}

/** Images on the fake machine, and those in registries. */
export type ImageStore = {
  /** By image ID, `sha256:…`. */
  readonly images: Map<string, FakeImage>
  /** What a pull fetches, by reference. */
  readonly registry: Map<string, { readonly id: string } & FakeImage>
}

export const emptyStore = (): ImageStore => ({ images: new Map(), registry: new Map() })

/** An image of 1000 bytes with these tags and no labels. */
export const fakeImage = (...tags: readonly string[]): FakeImage => ({
  tags,
  labels: {},
  createdAt: '2026-01-01T00:00:00.000Z',
  bytes: 1000,
})

const mark = 'a pretended image archive:'

/** The bytes of a `docker save` archive; cut them off or change them to damage it. */
export const imageArchiveOf = (images: readonly ({ readonly id: string } & FakeImage)[]): Uint8Array =>
  Buffer.from(`${mark}${JSON.stringify(images)} its end`)

/** @param users the containers of an image; an image with containers cannot be removed */
export function fakeImages(
  store: ImageStore,
  disk: Disk,
  users: (id: string) => readonly string[] = () => [],
): Images {
  const imageOf = (id: string, { tags, labels, createdAt, bytes }: FakeImage): Image => ({
    id,
    tags: tags.toSorted(),
    labels,
    createdAt,
    bytes,
  })
  const entry = (reference: string): readonly [string, FakeImage] | undefined =>
    [...store.images].find(([id, { tags }]) => id === reference || tags.includes(reference))
  const find = (reference: string): Image | null => {
    const found = entry(reference)
    return found === undefined ? null : imageOf(...found)
  }
  const mustFind = (reference: string): Image => {
    const found = find(reference)
    if (found !== null) return found
    throw new RunbookError('failed', `image ${reference} not found on this machine`, {
      hint: 'add it to the image store of the test',
    })
  }
  const takeName = (reference: string): void => {
    for (const image of store.images.values()) image.tags = image.tags.filter((tag) => tag !== reference)
  }
  const put = ({ id, ...image }: { readonly id: string } & FakeImage): void => {
    for (const tag of image.tags) takeName(tag)
    store.images.set(id, {
      ...image,
      tags: [...new Set([...(store.images.get(id)?.tags ?? []), ...image.tags])],
    })
  }
  const read = (file: string): readonly ({ readonly id: string } & FakeImage)[] => {
    const body = disk.files.get(placeOn(file))
    if (body === undefined)
      throw new RunbookError('failed', `cannot read image archive ${file}: no such file`, {
        hint: 'add it to the disk of the test',
      })
    const text = Buffer.from(body).toString()
    try {
      if (text.startsWith(mark) && text.endsWith(' its end'))
        return JSON.parse(text.slice(mark.length, -' its end'.length)) as ReturnType<typeof read>
    } catch {
      // Refused as damaged below.
    }
    throw new RunbookError('verification', `image archive ${file} is not valid: damaged`, {
      hint: 'use another archive',
    })
  }
  const archivedOf = ({
    id,
    tags,
  }: {
    readonly id: string
    readonly tags: readonly string[]
  }): ArchivedImage => ({ ids: [id], tags: tags.toSorted() })
  return {
    find: async (reference) => find(reference),
    list: async (repository) =>
      [...store.images]
        .filter(([, { tags }]) => tags.some((tag) => tag.startsWith(`${repository}:`)))
        .map((one) => imageOf(...one))
        .sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1)),
    digests: async (reference) => {
      const found = entry(reference)
      return found === undefined ? null : (found[1].digests ?? []).toSorted()
    },
    users: async (id) => users(id),
    archived: async (file) => read(file).map(archivedOf),
    async tag(id, reference) {
      const found = mustFind(id)
      takeName(reference)
      const image = store.images.get(found.id)
      if (image !== undefined) image.tags = [...image.tags, reference]
    },
    untag: async (reference) => takeName(reference),
    async remove(id) {
      if (users(id).length > 0)
        throw new RunbookError(
          'failed',
          `cannot remove image ${id}: it is used by container ${users(id)[0]}`,
          {
            hint: 'remove the container first',
          },
        )
      store.images.delete(id)
    },
    async save(reference, file) {
      const at = placeOn(file)
      const { id, tags, ...rest } = mustFind(reference)
      const body = imageArchiveOf([{ id, tags: tags.filter((tag) => tag === reference), ...rest }])
      disk.beforeChange('save', at)
      spend(disk, body.length, at)
      disk.files.set(at, body)
      return archivedOf({ id, tags: tags.filter((tag) => tag === reference) })
    },
    async load(file) {
      const images = read(file)
      images.forEach(put)
      return images.map(({ id }) => mustFind(id))
    },
    async pull(reference) {
      const image = store.registry.get(reference)
      if (image === undefined)
        throw new RunbookError('failed', `cannot pull ${reference}: not found`, {
          hint: `try: docker pull ${reference}`,
        })
      const repository = reference.slice(0, reference.lastIndexOf(':'))
      put({ ...image, tags: [reference], digests: [`${repository}@${image.id}`] })
      return mustFind(reference)
    },
  }
}

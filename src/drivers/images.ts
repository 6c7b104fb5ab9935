import type { JsonObject } from '../kernel/json.ts'

/** An image that the engine of this machine holds. */
export type Image = JsonObject & {
  /**
   * As the engine calls it now, `sha256:…`: the digest of the configuration in the classic store, that of the manifest in the containerd
   * store. So one image has two ids on two machines, and another one after a change of store; within one engine a container's image id is of
   * the same kind.
   */
  readonly id: string
  /** `NAME:TAG`, sorted; none for an image that lost its last name. */
  readonly tags: readonly string[]
  readonly labels: { readonly [name: string]: string }
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly bytes: number
}

/** An image in a file that `docker save` made. */
export type ArchivedImage = JsonObject & {
  /** Each id by which one or another store would know it. */
  readonly ids: readonly string[]
  /** Empty where it was saved by its id. */
  readonly tags: readonly string[]
}

export interface ImagesView {
  /** @param reference `NAME:TAG` or `sha256:…`; null where there is none on this machine */
  find(reference: string): Promise<Image | null>
  /** Every image that has a tag in the repository, newest first. */
  list(repository: string): Promise<readonly Image[]>
  /** Names of the containers, stopped ones too, that were made of it or of an image built on it. Sorted. */
  users(id: string): Promise<readonly string[]>
  /**
   * What a file of `docker save` holds, read to its end: each image is there whole, and its bytes have the digests that its own description
   * states. @throws RunbookError `verification` for damage, and for what is no such file; `failed` where there is none
   */
  archived(file: string): Promise<readonly ArchivedImage[]>
}

/** Of the Docker engine, whatever the stack. */
export interface Images extends ImagesView {
  /** Gives an image a name; another image that had it loses it, and stays. @throws RunbookError `failed` for an image that is not there */
  tag(id: string, reference: string): Promise<void>
  /** Takes a name away. The image stays, though it was its last. A name that nobody has is no error. */
  untag(reference: string): Promise<void>
  /** Removes an image with its names. None is no error. @throws RunbookError `failed` where a container uses it */
  remove(id: string): Promise<void>
  /**
   * Writes a file that holds the image, under that name only, whole and durable; until then it is `FILE.partial`. A file of that name is
   * replaced. @throws RunbookError `verification` where what was written is not that image
   */
  save(reference: string, file: string): Promise<ArchivedImage>
  /**
   * Loads what the file holds, once it has been read to its end. Names in the file are taken from the images that had them.
   * @returns the images as the engine knows them now
   */
  load(file: string): Promise<readonly Image[]>
  /** Fetches from a registry, with the credentials of the docker command. @throws RunbookError `failed` */
  pull(reference: string): Promise<Image>
}

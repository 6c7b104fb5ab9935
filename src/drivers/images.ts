import type { JsonObject } from '../kernel/json.ts'

/** An image in the engine of this machine. */
export type Image = JsonObject & {
  /**
   * `sha256:…`: digest of the configuration in the classic store, of the manifest in the containerd store.
   * So an image may have different ids on two machines or after a change of store. The image id of a
   * container is of the same kind within one engine.
   */
  readonly id: string
  /** `NAME:TAG`, sorted; empty for an untagged image. */
  readonly tags: readonly string[]
  readonly labels: { readonly [name: string]: string }
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly bytes: number
}

/** An image in a file written by `docker save`. */
export type ArchivedImage = JsonObject & {
  /** Its ids in the different image stores. */
  readonly ids: readonly string[]
  /** Empty if it was saved by id. */
  readonly tags: readonly string[]
}

export interface ImagesView {
  /** Null if it is not on this machine. @param reference `NAME:TAG` or `sha256:…` */
  find(reference: string): Promise<Image | null>
  /** All images with a tag in the repository, newest first. */
  list(repository: string): Promise<readonly Image[]>
  /**
   * Digests by which registries know the image, `NAME@sha256:…`, sorted; empty if it was built or loaded here and never
   * pushed or pulled. Null if it is not on this machine.
   */
  digests(reference: string): Promise<readonly string[] | null>
  /** Names of the containers, running or not, of this image or images built on it; sorted. */
  users(id: string): Promise<readonly string[]>
  /**
   * Contents of a `docker save` file, read to its end: verifies that each image is complete and its bytes
   * match the digests in its description.
   * @throws RunbookError `verification` for a damaged file or another format; `failed` if it is missing
   */
  archived(file: string): Promise<readonly ArchivedImage[]>
}

/** Images of the Docker engine, for any kind of stack. */
export interface Images extends ImagesView {
  /** Tags an image; moves the tag if another has it. @throws RunbookError `failed` if the image is missing */
  tag(id: string, reference: string): Promise<void>
  /** Removes a tag. The image stays, even without tags. A missing tag is not an error. */
  untag(reference: string): Promise<void>
  /**
   * Removes an image with its tags. A missing one is not an error.
   * @throws RunbookError `failed` if a container uses it
   */
  remove(id: string): Promise<void>
  /**
   * Saves the image with only this tag, replacing the file; it is `FILE.partial` until complete and durable.
   * @throws RunbookError `verification` if the file does not contain that image
   */
  save(reference: string, file: string): Promise<ArchivedImage>
  /**
   * Loads a file after reading it to its end. Tags in the file move from the images that had them.
   * @returns the images as they are in the engine now
   */
  load(file: string): Promise<readonly Image[]>
  /** Pulls from a registry with the credentials of the docker command. @throws RunbookError `failed` */
  pull(reference: string): Promise<Image>
}

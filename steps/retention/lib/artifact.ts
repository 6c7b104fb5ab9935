import type {
  DataArchive,
  Database,
  Look,
  Release,
  Retention,
  StackImages,
  Target,
} from '../../../src/index.ts'
import { copyPlacesOf, type CopyPlace } from './copy-places.ts'

export const kinds = ['bundles', 'backups', 'images', 'databases', 'dumps', 'copies'] as const
export type Kind = (typeof kinds)[number]

/** One thing that stays or goes as a whole: a bundle with its lock file, the name of an image with its tar file. */
export type Artifact = {
  readonly name: string
  readonly takenAt: string
  /** In the order in which they go. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
  /** `tag` goes; the image goes with it where that is the `last` of all its `tags`. */
  readonly image: {
    readonly id: string
    readonly tag: string
    readonly tags: readonly string[]
    readonly bytes: number
    readonly last: boolean
  } | null
  readonly database: { readonly name: string; readonly bytes: number } | null
}

export const plain: Pick<Artifact, 'image' | 'database'> = { image: null, database: null }

/** Things of one kind in one place, as they are now. */
export interface Inventory {
  readonly holdings: readonly Artifact[]
  /** What stays because nobody knows it, though it looks like something of this kind. */
  readonly unknown?: readonly { readonly name: string; readonly because: string }[]
  /** What the configuration says; null where it says nothing. */
  readonly keep: number | null
  readonly inUse: ReadonlyMap<string, string>
  /** Milliseconds; null where age does not matter. */
  readonly before: number | null
  /** @throws RunbookError where it is not whole */
  verify(one: Artifact): Promise<unknown>
}

/** What a target has that grows old. */
export type RetentionSources = {
  readonly release: Release | null
  readonly data: DataArchive | null
  readonly images: StackImages | null
  readonly database: Database | null
  /** Name of the database in a volume. */
  readonly volume: string | null
  /** Where runs leave copies of configuration files. Missing in plans of earlier versions. */
  readonly copies?: readonly CopyPlace[]
  readonly retention: Retention | null
}

const none: RetentionSources = {
  release: null,
  data: null,
  images: null,
  database: null,
  volume: null,
  copies: [],
  retention: null,
}

/** @param kind only what tells of things of that kind; left out, everything */
export function sourcesOf(target: Target, kind?: Kind): RetentionSources {
  const { release, data, images, database, volumeDatabase, retention } = target
  const old = { database: database ?? null, retention: retention ?? null }
  const parts: { readonly [K in Kind]: Partial<RetentionSources> } = {
    bundles: { release: release ?? null },
    // A pruning decrypts nothing, so it needs no passphrase.
    backups: { data: data === undefined ? null : { ...data, passphrase: null } },
    images: { images: images ?? null },
    databases: old,
    dumps: { ...old, volume: volumeDatabase?.name ?? null },
    copies: { copies: copyPlacesOf(target), retention: retention ?? null },
  }
  return kind === undefined
    ? (Object.assign({ ...none }, ...kinds.map((each) => parts[each])) as RetentionSources)
    : { ...none, ...parts[kind] }
}

export const bytesOf = ({ files, image, database }: Artifact): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0) +
  (image?.last === true ? image.bytes : 0) +
  (database?.bytes ?? 0)

/** What goes with it, each with its size. */
export const partsOf = ({ files, image, database }: Artifact): readonly string[] => [
  ...(image === null
    ? []
    : [image.last ? `the image ${image.tag} (${image.bytes} bytes)` : `the image name ${image.tag}`]),
  ...(database === null ? [] : [`the database ${database.name} (${database.bytes} bytes)`]),
  ...files.map(({ path, bytes }) => `${path} (${bytes} bytes)`),
]

/** Those of the files that are there, with their sizes. */
export async function sized(look: Pick<Look, 'files'>, paths: readonly string[]): Promise<Artifact['files']> {
  const facts = await Promise.all(paths.map((path) => look.files.stat(path)))
  return paths.flatMap((path, index) => {
    const found = facts[index] ?? null
    return found === null ? [] : [{ path, bytes: found.bytes }]
  })
}

import {
  cacheOf,
  isRemote,
  type BackupPlace,
  type DataArchive,
  type Database,
  type Release,
  type Retention,
  type StackImages,
  type Target,
  type VolumePath,
} from '../../../src/index.ts'
import type { FilePart } from '../../files/lib/chosen-file.ts'
import { copyPlacesOf, type CopyPlace } from './copy-places.ts'
import { drilledFoldersOf, type DrilledFolders } from './drilled-folders.ts'

export const kinds = [
  'bundles',
  'backups',
  'images',
  'databases',
  'dumps',
  'copies',
  'downloads',
  'folders',
] as const
export type Kind = (typeof kinds)[number]

/**
 * One thing that is kept or removed completely: a bundle with its lock file, an image name with its tar
 * file.
 */
export type Artifact = {
  readonly name: string
  readonly takenAt: string
  /** In the order of their removal. */
  readonly files: readonly FilePart[]
  /** `tag` is removed, and the image with it where `last` says it is the last of its `tags`. */
  readonly image: {
    readonly id: string
    readonly tag: string
    readonly tags: readonly string[]
    readonly bytes: number
    readonly last: boolean
  } | null
  readonly database: DatabasePart | null
}

export type DatabasePart = {
  readonly name: string
  readonly bytes: number
  /** As `instanceOf` tells it. Missing where an earlier version chose. */
  readonly instance?: string
}

export const filesOnly: Pick<Artifact, 'image' | 'database'> = { image: null, database: null }

/** Things of one kind in one place, as they are now. */
export interface Inventory {
  readonly artifacts: readonly Artifact[]
  /** What stays because it is not recognized, though it looks like this kind. */
  readonly unknown?: readonly { readonly name: string; readonly because: string }[]
  /** The configured number; null where none is configured. */
  readonly keep: number | null
  readonly inUse: ReadonlyMap<string, string>
  /** The path under which its artifacts were live before runs moved them; left out where they were not. */
  readonly movedFrom?: string
  /** Milliseconds since the epoch; null where age does not matter. */
  readonly before: number | null
  /** @throws RunbookError where it is damaged or missing */
  verify(one: Artifact): Promise<unknown>
}

/** The parts of a target that accumulate old things. */
export type RetentionSources = {
  readonly release: Release | null
  readonly data: DataArchive | null
  readonly images: StackImages | null
  readonly database: Database | null
  /** Name of the database in a volume. */
  readonly volume: string | null
  /** Where that database is: runs that keep copies of it hold its service. Missing in plans of earlier versions. */
  readonly volumeAt?: VolumePath
  /** Where runs leave copies of configuration files. Missing in plans of earlier versions. */
  readonly copies?: readonly CopyPlace[]
  /** Where backups are kept that are downloaded; left out where they are files of this machine. */
  readonly downloads?: BackupPlace
  /** Where full drills keep folders; left out where none can run. */
  readonly folders?: DrilledFolders
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

/** @param kind limits the result to what this kind needs; left out, everything */
export function sourcesOf(target: Target, kind?: Kind): RetentionSources {
  const { release, data, images, database, volumeDatabase, retention, backups } = target
  const folders = drilledFoldersOf(target)
  const old = { database: database ?? null, retention: retention ?? null }
  const parts: { readonly [K in Kind]: Partial<RetentionSources> } = {
    bundles: { release: release ?? null },
    // Pruning decrypts nothing, so it needs no passphrase.
    backups: { data: data === undefined ? null : { ...data, passphrase: null } },
    images: { images: images ?? null },
    databases: old,
    dumps: {
      ...old,
      volume: volumeDatabase?.name ?? null,
      ...(volumeDatabase === undefined ? {} : { volumeAt: volumeDatabase.at }),
    },
    copies: { copies: copyPlacesOf(target), retention: retention ?? null },
    downloads: backups === undefined || !isRemote(backups) ? {} : { downloads: cacheOf(backups) },
    folders: folders === null ? {} : { folders, retention: retention ?? null },
  }
  return kind === undefined
    ? (Object.assign({ ...none }, ...kinds.map((each) => parts[each])) as RetentionSources)
    : { ...none, ...parts[kind] }
}

export const bytesOf = ({ files, image, database }: Artifact): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0) +
  (image?.last === true ? image.bytes : 0) +
  (database?.bytes ?? 0)

/** The parts that are removed with it, each with its size. */
export const describeParts = ({ files, image, database }: Artifact): readonly string[] => [
  ...(image === null
    ? []
    : [image.last ? `the image ${image.tag} (${image.bytes} bytes)` : `the image name ${image.tag}`]),
  ...(database === null ? [] : [`the database ${database.name} (${database.bytes} bytes)`]),
  ...files.map(({ path, bytes }) => `${path} (${bytes} bytes)`),
]

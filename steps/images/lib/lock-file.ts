import { cannot, RunbookError, type Json, type JsonObject } from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'

/** One image of a snapshot, as lock files and the history record it. */
export type LockedImage = {
  readonly env: string
  readonly compose_file: string
  readonly service: string
  readonly compose_image: string
  readonly snap_ts_utc: string
  readonly image_id: string
  readonly archival_tag: string
  readonly backup_tar: string | null
}

export type ImageLock = {
  readonly _note: string
  readonly created_at: string
  readonly repo_head: string | null
  readonly images: readonly LockedImage[]
}

/**
 * An image to go back to, as a lock, a pointer or a history line describes it. `tar` may be a path on
 * another machine. `at` is the time of the snapshot, which may be seconds before that in the tag.
 */
export type Recalled = {
  readonly imageId: string | null
  readonly tag: string | null
  readonly tar: string | null
  readonly at: string | null
  readonly gitSha: string | null
}

const idForm = /^sha256:[0-9a-f]{64}$/
const referenceForm = /^[a-z0-9][a-z0-9._/:-]*:\w[\w.-]{0,127}$/

/** @throws RunbookError `usage` for text that is not an image id: it is passed to Docker */
export function imageId(text: string, where: string): string {
  if (idForm.test(text)) return text
  throw new RunbookError('usage', `${where}: ${JSON.stringify(text.slice(0, 100))} is not an image id`, {
    hint: 'an image id is sha256: and 64 hexadecimal digits',
  })
}

/** @throws RunbookError `usage` for text that is not a reference with a tag */
export function reference(text: string, where: string): string {
  if (referenceForm.test(text)) return text
  throw new RunbookError(
    'usage',
    `${where}: ${JSON.stringify(text.slice(0, 100))} is not an image with a tag`,
    { hint: 'write NAME:TAG' },
  )
}

/**
 * Reads the image of one environment from a lock of either form: with `images`, as image snapshots write it,
 * or flat with `docker_tag` and `git_sha`, as release snapshots do. Unknown fields are ignored.
 * @throws RunbookError `usage` for a file that is not a lock or lacks a required field: the message names it
 */
export function recallFrom(text: string, env: string, repository: string, file: string): Recalled {
  const lock = parsed(text)
  if (lock === null) throw unusable(file, 'not a JSON object')
  if (lock['images'] === undefined) return recallFromFlat(lock, env, repository, file)
  if (!Array.isArray(lock['images'])) throw unusable(file, '"images" is not a list')
  const images = (lock['images'] as readonly Json[]).filter(isObject)
  const mine = images.filter((image) => image['env'] === env)
  if (mine.length > 1) throw unusable(file, `${mine.length} images of ${env} in it`)
  const [image] = mine
  if (image === undefined)
    throw unusable(
      file,
      `no image of ${env} in it (images: ${images.map((one) => String(one['env'])).join(', ') || 'none'})`,
    )
  const [id, tag] = [textOf(image, 'image_id'), textOf(image, 'archival_tag')]
  if (id === null && tag === null)
    throw unusable(file, `the image of ${env} has neither image_id nor archival_tag`)
  return {
    imageId: id === null ? null : imageId(id, `${file} (image_id)`),
    tag: tag === null ? null : reference(tag, `${file} (archival_tag)`),
    tar: textOf(image, 'backup_tar') ?? textOf(image, 'tar'),
    at: textOf(image, 'snap_ts_utc') ?? textOf(lock, 'created_at'),
    gitSha: textOf(lock, 'repo_head'),
  }
}

/**
 * The names that the tar file of a snapshot may have: as recorded, and `NAME-ENV-TIME.tar` by the time in the
 * tag or that of the snapshot.
 */
export function tarNames(repository: string, env: string, { tag, tar, at }: Recalled): readonly string[] {
  const names = [repository, ...(tag === null ? [] : [tag.slice(0, tag.lastIndexOf(':'))])]
  return [
    ...new Set([
      ...(tar === null ? [] : [lastOf(tar)]),
      ...(tag === null ? [] : [`${lastOf(tag).replace(':', '-')}.tar`]),
      ...(at === null || !/^[\w:-]+$/.test(at)
        ? []
        : names.map((name) => `${lastOf(name)}-${env}-${at}.tar`)),
    ]),
  ]
}

function recallFromFlat(lock: JsonObject, env: string, repository: string, file: string): Recalled {
  const [theirs, tag, id, gitSha] = ['env', 'docker_tag', 'image_id', 'git_sha'].map((key) =>
    textOf(lock, key),
  )
  if (typeof theirs === 'string' && theirs !== env)
    throw unusable(file, `it is a lock of ${theirs}, not of ${env}`)
  if (typeof tag !== 'string' && typeof id !== 'string') {
    const sha = gitSha ?? null
    throw unusable(
      file,
      'docker_tag is missing',
      sha === null ? undefined : `build the image of commit ${sha}, tag it, then: --tag NAME:TAG`,
    )
  }
  const named =
    typeof tag !== 'string'
      ? null
      : reference(tag.includes(':') ? tag : `${repository}:${tag}`, `${file} (docker_tag)`)
  return {
    imageId: typeof id === 'string' ? imageId(id, `${file} (image_id)`) : null,
    tag: named,
    tar: null,
    at: null,
    gitSha: gitSha ?? null,
  }
}

export type Snapshot = Recalled & { readonly env: string; readonly at: string }

/**
 * The snapshots of one environment or all, newest last. Unreadable lines are skipped: other programs write
 * here too.
 */
export function snapshotsIn(history: string, only: string | null): readonly Snapshot[] {
  return history.split('\n').flatMap((line) => {
    const entry = parsed(line)
    const env = entry === null ? null : textOf(entry, 'env')
    if (entry === null || env === null || (only !== null && env !== only)) return []
    const [at, id, tag] = [textOf(entry, 'ts'), textOf(entry, 'image_id'), textOf(entry, 'archival_tag')]
    if (at === null || id === null || !idForm.test(id) || (tag !== null && !referenceForm.test(tag)))
      return []
    return [{ env, at, imageId: id, tag, tar: textOf(entry, 'backup_tar'), gitSha: null }]
  })
}

/**
 * The snapshot of an environment that a time names: the time of the snapshot itself, the one in the tag of
 * its image, or the one in the tag that the same snapshot gave to an image of another environment.
 */
export function snapshotAt(history: string, env: string, moment: string): Snapshot | undefined {
  const all = snapshotsIn(history, null)
  const own = all.filter((one) => one.env === env)
  const tagged = all.filter((one) => sameMoment(momentOf(one.tag, one.env) ?? '', moment))
  return (
    own.findLast(({ at }) => sameMoment(at, moment)) ??
    own.findLast((one) => tagged.includes(one)) ??
    own.findLast(({ at }) => tagged.some((other) => other.at === at))
  )
}

/** The time in the tag that a snapshot gave to an image of an environment: `ENV-TIME`. */
export function momentOf(tag: string | null, env: string): string | null {
  const start = `${env}-`
  const name = tag?.slice(tag.lastIndexOf(':') + 1) ?? ''
  return name.startsWith(start) && /^\d{8}/.test(name.slice(start.length)) ? name.slice(start.length) : null
}

/** Moments are written in several ways, which agree in their digits. */
export const sameMoment = (one: string, other: string): boolean =>
  digits(one) !== '' && digits(one) === digits(other)

export const historyLine = ({
  snap_ts_utc: ts,
  env,
  service,
  compose_file: compose,
  image_id,
  archival_tag,
  backup_tar,
}: LockedImage): string =>
  `${JSON.stringify({ ts, env, service, compose, image_id, archival_tag, backup_tar })}\n`

/** The digits of a time to the second, by which times in different forms compare. */
export const digits = (text: string): string => text.replace(/\.\d+Z?$/, '').replace(/\D/g, '')
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parsed(text: string): JsonObject | null {
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function textOf(from: JsonObject, key: string): string | null {
  const value = from[key]
  return typeof value === 'string' && value !== '' ? value : null
}

const unusable = (
  file: string,
  why: string,
  hint = 'name another lock file, or use --snapshot, --tag or --image-id',
): RunbookError => cannot('use', `the lock file ${file}`, why, { code: 'usage', hint })

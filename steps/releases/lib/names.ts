import { readTime, RunbookError, timeSource, type Head } from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'
import { mayGo } from '../../backups/lib/retention-rule.ts'

/** A bundle with its lock file, by their names in the folder of releases. */
export type Pair = {
  readonly stem: string
  readonly tarball: string
  readonly lock: string
  readonly takenAt: number
}

export type ReleaseFiles = {
  /** Newest first. */
  readonly pairs: readonly Pair[]
  /** Bundles without a lock file, and lock files without a bundle. */
  readonly unpaired: readonly string[]
}

/** `2025-09-22T101500Z`, the form in names and lock files of existing releases. */
export const releaseStamp = (at: Date): string => `${at.toISOString().slice(0, 19).replaceAll(':', '')}Z`

const versionForm = /^v\d[\w.+-]*$/

/**
 * The version to release: `given`, else the only version tag of the commit, else the commit as `git-abc1234`.
 * @throws RunbookError `preflight` for text that is not a version, and for a commit with several version tags
 */
export function versionOf({ sha, tags }: Pick<Head, 'sha' | 'tags'>, given: string | null): string {
  if (given !== null) {
    if (versionForm.test(given)) return given
    throw new RunbookError('preflight', `${JSON.stringify(given)} is not a version`, {
      hint: 'write it like its tag: --release v1.0.1',
    })
  }
  const versions = tags.filter((tag) => versionForm.test(tag))
  const [only] = versions
  if (only === undefined) return `git-${sha.slice(0, 7)}`
  if (versions.length === 1) return only
  throw new RunbookError(
    'preflight',
    `the commit ${sha.slice(0, 12)} has several version tags: ${versions.join(', ')}`,
    { hint: `choose one: --release ${versions.at(-1)}` },
  )
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)

/** Sorts the files of a releases folder. Files with other names are not releases and are ignored. */
export function releaseFilesOf(files: readonly string[], name: string): ReleaseFiles {
  const form = new RegExp(
    String.raw`^(${escaped(name)}-(?:v\d[\w.+-]*|git-[0-9a-f]{7,40})-(${timeSource}))\.(tar\.gz|lock\.json)$`,
  )
  const stems = new Map<string, { readonly takenAt: number; readonly endings: Set<string> }>()
  for (const file of files) {
    const [, stem = '', time = '', ending = ''] = form.exec(file) ?? []
    const takenAt = stem === '' ? null : readTime(time)
    if (takenAt === null) continue
    const known = stems.get(stem) ?? { takenAt: takenAt.getTime(), endings: new Set() }
    known.endings.add(ending)
    stems.set(stem, known)
  }
  const complete = [...stems].filter(([, { endings }]) => endings.size === 2)
  const pairs = complete.map(([stem, { takenAt }]) => ({
    stem,
    tarball: `${stem}.tar.gz`,
    lock: `${stem}.lock.json`,
    takenAt,
  }))
  const unpaired = [...stems]
    .filter(([, { endings }]) => endings.size === 1)
    .map(([stem, { endings }]) => `${stem}.${[...endings].join('')}`)
  return {
    pairs: pairs.sort((one, other) => other.takenAt - one.takenAt || (one.stem < other.stem ? 1 : -1)),
    unpaired: unpaired.sort(),
  }
}

/**
 * Pairs to remove: all but the newest ones, those in use, and the newest verified one. A pair is removed
 * completely or not at all.
 * @param pairs newest first
 */
export function toPrune(
  pairs: readonly Pair[],
  spared: { readonly keep: number; readonly inUse: ReadonlySet<string>; readonly verified: string | null },
): readonly Pair[] {
  return mayGo(
    pairs,
    spared.keep,
    ({ stem, tarball, lock }) =>
      stem === spared.verified || [stem, tarball, lock].some((one) => spared.inUse.has(one)),
  )
}

/** The names in a pointer file, one per line, without their folders. */
export const namedIn = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(lastOf)

import type { Dirt, GitView } from '../drivers/git.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/json.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { parentsOf, placeOn, treeOn, type Disk } from './disk.ts'

export type FakeCommit = {
  readonly sha: string
  readonly committedAt: string
  readonly subject: string
  readonly tags: readonly string[]
  /** By path from the top of the work tree. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** Commits by the top of the work tree, newest first. The work tree itself is on the in-memory disk. */
export type Repositories = Map<string, readonly FakeCommit[]>

export const noRepositories = (): Repositories => new Map()

/** Commits the files at and below `top`, except those that `.gitignore` names (complete names only). */
export function commitOn(
  repositories: Repositories,
  disk: Disk,
  top: string,
  {
    subject = 'a commit',
    committedAt = '2026-01-01T00:00:00.000Z',
    tags = [],
  }: Partial<Omit<FakeCommit, 'sha' | 'files'>> = {},
): FakeCommit {
  const before = repositories.get(top) ?? []
  const files = new Map(
    workTree(disk, top).map((path) => [path, Uint8Array.from(disk.files.get(`${top}/${path}`) ?? [])]),
  )
  const hashes = [...files].map(([path, body]) => `${path} ${sha256(body)}`)
  const sha = sha256([before[0]?.sha ?? '', subject, committedAt, ...hashes].join('\n')).slice(0, 40)
  const commit = { sha, committedAt, subject, tags: tags.toSorted(), files }
  repositories.set(top, [commit, ...before])
  return commit
}

export function fakeGit(repositories: Repositories, disk: Disk): GitView {
  const within = (
    directory: string,
  ): {
    readonly top: string
    readonly below: string
    readonly commits: readonly [FakeCommit, ...FakeCommit[]]
  } => {
    const at = placeOn(directory)
    const top = [...parentsOf(at), at].findLast((one) => repositories.has(one))
    const [last, ...older] = top === undefined ? [] : (repositories.get(top) ?? [])
    if (top === undefined || last === undefined) {
      throw new RunbookError(
        'preflight',
        `cannot read the last commit of ${shellWord(at)}: ${top === undefined ? 'not a git repository' : 'no commits yet'}`,
        { hint: `check: git -C ${shellWord(at)} status` },
      )
    }
    return { top, below: at === top ? '' : `${at.slice(top.length + 1)}/`, commits: [last, ...older] }
  }
  const relative = (below: string, paths: Iterable<string>): readonly string[] =>
    [...paths]
      .filter((path) => path.startsWith(below))
      .map((path) => path.slice(below.length))
      .sort()
  const changesOn = (top: string, below: string, files: FakeCommit['files']): Dirt => ({
    changed: relative(
      below,
      [...files]
        .filter(([path, body]) => !same(body, disk.files.get(`${top}/${path}`)))
        .map(([path]) => path),
    ),
    untracked: relative(
      below,
      workTree(disk, top).filter((path) => !files.has(path)),
    ),
  })
  return {
    async head(directory) {
      const {
        commits: [{ sha, committedAt, tags }],
      } = within(directory)
      return { sha, committedAt, tags }
    },
    async dirty(directory) {
      const {
        top,
        below,
        commits: [{ files }],
      } = within(directory)
      return changesOn(top, below, files)
    },
    async workTrees(directories) {
      return directories.map((directory) => {
        const at = placeOn(directory)
        const top = [...parentsOf(at), at].findLast((one) => repositories.has(one))
        if (top === undefined) return null
        const below = at === top ? '' : `${at.slice(top.length + 1)}/`
        const [last] = repositories.get(top) ?? []
        const ignored = isIgnored(ignoredIn(disk, top), below)
        return {
          sha: last?.sha ?? null,
          ...changesOn(top, below, last?.files ?? new Map()),
          ignored: ignored ? ['.'] : ignoredBelow(disk, top, below),
        }
      })
    },
    async tracked(directory) {
      const {
        below,
        commits: [{ files }],
      } = within(directory)
      return relative(below, files.keys())
    },
    async ignores(directory, path) {
      const at = placeOn(path.startsWith('/') ? path : `${directory}/${path}`)
      const top = [...parentsOf(at), at].findLast((one) => repositories.has(one))
      return top === undefined ? null : isIgnored(ignoredIn(disk, top), at.slice(top.length + 1))
    },
    async show(directory, revision, path) {
      if (revision === '' || revision.startsWith('-') || revision.includes(':'))
        throw new RunbookError('usage', `${JSON.stringify(revision)} is not a revision`, {
          hint: 'give HEAD~1, a tag or a commit',
        })
      const { below, commits } = within(directory)
      const body = commitAt(commits, revision)?.files.get(placeOn(`/${below}${path}`).slice(1))
      if (body !== undefined) return body
      throw new RunbookError(
        'failed',
        `cannot read ${shellWord(path)} at ${shellWord(revision)} in ${shellWord(directory)}: not found`,
        { hint: `list its revisions: git -C ${shellWord(directory)} log --oneline -- ${shellWord(path)}` },
      )
    },
    async history(directory, path, most) {
      const { below, commits } = within(directory)
      const at = `${below}${path}`
      return commits
        .filter(({ files }, index) => !same(files.get(at), commits[index + 1]?.files.get(at)))
        .slice(0, most)
        .map(({ sha, committedAt, subject }) => ({ sha, committedAt, subject }))
    },
  }
}

const ignoredIn = (disk: Disk, top: string): readonly string[] =>
  Buffer.from(disk.files.get(`${top}/.gitignore`) ?? [])
    .toString()
    .split('\n')
    .filter((line) => line !== '')

const isIgnored = (ignored: readonly string[], path: string): boolean =>
  path.split('/').some((part) => ignored.includes(part))

/** The topmost names only, as git lists them. */
function ignoredBelow(disk: Disk, top: string, below: string): readonly string[] {
  const ignored = ignoredIn(disk, top)
  const found = treeOn(disk, top)
    .map((path) => path.slice(top.length + 1))
    .filter((path) => path.startsWith(below) && isIgnored(ignored, path))
    .map((path) => path.slice(below.length))
  return found.filter((path) => !found.some((other) => path.startsWith(`${other}/`))).sort()
}

function workTree(disk: Disk, top: string): readonly string[] {
  const ignored = ignoredIn(disk, top)
  return treeOn(disk, top)
    .filter((path) => disk.files.has(path))
    .map((path) => path.slice(top.length + 1))
    .filter((path) => !isIgnored(ignored, path))
}

const same = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
  one === undefined || other === undefined ? one === other : Buffer.from(one).equals(other)

function commitAt(commits: readonly FakeCommit[], revision: string): FakeCommit | undefined {
  const back = /^HEAD(?:~(\d+))?$/.exec(revision)
  if (back !== null) return commits[Number(back[1] ?? 0)]
  return commits.find(
    ({ sha, tags }) => tags.includes(revision) || (revision.length >= 4 && sha.startsWith(revision)),
  )
}

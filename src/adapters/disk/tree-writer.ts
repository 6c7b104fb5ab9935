import { constants } from 'node:fs'
import { chmod, lchown, mkdir, open, readdir, lutimes, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { syncFolder } from './durable.ts'
import type { Member } from './members.ts'

/** How many files are synced in parallel: the disk batches concurrent requests. */
const together = 16

/** Writes members into a private, empty folder. Never opens an existing file or follows a link. */
export class TreeWriter {
  readonly #folder: string
  readonly #folders: Member[] = []
  readonly #created = new Set<string>()
  #open: { readonly file: FileHandle; readonly member: Member } | null = null
  #written = { files: 0, bytes: 0 }

  constructor(folder: string) {
    this.#folder = folder
  }

  async begin(member: Member): Promise<void> {
    if (member.kind === 'folder') {
      await this.#makeFolder(member.path)
      this.#folders.push(member)
      return
    }
    await this.#makeFolder(parentOf(member.path))
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    this.#open = {
      file: await open(join(this.#folder, member.path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
      member,
    }
  }

  async content(bytes: Buffer): Promise<void> {
    await this.#open?.file.writeFile(bytes)
    this.#written.bytes += bytes.length
  }

  async end(): Promise<void> {
    if (this.#open === null) return
    const { file, member } = this.#open
    // As tar: root restores numeric owners, other users own what they extract.
    if (process.getuid?.() === 0) await file.chown(member.uid, member.gid)
    await file.chmod(member.mode & 0o777)
    await file.utimes(member.modified, member.modified)
    await this.close()
    this.#written.files++
  }

  async close(): Promise<void> {
    const file = this.#open?.file
    this.#open = null
    await file?.close()
  }

  async #makeFolder(path: string): Promise<void> {
    if (path === '' || this.#created.has(path)) return
    await this.#makeFolder(parentOf(path))
    await mkdir(join(this.#folder, path), { mode: 0o700 })
    this.#created.add(path)
  }

  /**
   * Makes everything durable, then sets modes and times of folders, deepest first so that nothing changes
   * them again.
   * @throws RunbookError `verification` if the folder contains anything else than was written
   */
  async seal(): Promise<void> {
    const found = await syncTree(this.#folder)
    const expected = { ...this.#written, folders: this.#created.size }
    if (
      found.files !== expected.files ||
      found.folders !== expected.folders ||
      found.bytes !== expected.bytes
    ) {
      throw new RunbookError(
        'verification',
        `${this.#folder} contains ${countsText(found)}, but ${countsText(expected)} were written`,
        { hint: `find out what else writes there: lsof +D ${this.#folder}` },
      )
    }
    for (const { path, mode, uid, gid, modified } of this.#folders.toSorted(
      (one, other) => other.path.length - one.path.length,
    )) {
      const at = join(this.#folder, path)
      if (process.getuid?.() === 0) await lchown(at, uid, gid)
      await chmod(at, mode)
      await lutimes(at, modified, modified)
    }
  }
}

type TreeCounts = { readonly files: number; readonly folders: number; readonly bytes: number }

const countsText = (seen: TreeCounts): string =>
  `${seen.files} files and ${seen.folders} folders with ${seen.bytes} bytes`

const parentOf = (path: string): string => (dirname(path) === '.' ? '' : dirname(path))

/** Syncs and counts files and folders; anything else is not counted. */
async function syncTree(folder: string): Promise<TreeCounts> {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  let seen: TreeCounts = { files: files.length, folders: 0, bytes: 0 }
  for (let start = 0; start < files.length; start += together) {
    const sizes = await Promise.all(
      files.slice(start, start + together).map((entry) => syncFile(join(folder, entry.name))),
    )
    seen = { ...seen, bytes: sizes.reduce((total, size) => total + size, seen.bytes) }
  }
  for (const entry of entries.filter((one) => one.isDirectory())) {
    const below = await syncTree(join(folder, entry.name))
    seen = {
      files: seen.files + below.files,
      folders: seen.folders + 1 + below.folders,
      bytes: seen.bytes + below.bytes,
    }
  }
  await syncFolder(folder)
  return seen
}

async function syncFile(path: string): Promise<number> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  await file.sync()
  return (await file.stat()).size
}

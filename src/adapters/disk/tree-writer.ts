import { shellWord } from '../../kernel/shell-quote.ts'
import { constants } from 'node:fs'
import { chmod, lchown, lstat, mkdir, open, readdir, lutimes, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { syncFolder } from './durable.ts'
import type { Member } from './members.ts'

/** How many files are written and made durable at a time: the disk batches concurrent requests. */
const together = 16
/** Files up to here are collected and written while the next ones are read: each takes several calls. Bytes. */
const smallBytes = 256 * 1024

/** Writes members into a private, empty folder. Never opens an existing file or follows a link. */
export class TreeWriter {
  readonly #folder: string
  readonly #folders: Member[] = []
  readonly #created = new Set<string>()
  #open: { readonly file: FileHandle; readonly member: Member } | null = null
  #collected: { readonly member: Member; readonly parts: Buffer[] } | null = null
  #written = { files: 0, bytes: 0 }
  /** Files with all their content that are not durable yet. */
  readonly #finishing = new Set<Promise<void>>()
  #failed: { readonly thrown: unknown } | null = null

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
    if (member.bytes <= smallBytes) this.#collected = { member, parts: [] }
    else this.#open = { file: await this.#create(member), member }
  }

  #create({ path }: Member): Promise<FileHandle> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    return open(join(this.#folder, path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  }

  async content(bytes: Buffer): Promise<void> {
    this.#collected?.parts.push(bytes)
    await this.#open?.file.writeFile(bytes)
    this.#written.bytes += bytes.length
  }

  /** Waits only while many files are finished already. @throws what an earlier one failed with */
  async end(): Promise<void> {
    const finished = this.#takeOpen() ?? this.#takeCollected()
    if (finished === null) return
    this.#written.files++
    const finishing = finished
      .catch((thrown: unknown) => void (this.#failed ??= { thrown }))
      .finally(() => this.#finishing.delete(finishing))
    this.#finishing.add(finishing)
    if (this.#finishing.size >= together) await Promise.race(this.#finishing)
    if (this.#failed !== null) throw this.#failed.thrown
  }

  #takeOpen(): Promise<void> | null {
    if (this.#open === null) return null
    const { file, member } = this.#open
    this.#open = null
    return finish(file, member)
  }

  #takeCollected(): Promise<void> | null {
    if (this.#collected === null) return null
    const { member, parts } = this.#collected
    this.#collected = null
    return this.#create(member).then((file) => finish(file, member, Buffer.concat(parts)))
  }

  async close(): Promise<void> {
    const file = this.#open?.file
    this.#open = null
    await Promise.all([file?.close(), ...this.#finishing])
  }

  async #makeFolder(path: string): Promise<void> {
    if (path === '' || this.#created.has(path)) return
    await this.#makeFolder(parentOf(path))
    await mkdir(join(this.#folder, path), { mode: 0o700 })
    this.#created.add(path)
  }

  /**
   * Makes the folders durable too, then sets their modes and times, deepest first so that nothing changes
   * them again.
   * @throws RunbookError `verification` if the folder contains anything else than was written
   */
  async seal(): Promise<void> {
    await Promise.all(this.#finishing)
    if (this.#failed !== null) throw this.#failed.thrown
    const found = await syncFolders(this.#folder)
    const expected = { ...this.#written, folders: this.#created.size }
    if (
      found.files !== expected.files ||
      found.folders !== expected.folders ||
      found.bytes !== expected.bytes
    ) {
      throw new RunbookError(
        'verification',
        `${this.#folder} contains ${countsText(found)}, but ${countsText(expected)} were written`,
        { hint: `find out what else writes there: lsof +D ${shellWord(this.#folder)}` },
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

async function finish(file: FileHandle, member: Member, content?: Buffer): Promise<void> {
  try {
    if (content !== undefined) await file.writeFile(content)
    // As tar: root restores numeric owners, other users own what they extract.
    if (process.getuid?.() === 0) await file.chown(member.uid, member.gid)
    await file.chmod(member.mode & 0o777)
    await file.utimes(member.modified, member.modified)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Syncs and counts folders, and counts files; anything else is not counted. */
async function syncFolders(folder: string): Promise<TreeCounts> {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  let seen: TreeCounts = { files: files.length, folders: 0, bytes: 0 }
  for (let start = 0; start < files.length; start += together) {
    const facts = await Promise.all(
      files.slice(start, start + together).map((entry) => lstat(join(folder, entry.name))),
    )
    seen = { ...seen, bytes: facts.reduce((total, { size }) => total + size, seen.bytes) }
  }
  for (const entry of entries.filter((one) => one.isDirectory())) {
    const below = await syncFolders(join(folder, entry.name))
    seen = {
      files: seen.files + below.files,
      folders: seen.folders + 1 + below.folders,
      bytes: seen.bytes + below.bytes,
    }
  }
  await syncFolder(folder)
  return seen
}

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir, type FileHandle } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** The contents of an evidence folder, recursively. Names are relative to it, with slashes. */
export type Contents = {
  readonly files: readonly string[]
  /** Links, pipes, devices: not covered by a digest. */
  readonly others: readonly string[]
  /** Folders in which there is no file, however deep; the deepest first. */
  readonly empty: readonly string[]
}

export async function contentsOf(folder: string): Promise<Contents> {
  const files: string[] = []
  const others: string[] = []
  const folders: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = relative(folder, join(entry.parentPath, entry.name))
    if (entry.isFile()) files.push(name)
    else if (entry.isDirectory()) folders.push(name)
    else others.push(name)
  }
  const holds = (one: string): boolean => [...files, ...others].some((name) => name.startsWith(`${one}/`))
  const empty = folders.filter((one) => !holds(one)).sort((one, other) => other.length - one.length)
  return { files: files.sort(), others: others.sort(), empty }
}

/** Opens a regular file only, without following a link at its end or blocking on a pipe. */
export async function openRegular(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new Error(`${path} is not a regular file`)
}

/**
 * The digest of the first `count` bytes, or of all. Reads in chunks, so memory does not depend on the size.
 */
export async function digestOfFile(
  path: string,
  count = Infinity,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  await using handle = await openRegular(path)
  return await digestOfHandle(handle, count)
}

export async function digestOfHandle(
  handle: FileHandle,
  count = Infinity,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(1 << 20)
  let bytes = 0
  for (let left = true; left && bytes < count;) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, count - bytes), bytes)
    hash.update(piece.subarray(0, bytesRead))
    bytes += bytesRead
    left = bytesRead > 0
  }
  return { sha256: hash.digest('hex'), bytes }
}

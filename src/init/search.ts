import { basename, join } from 'node:path'
import type { FilesView } from '../drivers/files.ts'
import { tableOfContents } from '../formats/dump-folder.ts'
import { dumpFolder, looksLikeBackup } from './backups.ts'
import { sqliteName } from './sqlite.ts'
import type { BackupFile, BackupFolder, BackupKind } from './facts.ts'

/** Folders that hold no backups and many files. */
const skipped = new Set([
  'node_modules',
  '.git',
  'vendor',
  '.venv',
  'venv',
  'dist',
  'build',
  'target',
  '.cache',
  'artifacts',
])

/** Folders that are read at most, so that a wrong root costs little. */
const maxFolders = 400
/** Files of a folder whose beginning is read: the newest by name. */
const maxFiles = 60

export type SearchRoot = { readonly path: string; readonly depth: number }

/**
 * Folders with files that look like backups.
 * @param without folders that are not entered, such as the data folder of a database
 */
export async function backupFolders(
  files: FilesView,
  roots: readonly SearchRoot[],
  without: readonly string[],
): Promise<readonly BackupFolder[]> {
  const seen = new Set(without)
  const found: BackupFolder[] = []
  const queue = [...roots]
  for (let left = maxFolders; left > 0; left--) {
    const next = queue.shift()
    if (next === undefined) break
    if (seen.has(next.path)) continue
    seen.add(next.path)
    const names = await namesIn(files, next.path)
    const entries = new Set(names)
    const candidates = names.filter((name) => looksLikeBackup(next.path, name)).slice(-maxFiles)
    const backups: BackupFile[] = []
    for (const name of candidates) {
      const file = await backupAt(files, join(next.path, name), entries)
      if (file !== null) backups.push(file)
    }
    const folders: string[] = []
    for (const name of names) {
      if (skipped.has(name) || looksLikeBackup(next.path, name)) continue
      const path = join(next.path, name)
      const facts = await quietly(files.stat(path))
      if (facts?.kind !== 'directory') continue
      const dump = await folderAt(files, path, facts.modifiedAt, entries)
      if (dump === null) folders.push(name)
      else backups.push(dump)
    }
    if (backups.length > 0) found.push({ path: next.path, files: backups })
    if (next.depth === 0) continue
    for (const name of folders) {
      const path = join(next.path, name)
      const below = { path, depth: next.depth - 1 }
      // A large tree must not use up the limit before the folder that is meant is reached.
      if (dumpFolder.test(name)) queue.unshift(below)
      else queue.push(below)
    }
  }
  return found
}

/** Null if it cannot be known. */
export async function isSqlite(files: FilesView, path: string): Promise<boolean | null> {
  try {
    if ((await files.stat(path))?.kind !== 'file') return false
    return kindOfBytes(await files.head(path, headBytes)) === 'SQLite file'
  } catch {
    return null
  }
}

/** SQLite databases below a folder that are no backups; absolute, the nearest first. */
export async function sqliteBelow(files: FilesView, root: SearchRoot): Promise<readonly string[]> {
  const found: string[] = []
  const queue = [root]
  for (let left = maxFolders; left > 0; left--) {
    const next = queue.shift()
    if (next === undefined) break
    for (const name of await namesIn(files, next.path)) {
      if (skipped.has(name) || name.startsWith('.') || dumpFolder.test(name)) continue
      const path = join(next.path, name)
      const kind = (await quietly(files.stat(path)))?.kind
      if (kind === 'directory' && next.depth > 0) queue.push({ path, depth: next.depth - 1 })
      if (!sqliteName.test(name) || looksLikeBackup(next.path, name)) continue
      if ((await isSqlite(files, path)) === true) found.push(path)
    }
  }
  return found
}

async function backupAt(
  files: FilesView,
  path: string,
  entries: ReadonlySet<string>,
): Promise<BackupFile | null> {
  const facts = await quietly(files.stat(path))
  if (facts?.kind === 'directory') return folderAt(files, path, facts.modifiedAt, entries)
  if (facts?.kind !== 'file') return null
  const name = basename(path)
  const head = await quietly(files.head(path, headBytes))
  return {
    name,
    bytes: facts.bytes,
    modifiedAt: facts.modifiedAt,
    kind: head === null ? null : kindOfBytes(head),
    checksum:
      ['.sha256', '.sha256sum'].some((ending) => entries.has(`${name}${ending}`)) ||
      entries.has('SHA256SUMS'),
  }
}

/** A folder of pg_dump -Fd; null for any other. */
async function folderAt(
  files: FilesView,
  path: string,
  modifiedAt: string,
  beside: ReadonlySet<string>,
): Promise<BackupFile | null> {
  const head = await quietly(files.head(join(path, tableOfContents), headBytes))
  if (head === null || kindOfBytes(head) !== 'custom-format dump') return null
  const name = basename(path)
  const inside = await namesIn(files, path)
  const facts = await Promise.all(inside.map((one) => quietly(files.stat(join(path, one)))))
  return {
    name,
    bytes: facts.reduce((sum, one) => sum + (one?.bytes ?? 0), 0),
    modifiedAt,
    kind: 'custom-format dump',
    checksum: inside.includes('SHA256SUMS') || beside.has(`${name}.sha256`) || beside.has('SHA256SUMS'),
  }
}

/** A folder that cannot be read holds no backups that a run could read. */
const namesIn = async (files: FilesView, path: string): Promise<readonly string[]> =>
  (await quietly(files.list(path))) ?? []

const quietly = <T>(looking: Promise<T>): Promise<T | null> => looking.catch(() => null)

export const headBytes = 512

/** By the signatures of pg_dump, SQLite, gzip, zstd, xz, bzip2, OpenPGP, age, openssl and tar. */
export function kindOfBytes(head: Uint8Array): BackupKind | null {
  const bytes = Buffer.from(head)
  const starts = (text: string): boolean => bytes.subarray(0, text.length).toString('latin1') === text
  if (starts('PGDMP')) return 'custom-format dump'
  if (starts('SQLite format 3\0')) return 'SQLite file'
  if (starts('\x1f\x8b')) return 'gzip'
  if (starts('\x28\xb5\x2f\xfd')) return 'zstd'
  if (starts('\xfd7zXZ\0')) return 'xz'
  if (starts('BZh')) return 'bzip2'
  if (starts('age-encryption.org/') || starts('Salted__') || [0x8c, 0x85, 0xc3].includes(bytes[0] ?? 0))
    return 'encrypted'
  if (bytes.subarray(257, 262).toString('latin1') === 'ustar') return 'tar'
  return /^(?:--|\/\*|SET |BEGIN|PRAGMA|CREATE |\\)/i.test(bytes.toString('utf8').trimStart())
    ? 'plain SQL'
    : null
}

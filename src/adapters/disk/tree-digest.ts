import { shellWord } from '../../kernel/shell-quote.ts'
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readdir, readlink } from 'node:fs/promises'
import type { TreeFacts } from '../../drivers/files.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { canonical } from '../../kernel/json.ts'
import { hashFile } from './copy-durably.ts'
import { statOf } from './place.ts'

/**
 * The contents of a tree, in an order independent of the file system. Follows no links. Names are bytes, which
 * need not be UTF-8.
 */
export async function treeDigest(top: string, scope: Scope): Promise<TreeFacts> {
  const digest = createHash('sha256')
  const counts = { files: 0, folders: 0, others: 0, bytes: 0 }
  const visit = async (path: Buffer, name: string): Promise<void> => {
    scope.signal.throwIfAborted()
    const there = await statOf(path)
    if (there === null)
      throw new RunbookError('failed', `${path.toString()} was removed while ${top} was being read`, {
        hint: `find out what writes there (lsof +D ${shellWord(top)}), then try again`,
      })
    const line = (kind: string, content: string): void => {
      digest.update(`${canonical([name, kind, there.mode & 0o7777, there.uid, there.gid, content])}\n`)
    }
    if (there.isFile()) {
      counts.files += 1
      counts.bytes += there.size
      line('file', await hashFile(path, scope))
    } else if (there.isDirectory()) {
      counts.folders += 1
      line('folder', '')
      const names = await readdir(path, { encoding: 'buffer' })
      const sorted = names
        .map((bytes) => ({ bytes, text: nameOf(bytes) }))
        .sort((one, other) => (one.text < other.text ? -1 : 1))
      for (const { bytes, text } of sorted)
        await visit(Buffer.concat([path, Buffer.from('/'), bytes]), `${name}/${text}`)
    } else {
      counts.others += 1
      line(
        'other',
        there.isSymbolicLink() ? nameOf(await readlink(path, { encoding: 'buffer' })) : String(there.rdev),
      )
    }
  }
  await visit(Buffer.from(top), '')
  return { ...counts, digest: digest.digest('hex') }
}

/** Names that are not UTF-8 keep all their bytes; no other name has a NUL. */
const nameOf = (bytes: Buffer): string => (isUtf8(bytes) ? bytes.toString() : `\0${bytes.toString('latin1')}`)

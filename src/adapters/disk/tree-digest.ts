import { createHash } from 'node:crypto'
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { TreeFacts } from '../../drivers/files.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { canonical } from '../../kernel/json.ts'
import { hashFile } from './copy-durably.ts'
import { statOf } from './place.ts'

/** The contents of a tree, in an order independent of the file system. Follows no links. */
export async function treeDigest(top: string, scope: Scope): Promise<TreeFacts> {
  const digest = createHash('sha256')
  const counts = { files: 0, folders: 0, others: 0, bytes: 0 }
  const visit = async (path: string, name: string): Promise<void> => {
    scope.signal.throwIfAborted()
    const there = await statOf(path)
    if (there === null)
      throw new RunbookError('failed', `${path} was removed while ${top} was being read`, {
        hint: `find out what writes there (lsof +D ${top}), then try again`,
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
      for (const one of (await readdir(path)).sort()) await visit(join(path, one), `${name}/${one}`)
    } else {
      counts.others += 1
      line('other', there.isSymbolicLink() ? await readlink(path) : String(there.rdev))
    }
  }
  await visit(top, '')
  return { ...counts, digest: digest.digest('hex') }
}

import { shellWord } from '../../kernel/shell-quote.ts'
import { constants } from 'node:fs'
import {
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  statfs,
  type FileHandle,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FileFacts, Files } from '../../drivers/files.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { appendDurably, linkDurably, syncFolder, writeDurably } from './durable.ts'
import { shell } from '../process/shell.ts'
import { askMount, askRealPath } from './ask-mount.ts'
import { copyDurably, hashFile } from './copy-durably.ts'
import { missingRightIn } from './missing-right.ts'
import { mountsWithin, shownAt } from './mounts.ts'
import { partialsOf, removePartials } from './partial-name.ts'
import { exactStatOf, place, statOf, trustParents } from './place.ts'
import { treeDigest } from './tree-digest.ts'
import { fileError } from './errors.ts'
import { makeFolders } from './make-folders.ts'

/** Types of file systems, as statfs(2) names them, whose files have the same inode for life: ext, XFS, Btrfs, tmpfs, F2FS, ZFS. */
const lasting = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010, 0x2fc12fc1])

const kept = new Map<number, boolean>()

/** The path, or its nearest parent that exists. */
async function nearest(path: string): Promise<string> {
  let at = path
  while ((await statOf(at)) === null) at = dirname(at)
  return at
}

async function keepsInodes(at: string, device: number): Promise<boolean> {
  const known = kept.get(device)
  if (known !== undefined) return known
  // A link would lead to another file system.
  const type = await statfs(dirname(at)).then(
    (facts) => facts.type,
    () => null,
  )
  if (type === null || (await statOf(dirname(at)))?.dev !== device) return false
  kept.set(device, lasting.has(type))
  return lasting.has(type)
}

/** ISO 8601. */
const toNanoseconds = (time: bigint): string =>
  new Date(Number(time / 1_000_000n))
    .toISOString()
    .replace('Z', `${String(time % 1_000_000n).padStart(6, '0')}Z`)

async function regularFile(at: string): Promise<FileHandle> {
  // Without O_NONBLOCK, open() would block on a pipe without a writer.
  const file = await open(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw cannot('read', at, 'not a regular file', { code: 'failed', hint: `check: ls -ld ${shellWord(at)}` })
}

/** Files on this machine. Paths are absolute, and a link at the end is not followed. */
export const diskFilesFor = (scope: Scope): Files => ({
  async stat(path) {
    const at = place(path)
    const there = await exactStatOf(at)
    if (there === null) return null
    const device = Number(there.dev)
    const lasts = await keepsInodes(at, device)
    const kind: FileFacts['kind'] = there.isFile()
      ? 'file'
      : there.isDirectory()
        ? 'directory'
        : there.isSymbolicLink()
          ? 'link'
          : 'other'
    return {
      kind,
      bytes: kind === 'file' ? Number(there.size) : 0,
      mode: Number(there.mode) & 0o7777,
      uid: Number(there.uid),
      gid: Number(there.gid),
      device,
      identity: lasts ? String(there.ino) : null,
      modifiedAt: there.mtime.toISOString(),
      changedAt: lasts ? toNanoseconds(there.ctimeNs) : null,
    }
  },

  async read(path, maxBytes) {
    const at = place(path)
    try {
      await using file = await regularFile(at)
      const chunks: Buffer[] = []
      let length = 0
      for (let more = true; more;) {
        const { bytesRead, buffer } = await file.read(
          Buffer.allocUnsafe(Math.min(maxBytes + 1 - length, 1 << 20)),
        )
        chunks.push(buffer.subarray(0, bytesRead))
        length += bytesRead
        more = bytesRead > 0 && length <= maxBytes
      }
      if (length > maxBytes) {
        throw new RunbookError('failed', `cannot read ${at}: larger than the limit of ${maxBytes} bytes`, {
          hint: `check that it is the right file: ls -l ${shellWord(at)}`,
        })
      }
      return Buffer.concat(chunks)
    } catch (thrown) {
      throw fileError('cannot read', at, thrown)
    }
  },

  async head(path, bytes) {
    const at = place(path)
    try {
      await using file = await regularFile(at)
      const buffer = Buffer.alloc(bytes)
      let length = 0
      for (let more = true; more && length < bytes;) {
        const { bytesRead } = await file.read(buffer, length, bytes - length)
        length += bytesRead
        more = bytesRead > 0
      }
      return buffer.subarray(0, length)
    } catch (thrown) {
      throw fileError('cannot read', at, thrown)
    }
  },

  async linkTarget(path) {
    const at = place(path)
    try {
      return (await statOf(at))?.isSymbolicLink() === true ? await readlink(at) : null
    } catch (thrown) {
      throw fileError('cannot read link', at, thrown)
    }
  },

  realPath: async (path, timeoutSeconds) => askRealPath(place(path), timeoutSeconds, { shell, scope }),

  async list(path) {
    const at = place(path)
    try {
      if ((await statOf(at))?.isSymbolicLink()) throw Object.assign(new Error('is a link'), { code: 'ELOOP' })
      return (await readdir(at)).sort()
    } catch (thrown) {
      throw fileError('cannot list', at, thrown)
    }
  },

  async shownAt(path) {
    const at = place(path)
    try {
      // Mount points are known by their real path.
      const real = join(await realpath(dirname(at)), basename(at))
      return shownAt(real, await readFile('/proc/self/mountinfo', 'utf8'))
    } catch (thrown) {
      throw fileError('cannot read the mounts that show', at, thrown)
    }
  },

  async freeBytes(path) {
    const at = await nearest(place(path))
    try {
      const { bavail, bsize } = await statfs(at)
      return bavail * bsize
    } catch (thrown) {
      throw fileError('cannot read the free space of', at, thrown)
    }
  },

  missingRight: async (folder) => missingRightIn(await nearest(place(folder))),

  async hash(path) {
    const at = place(path)
    return await hashFile(at, scope).catch((thrown: unknown) => {
      throw errorUnlessStopped(scope, 'cannot read', at, thrown)
    })
  },

  async tree(path) {
    const at = place(path)
    try {
      if ((await statOf(at)) === null) throw Object.assign(new Error('missing'), { code: 'ENOENT' })
      return await treeDigest(at, scope)
    } catch (thrown) {
      throw errorUnlessStopped(scope, 'cannot read', at, thrown)
    }
  },

  mount: async (path, timeoutSeconds) => askMount(place(path), timeoutSeconds, { shell, scope }),

  async makeFolder(path) {
    const at = place(path)
    try {
      await trustParents(at)
      if ((await statOf(at))?.isSymbolicLink()) throw Object.assign(new Error('is a link'), { code: 'ELOOP' })
      await makeFolders(at, 0o700, (folder) => syncFolder(dirname(folder)))
    } catch (thrown) {
      throw fileError('cannot create folder', at, thrown)
    }
  },

  async write(path, body, { mode = 0o600 } = {}) {
    const at = place(path)
    try {
      await trustParents(at)
      await writeDurably(at, typeof body === 'string' ? Buffer.from(body) : body, mode)
    } catch (thrown) {
      throw fileError('cannot write', at, thrown)
    }
  },

  async copy(from, to) {
    const [source, target] = [place(from), place(to)]
    try {
      await trustParents(target)
      if ((await statOf(target)) !== null) throw Object.assign(new Error('exists'), { code: 'EEXIST' })
      return await copyDurably(source, target, null, scope)
    } catch (thrown) {
      throw errorUnlessStopped(scope, `cannot copy ${source} to`, target, thrown)
    }
  },

  async replace(path, from) {
    const [target, source] = [place(path), place(from)]
    try {
      await trustParents(target)
      const there = await statOf(target)
      if (there?.isFile() !== true) {
        throw new RunbookError(
          'failed',
          `cannot replace ${target}: ${there === null ? 'no such file' : 'not a regular file'}`,
          { hint: `check: ls -ld ${shellWord(target)}` },
        )
      }
      return await copyDurably(source, target, there, scope)
    } catch (thrown) {
      throw errorUnlessStopped(scope, 'cannot replace', target, thrown)
    }
  },

  async move(from, to) {
    const [source, target] = [place(from), place(to)]
    try {
      await Promise.all([trustParents(source), trustParents(target)])
      // rename(2) would replace a file or an empty folder.
      if ((await statOf(target)) !== null) throw Object.assign(new Error('exists'), { code: 'EEXIST' })
      await rename(source, target)
      for (const folder of new Set([dirname(target), dirname(source)])) await syncFolder(folder)
    } catch (thrown) {
      throw fileError(`cannot move ${source} to`, target, thrown)
    }
  },

  async writeLink(path, target) {
    const at = place(path)
    try {
      await trustParents(at)
      await linkDurably(at, target)
    } catch (thrown) {
      throw fileError('cannot write link', at, thrown)
    }
  },

  async append(path, text) {
    const at = place(path)
    try {
      await trustParents(at)
      await appendDurably(at, Buffer.from(text))
    } catch (thrown) {
      throw fileError('cannot append to', at, thrown)
    }
  },

  unfinished: async (path) => (await partialsOf(place(path))).length > 0,

  async removeTree(path) {
    const at = place(path)
    try {
      await trustParents(at)
      await removePartials(at)
      if ((await statOf(at)) === null) return
      // Resolve links: mount points and the working directory are known by their real path.
      const real = join(await realpath(dirname(at)), basename(at))
      if (at === '/' || `${process.cwd()}/`.startsWith(`${real}/`)) {
        throw new RunbookError('failed', `cannot remove ${at}: this program runs in it`, {
          hint: 'check the path',
        })
      }
      const mounts = mountsWithin(real, await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))
      if (mounts.length > 0) {
        throw new RunbookError(
          'failed',
          `cannot remove ${at}: it contains mount points (${mounts.join(', ')})`,
          {
            hint: `umount ${mounts[0]}`,
          },
        )
      }
      // Removes links themselves (Node uses lstat), so nothing outside is touched.
      await rm(at, { recursive: true, force: true })
      await syncFolder(dirname(at))
    } catch (thrown) {
      throw fileError('cannot remove', at, thrown)
    }
  },
})

export const unattended: Scope = {
  run: 'none',
  step: 'none',
  signal: new AbortController().signal,
  output: () => undefined,
  progress: () => undefined,
  spawned: () => undefined,
}

/** For work outside any step: the journal's folder, evidence. */
export const diskFiles: Files = diskFilesFor(unattended)

function errorUnlessStopped({ signal }: Scope, doing: string, path: string, thrown: unknown): unknown {
  return signal.aborted ? signal.reason : fileError(doing, path, thrown)
}

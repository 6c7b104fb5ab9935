import { RunbookError } from '../../kernel/errors.ts'

/** The code of a failed system call (`ENOENT`), or null for another kind of error. */
export function systemCode(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null
  return typeof code === 'string' ? code : null
}

/**
 * A failed file operation as an operator must read it.
 * @param doing what was being done, as `could not write`
 */
export function fileError(doing: string, path: string, thrown: unknown): RunbookError {
  if (thrown instanceof RunbookError) return thrown
  const known = explanations[systemCode(thrown) ?? '']
  if (known === undefined) return new RunbookError('failed', `${doing} ${path}`, { cause: thrown })
  return new RunbookError('failed', `${doing} ${path}: ${known.why}`, {
    hint: known.hint(path),
    cause: thrown,
  })
}

const look = (path: string): string => `look: namei -l ${path}`

const explanations: {
  readonly [code: string]: { readonly why: string; readonly hint: (path: string) => string }
} = {
  ENOSPC: {
    why: 'no space is left on its file system',
    hint: (path) => `make room there (df -h and df -i ${path}), then try again`,
  },
  EDQUOT: {
    why: 'the disk quota is used up',
    hint: () => 'make room or raise the quota (quota -s), then try again',
  },
  EFBIG: {
    why: 'the file would become larger than is allowed here',
    hint: () => 'raise the limit (ulimit -f), then try again',
  },
  EACCES: { why: 'permission denied', hint: look },
  EPERM: {
    why: 'the system does not permit it',
    hint: (path) => `look: namei -l ${path} and lsattr -d ${path}`,
  },
  EROFS: {
    why: 'the file system is read-only',
    hint: (path) => `look: findmnt -T ${path}; a disk error may have made it so (dmesg)`,
  },
  ENOENT: { why: 'no such file or folder', hint: look },
  ENOTDIR: { why: 'a part of the path is not a folder', hint: look },
  EISDIR: { why: 'it is a folder', hint: look },
  EEXIST: { why: 'something else is there already', hint: look },
  ELOOP: {
    why: 'it is a symbolic link, and links are not followed here',
    hint: (path) => `name the file itself: realpath ${path}`,
  },
  ENAMETOOLONG: { why: 'the name is too long', hint: () => 'choose a shorter name' },
  EMFILE: {
    why: 'too many files are open in this program',
    hint: () => 'raise the limit (ulimit -n), then try again',
  },
  ENFILE: { why: 'too many files are open on this machine', hint: () => 'look: cat /proc/sys/fs/file-nr' },
  EIO: { why: 'the disk reports an error', hint: () => 'look at the disk before anything else: dmesg' },
  EBUSY: { why: 'it is in use by the system, as a mount point is', hint: (path) => `look: findmnt ${path}` },
  EXDEV: { why: 'it lies on another file system', hint: (path) => `look: findmnt -T ${path}` },
}

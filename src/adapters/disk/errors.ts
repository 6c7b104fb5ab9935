import { shellWord } from '../../kernel/shell-quote.ts'
import { RunbookError } from '../../kernel/errors.ts'

/** The code of a failed system call (`ENOENT`), or null for another kind of error. */
export function systemCode(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null
  return typeof code === 'string' ? code : null
}

/**
 * Turns a failed file operation into a RunbookError.
 * @param doing the act, such as `cannot write`
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

const check = (path: string): string => `check: namei -l ${shellWord(path)}`

const explanations: {
  readonly [code: string]: { readonly why: string; readonly hint: (path: string) => string }
} = {
  ENOSPC: {
    why: 'no space is left on its file system',
    hint: (path) => `make room there (df -h and df -i ${shellWord(path)}), then try again`,
  },
  EDQUOT: {
    why: 'the disk quota is used up',
    hint: () => 'make room or raise the quota (quota -s), then try again',
  },
  EFBIG: {
    why: 'the file would exceed the size limit',
    hint: () => 'raise the limit (ulimit -f), then try again',
  },
  EACCES: { why: 'permission denied', hint: check },
  EPERM: {
    why: 'operation not permitted',
    hint: (path) => `check: namei -l ${shellWord(path)} and lsattr -d ${shellWord(path)}`,
  },
  EROFS: {
    why: 'the file system is read-only',
    hint: (path) => `check: findmnt -T ${path}; a disk error may have made it so (dmesg)`,
  },
  ENOENT: { why: 'no such file or folder', hint: check },
  ENOTDIR: { why: 'part of the path is not a folder', hint: check },
  EISDIR: { why: 'it is a folder', hint: check },
  EEXIST: { why: 'already exists', hint: check },
  ELOOP: {
    why: 'it is a symbolic link, and links are not followed',
    hint: (path) => `give the path of the file itself: realpath ${path}`,
  },
  ENAMETOOLONG: { why: 'the name is too long', hint: () => 'choose a shorter name' },
  EMFILE: {
    why: 'too many files are open in this program',
    hint: () => 'raise the limit (ulimit -n), then try again',
  },
  ENFILE: { why: 'too many files are open on this machine', hint: () => 'check: cat /proc/sys/fs/file-nr' },
  EIO: { why: 'the disk reports an error', hint: () => 'check the disk first: dmesg' },
  EBUSY: { why: 'it is in use, for example as a mount point', hint: (path) => `check: findmnt ${path}` },
  EXDEV: { why: 'it is on another file system', hint: (path) => `check: findmnt -T ${path}` },
}

/** The code of a failed system call (`ENOSPC`), or null for another kind of error. */
export function systemCode(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null
}

const known: { readonly [code: string]: string } = {
  ENOSPC: 'no space is left on its file system',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'its file system is read-only',
  EACCES: 'permission denied',
  ELOOP: 'it is a symbolic link',
  EIO: 'the disk reports an error',
  EMFILE: 'too many files are open in this program',
}

export function reason(thrown: unknown): string {
  return known[systemCode(thrown) ?? ''] ?? (thrown instanceof Error ? thrown.message : String(thrown))
}

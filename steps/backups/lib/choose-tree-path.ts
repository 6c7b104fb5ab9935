import {
  backupPattern,
  cannot,
  RunbookError,
  type BackupPlace,
  type Look,
  shellWord,
} from '../../../src/index.ts'

/** The given backup of a folder, or the newest one. @throws RunbookError `usage`, `preflight` */
export async function pathOf(look: Look, from: BackupPlace, given: string | null): Promise<string> {
  const path = given ?? `${from.directory}/${newestOf(await look.files.list(from.directory), from)}`
  const facts = await look.files.stat(path)
  if (facts?.kind === 'directory' || facts?.kind === 'file') return path
  throw cannot(
    'read',
    `the backup ${path}`,
    facts === null ? 'no such file or folder' : 'neither folder nor file',
    { code: 'usage', hint: `check: ls -l ${shellWord(from.directory)}` },
  )
}

/**
 * By the time in the name, or by its digits, as in `data-20240110`.
 * @throws RunbookError `preflight` where no name matches
 */
export function newestOf(
  names: readonly string[],
  { pattern, directory }: Pick<BackupPlace, 'pattern' | 'directory'>,
): string {
  const { match, nearly } = backupPattern(pattern)
  const dated = names.flatMap((name) => {
    const found = match(name)
    return found === null
      ? []
      : [{ name, when: (found.takenAt?.toISOString() ?? name).replaceAll(/\D/g, '') }]
  })
  const newest = dated.toSorted((one, other) =>
    one.when === other.when ? 0 : one.when < other.when ? 1 : -1,
  )[0]
  if (newest !== undefined) return newest.name
  const undated = names.filter(nearly).slice(0, 3)
  const read = undated.length === 0 ? '' : `; no time can be read in the names of ${undated.join(', ')}`
  throw new RunbookError('preflight', `no backup ${pattern} in ${directory}${read}`, {
    hint: 'check that backups arrive there and that the pattern in runbook.config.ts is right',
  })
}

import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import type { Backup, BackupPlace, Backups, Undated } from '../../drivers/backups.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { backupPattern, isDateFolder, type BackupPattern } from '../../formats/backup-pattern.ts'
import {
  expectedHash,
  judgedBeside,
  latestFirst,
  mustBePlausible,
  newestFirst,
  timesOf,
  verified,
} from '../../formats/backup-verdict.ts'
import { vouchedBy } from '../../formats/backup-manifest.ts'
import { folderDigest, tableOfContents } from '../../formats/dump-folder.ts'
import type { Checksum } from '../../formats/checksum-list.ts'
import { timeInName } from '../../formats/file-time.ts'
import { dumpFolder, fileBytes, mustBeDumpFolder, sameFolder } from './dump-folder.ts'
import { checksumFiles } from './checksum-files.ts'
import { hashOf } from './file-hash.ts'
import { manifestBeside, signOnDisk, type Signing } from './manifests.ts'

/** Backups in a local or mounted folder. */
export function diskBackups({
  scope,
  clock,
  ...signing
}: Signing & { readonly scope: Scope; readonly clock: Clock }): Backups {
  const checksumOf: Backups['checksumOf'] = async (place, backup) => {
    mustBePlausible(place, backup, clock.now())
    return vouchedBy(place, backup, await manifestBeside(backup.file), signing.seal, async () =>
      expectedHash(place, backup, await checksumFiles(backup)),
    )
  }
  return {
    async list(place) {
      const pattern = backupPattern(place.pattern)
      const found = new Map<string, Backup>()
      for (const path of await pathsIn(place)) {
        const backup = await backupAt(path, pattern)
        // A link such as `latest.dump` and its target are one backup.
        if (backup !== null) found.set(backup.file, backup)
      }
      return newestFirst([...found.values()])
    },

    async undated(place) {
      const pattern = backupPattern(place.pattern)
      const paths = await pathsIn(place)
      const listed = await Promise.all(
        paths.map(async (path) => (await backupAt(path, pattern))?.file ?? null),
      )
      const found = new Map<string, Undated>()
      for (const path of paths.filter((one) => pattern.nearly(basename(one)))) {
        const file = await realpath(path).catch(() => null)
        const facts = file === null ? null : await stat(file).catch(() => null)
        if (file === null || facts === null || listed.includes(file)) continue
        const modified = facts.isFile() ? facts.mtime : (await folderAt(file, facts))?.modifiedAt
        if (modified === undefined) continue
        found.set(file, { file, name: basename(path), modifiedAt: modified.toISOString() })
      }
      return latestFirst([...found.values()])
    },

    async find(place, file) {
      const pattern = backupPattern(place.pattern)
      const path = isAbsolute(file) ? file : resolve(place.directory, file)
      // A plain name that was typed as a parameter has become a path of the current folder.
      const plain = !file.includes('/') || dirname(file) === process.cwd()
      if ((await kindOf(path)) === null && plain) {
        const name = basename(file)
        const filed = (await pathsIn(place)).filter((path) => basename(path) === name)
        if (filed.length > 1) {
          throw new RunbookError(
            'usage',
            `backup name ${shellWord(name)} is ambiguous (${filed.length} matches in ${shellWord(place.directory)})`,
            { hint: `give a full path, such as ${shellWord(filed[0] ?? '')}` },
          )
        }
        if (filed[0] !== undefined) return mustBeFile(filed[0], pattern, place)
      }
      return mustBeFile(path, pattern, place)
    },

    checksumOf,
    judge: (place, backup, beside) =>
      judgedBeside(place, backup, beside, { seal: signing.seal, now: clock.now() }),

    async verify(place, backup) {
      const expected = await checksumOf(place, backup)
      if ((await kindOf(backup.file)) === 'directory')
        return verified(backup, expected, await digestOfFolder(backup, scope))
      // Not a link that replaced the file since it was found, nor a pipe, which would never end.
      const file = await open(
        backup.file,
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      ).catch((cause: unknown) => {
        throw cannot('read', `backup ${shellWord(backup.file)}`, null, {
          code: 'verification',
          cause,
          hint: `check: ls -l ${shellWord(backup.file)}`,
        })
      })
      try {
        const before = await file.stat({ bigint: true })
        if (!before.isFile() || before.size !== BigInt(backup.bytes)) throw changing(backup)
        const { sha256 } = await hashOf(file, null, scope)
        if (!sameContent(before, await file.stat({ bigint: true }))) throw changing(backup)
        return verified(backup, expected, sha256)
      } finally {
        await file.close()
      }
    },

    sign: signOnDisk(signing, scope, clock),
  }
}

const sameContent = (one: BigIntStats, other: BigIntStats): boolean =>
  one.size === other.size && one.mtimeNs === other.mtimeNs

function changing(backup: Backup): RunbookError {
  return new RunbookError(
    'verification',
    `backup ${shellWord(backup.file)} changed while it was being read: it is still being written`,
    {
      hint: 'wait until the backup job has ended, then start again',
    },
  )
}

/** @throws RunbookError `verification` where it is no longer what was found */
async function digestOfFolder(backup: Backup, scope: Scope): Promise<string> {
  const { file: folder, bytes: total } = backup
  const before = await mustBeDumpFolder(folder)
  if (before.bytes !== total) throw changing(backup)
  const sums: Checksum[] = []
  let done = 0
  for (const file of before.files)
    for await (const part of fileBytes(folder, file, (sum) => sums.push(sum))) {
      scope.signal.throwIfAborted()
      done += part.length
      scope.progress({ done, total, unit: 'bytes' })
    }
  if (!sameFolder(before, await dumpFolder(folder))) throw changing(backup)
  return folderDigest(sums)
}

/** Possible backups in the folder and its date folders. Links to date folders are not followed. */
async function pathsIn(place: BackupPlace): Promise<readonly string[]> {
  const walk = async (parents: readonly string[]): Promise<readonly string[]> => {
    const folder = join(place.directory, ...parents)
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      const code = (cause as NodeJS.ErrnoException).code
      if (code === 'ENOENT' && parents.length > 0) return []
      throw cannot(
        'read',
        `backup folder ${shellWord(folder)}`,
        code === 'ENOENT' ? 'no such folder' : null,
        {
          code: 'preflight',
          cause,
          hint: `check that it is mounted: ls -ld ${shellWord(folder)}; findmnt -T ${shellWord(folder)}`,
        },
      )
    })
    // A dump of pg_dump -Fd may be named by its date alone.
    const isDump = entries.some((entry) => entry.name === tableOfContents) && parents.length > 0
    if (isDump) return []
    const below = await Promise.all(
      entries
        .filter((entry) => entry.isDirectory() && isDateFolder(parents, entry.name))
        .map((entry) => walk([...parents, entry.name])),
    )
    return [...entries.map((entry) => join(folder, entry.name)), ...below.flat()]
  }
  return walk([])
}

const folderAt = async (file: string, facts: { isDirectory(): boolean }) =>
  facts.isDirectory() ? dumpFolder(file) : null

/** Null for a file or folder of pg_dump -Fd that does not match the pattern, a dangling link, or a backup pruned meanwhile. */
async function backupAt(path: string, pattern: BackupPattern): Promise<Backup | null> {
  const named = pattern.match(basename(path))
  if (named === null) return null
  try {
    const file = await realpath(path)
    const facts = await stat(file)
    const folder = await folderAt(file, facts)
    if (folder === null && !facts.isFile()) return null
    // The content is that of the target; so is the time, if the target's name matches.
    const own = pattern.match(basename(file))
    return backupOf(file, basename(own === null ? path : file), folder ?? sizeOf(facts), own ?? named)
  } catch (thrown) {
    if (['ENOENT', 'ELOOP'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return null
    throw cannot('stat', shellWord(path), null, {
      code: 'preflight',
      cause: thrown,
      hint: `check: ls -l ${shellWord(path)}`,
    })
  }
}

function backupOf(
  file: string,
  name: string,
  { bytes, modifiedAt }: Size,
  times: { readonly takenAt: Date | null; readonly takenBy?: Date },
): Backup {
  return { file, name, bytes, ...timesOf(times, modifiedAt) }
}

type Size = { readonly bytes: number; readonly modifiedAt: Date }

const sizeOf = ({ size, mtime }: { readonly size: number; readonly mtime: Date }): Size => ({
  bytes: size,
  modifiedAt: mtime,
})

async function kindOf(path: string): Promise<'file' | 'link' | 'directory' | 'other' | null> {
  const facts = await lstat(path).catch(() => null)
  if (facts === null) return null
  if (facts.isSymbolicLink()) return 'link'
  if (facts.isDirectory()) return 'directory'
  return facts.isFile() ? 'file' : 'other'
}

/** A backup given by name: it need not match the pattern, but must be a regular file or a folder of pg_dump -Fd. */
async function mustBeFile(path: string, pattern: BackupPattern, place: BackupPlace): Promise<Backup> {
  const wrong = (what: string, cause?: unknown): RunbookError =>
    new RunbookError('usage', `backup ${shellWord(path)} ${what}`, {
      cause,
      hint: `choose one of: ls -l ${shellWord(place.directory)}`,
    })
  const kind = await kindOf(path)
  if (kind === null) throw wrong('does not exist')
  const pointedTo = kind === 'link' ? await readlink(path) : ''
  const file = await realpath(path).catch((cause: unknown) => {
    throw wrong(`is a link to ${shellWord(pointedTo)}, which does not exist`, cause)
  })
  const facts = await stat(file)
  const folder = await folderAt(file, facts)
  if (folder === null && facts.isDirectory())
    throw wrong(`is a folder without ${tableOfContents}, so pg_dump -Fd did not write it`)
  if (folder === null && !facts.isFile())
    throw wrong(
      kind === 'link'
        ? `is a link to ${shellWord(pointedTo)}, which is not a regular file`
        : 'is not a regular file',
    )
  const name = basename(file)
  return backupOf(
    file,
    name,
    folder ?? sizeOf(facts),
    pattern.match(name) ?? { takenAt: timeInName(name) ?? timeInName(basename(path)) },
  )
}

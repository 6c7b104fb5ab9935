import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, readFile, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import type { Backup, BackupPlace, BackupsView } from '../../drivers/backups.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { backupPattern, isDateFolder, type BackupPattern } from '../../formats/backup-pattern.ts'
import {
  expectedHash,
  mustBePlausible,
  newestFirst,
  verified,
  type ChecksumFile,
} from '../../formats/backup-verdict.ts'
import { timeInName } from '../../formats/file-time.ts'
import { hashOf } from './file-hash.ts'

/** A checksum file is some lines; whatever is larger is something else. */
const largestChecksumFile = 1 << 20

/** Backups in a folder of this machine, mounted ones included. Reads only. */
export function diskBackups({ scope, clock }: { readonly scope: Scope; readonly clock: Clock }): BackupsView {
  return {
    async list(place) {
      const pattern = backupPattern(place.pattern)
      const found = new Map<string, Backup>()
      for (const path of await pathsIn(place)) {
        const backup = await backupAt(path, pattern)
        // A link such as `latest.dump` and what it points to are one backup.
        if (backup !== null) found.set(backup.file, backup)
      }
      return newestFirst([...found.values()])
    },

    async find(place, file) {
      const pattern = backupPattern(place.pattern)
      const path = isAbsolute(file) ? file : resolve(place.directory, file)
      if ((await kindOf(path)) === null && !file.includes('/')) {
        const filed = (await pathsIn(place)).filter((path) => basename(path) === file)
        if (filed.length > 1) {
          throw new RunbookError(
            'usage',
            `there are ${filed.length} backups named ${shellWord(file)} below ${shellWord(place.directory)}`,
            { hint: `name one whole: ${shellWord(filed[0] ?? '')}` },
          )
        }
        if (filed[0] !== undefined) return mustBeFile(filed[0], pattern, place)
      }
      return mustBeFile(path, pattern, place)
    },

    async verify(place, backup) {
      mustBePlausible(place, backup, clock.now())
      const expected = expectedHash(place, backup, await checksumFiles(backup))
      // A link put in its place since it was found would be another file; a pipe would never end.
      const file = await open(
        backup.file,
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      ).catch((cause: unknown) => {
        throw new RunbookError('verification', `the backup ${shellWord(backup.file)} cannot be read`, {
          cause,
          hint: `ls -l ${shellWord(backup.file)}`,
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
  }
}

const sameContent = (one: BigIntStats, other: BigIntStats): boolean =>
  one.size === other.size && one.mtimeNs === other.mtimeNs

function changing(backup: Backup): RunbookError {
  return new RunbookError(
    'verification',
    `the backup ${shellWord(backup.file)} changed while it was being looked at: it is still being written`,
    {
      hint: 'wait until the backup job has ended, then start again',
    },
  )
}

/** Everything in the folder and in the folders of dates below that could be a backup. Links to folders are not followed. */
async function pathsIn(place: BackupPlace): Promise<readonly string[]> {
  const walk = async (parents: readonly string[]): Promise<readonly string[]> => {
    const folder = join(place.directory, ...parents)
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      const code = (cause as NodeJS.ErrnoException).code
      if (code === 'ENOENT' && parents.length > 0) return []
      throw new RunbookError(
        'preflight',
        code === 'ENOENT'
          ? `the backup folder ${shellWord(folder)} is not there`
          : `the backup folder ${shellWord(folder)} cannot be read`,
        {
          cause,
          hint: `ls -ld ${shellWord(folder)}, and see that what should be mounted there is`,
        },
      )
    })
    const below = await Promise.all(
      entries
        .filter((entry) => entry.isDirectory() && isDateFolder(parents, entry.name))
        .map((entry) => walk([...parents, entry.name])),
    )
    return [
      ...entries.filter((entry) => !entry.isDirectory()).map((entry) => join(folder, entry.name)),
      ...below.flat(),
    ]
  }
  return walk([])
}

/** Null for what is no backup of this pattern, for dangling links, and for what was pruned meanwhile. */
async function backupAt(path: string, pattern: BackupPattern): Promise<Backup | null> {
  const named = pattern.match(basename(path))
  if (named === null) return null
  try {
    const file = await realpath(path)
    const facts = await stat(file)
    if (!facts.isFile()) return null
    // The bytes are those of the file pointed to; where its own name fits, so is its time.
    const own = pattern.match(basename(file))
    return backupOf(file, basename(own === null ? path : file), facts, (own ?? named).takenAt)
  } catch (thrown) {
    if (['ENOENT', 'ELOOP'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return null
    throw new RunbookError('preflight', `cannot look at ${shellWord(path)}`, {
      cause: thrown,
      hint: `ls -l ${shellWord(path)}`,
    })
  }
}

function backupOf(
  file: string,
  name: string,
  facts: { readonly size: number; readonly mtime: Date },
  takenAt: Date | null,
): Backup {
  return {
    file,
    name,
    bytes: facts.size,
    takenAt: (takenAt ?? facts.mtime).toISOString(),
    dated: takenAt === null ? 'by-mtime' : 'by-name',
  }
}

async function kindOf(path: string): Promise<'file' | 'link' | 'directory' | 'other' | null> {
  const facts = await lstat(path).catch(() => null)
  if (facts === null) return null
  if (facts.isSymbolicLink()) return 'link'
  if (facts.isDirectory()) return 'directory'
  return facts.isFile() ? 'file' : 'other'
}

/** A file that somebody named: it need not fit the pattern, but it must be one. */
async function mustBeFile(path: string, pattern: BackupPattern, place: BackupPlace): Promise<Backup> {
  const wrong = (what: string, cause?: unknown): RunbookError =>
    new RunbookError('usage', `the backup ${shellWord(path)} ${what}`, {
      cause,
      hint: `choose one of those in ${shellWord(place.directory)}: ls -l ${shellWord(place.directory)}`,
    })
  const kind = await kindOf(path)
  if (kind === null) throw wrong('does not exist')
  if (kind === 'directory') throw wrong('is a folder')
  const pointedTo = kind === 'link' ? await readlink(path) : ''
  const file = await realpath(path).catch((cause: unknown) => {
    throw wrong(`is a link to ${shellWord(pointedTo)}, which does not exist`, cause)
  })
  const facts = await stat(file)
  if (!facts.isFile())
    throw wrong(
      kind === 'link'
        ? `is a link to ${shellWord(pointedTo)}, which is no regular file`
        : 'is no regular file',
    )
  const name = basename(file)
  return backupOf(
    file,
    name,
    facts,
    pattern.match(name)?.takenAt ?? timeInName(name) ?? timeInName(basename(path)),
  )
}

async function checksumFiles(backup: Backup): Promise<readonly ChecksumFile[]> {
  const folder = dirname(backup.file)
  const places = [
    { file: `${backup.file}.sha256`, alone: true },
    { file: join(folder, `${backup.name}.sha256`), alone: true },
    { file: join(folder, 'SHA256SUMS'), alone: false },
  ]
  const read: ChecksumFile[] = []
  for (const { file, alone } of places) {
    if (read.some((other) => other.file === file)) continue
    const facts = await stat(file).catch(() => null)
    if (facts === null) continue
    if (!facts.isFile() || facts.size > largestChecksumFile) {
      throw new RunbookError(
        'verification',
        `${shellWord(file)} is no checksum file: it is ${facts.isFile() ? `${facts.size} bytes long` : 'no regular file'}`,
        { hint: `ls -l ${shellWord(file)}` },
      )
    }
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new RunbookError('verification', `the checksum file ${shellWord(file)} cannot be read`, {
        cause,
        hint: `ls -l ${shellWord(file)}`,
      })
    })
    read.push({ file, text, alone })
  }
  return read
}

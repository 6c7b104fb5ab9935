import { posix } from 'node:path'
import type { Backup, BackupPlace, BackupsView } from '../drivers/backups.ts'
import type { Scope } from '../drivers/scope.ts'
import type { Clock } from '../kernel/clock.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/json.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { backupPattern, isDateFolder } from '../formats/backup-pattern.ts'
import {
  expectedHash,
  latestFirst,
  mustBePlausible,
  newestFirst,
  timesOf,
  verified,
  type ChecksumFile,
} from '../formats/backup-verdict.ts'
import { checksumsBeside } from '../formats/checksum-files.ts'
import { timeInName } from '../formats/file-time.ts'
import { modifiedOn, type Disk } from './disk.ts'

/** Backups on the in-memory disk, judged as real ones are. Links do not count as backups. */
export function fakeBackups({
  disk,
  scope,
  clock,
}: {
  readonly disk: Disk
  readonly scope: Scope
  readonly clock: Clock
}): BackupsView {
  const { files, folders } = disk
  const backupOf = (path: string, times: Parameters<typeof timesOf>[0]): Backup => ({
    file: path,
    name: posix.basename(path),
    bytes: files.get(path)?.length ?? 0,
    ...timesOf(times, modifiedOn(disk, path)),
  })
  const pathsIn = (place: BackupPlace): readonly string[] => {
    if (!folders.has(place.directory)) {
      throw new RunbookError(
        'preflight',
        `cannot read backup folder ${shellWord(place.directory)}: no such folder`,
        {
          hint: 'add a file to it',
        },
      )
    }
    return [...files.keys()].filter((path) => isBelow(place, path))
  }
  const expectedOf = (place: BackupPlace, backup: Backup): ReturnType<typeof expectedHash> => {
    mustBePlausible(place, backup, clock.now())
    const folder = posix.dirname(backup.file)
    const paths = [...files.keys()].filter((path) => posix.dirname(path) === folder)
    const { read, unread } = checksumsBeside(
      [posix.basename(backup.file), backup.name],
      paths.map((path) => posix.basename(path)),
    )
    const beside: readonly ChecksumFile[] = read.map(({ name, kind }) => {
      const file = `${folder}/${name}`
      return { file, kind, text: new TextDecoder().decode(files.get(file)) }
    })
    return expectedHash(place, backup, { read: beside, unread })
  }

  return {
    async list(place) {
      const pattern = backupPattern(place.pattern)
      return newestFirst(
        pathsIn(place).flatMap((path) => {
          const named = pattern.match(posix.basename(path))
          return named === null ? [] : [backupOf(path, named)]
        }),
      )
    },

    async undated(place) {
      const pattern = backupPattern(place.pattern)
      return latestFirst(
        pathsIn(place)
          .filter((path) => pattern.nearly(posix.basename(path)))
          .map((file) => ({
            file,
            name: posix.basename(file),
            modifiedAt: modifiedOn(disk, file).toISOString(),
          })),
      )
    },

    async find(place, file) {
      const path = posix.resolve(place.directory, file)
      const filed = file.includes('/')
        ? []
        : [...files.keys()].filter((path) => isBelow(place, path) && posix.basename(path) === file)
      const chosen = files.has(path) || filed[0] === undefined ? path : filed[0]
      const wrong = (what: string): RunbookError =>
        new RunbookError('usage', `backup ${shellWord(path)} ${what}`, {
          hint: `choose one of: ls -l ${shellWord(place.directory)}`,
        })
      if (!files.has(chosen)) throw wrong(folders.has(chosen) ? 'is a folder' : 'does not exist')
      if (filed.length > 1 && chosen !== path) throw wrong(`is ambiguous (${filed.length} matches)`)
      const name = posix.basename(chosen)
      return backupOf(chosen, backupPattern(place.pattern).match(name) ?? { takenAt: timeInName(name) })
    },

    checksumOf: async (place, backup) => expectedOf(place, backup),

    async verify(place, backup) {
      const expected = expectedOf(place, backup)
      scope.signal.throwIfAborted()
      const body = files.get(backup.file)
      if (body?.length !== backup.bytes) {
        throw new RunbookError(
          'verification',
          `backup ${shellWord(backup.file)} changed while it was being read`,
          { hint: 'start again' },
        )
      }
      scope.progress({ done: body.length, total: body.length, unit: 'bytes' })
      return verified(backup, expected, sha256(body))
    },
  }
}

function isBelow(place: BackupPlace, path: string): boolean {
  if (!path.startsWith(`${place.directory}/`)) return false
  const folders = path
    .slice(place.directory.length + 1)
    .split('/')
    .slice(0, -1)
  return folders.every((folder, depth) => isDateFolder(folders.slice(0, depth), folder))
}

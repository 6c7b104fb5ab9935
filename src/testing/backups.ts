import { posix } from 'node:path'
import type { Backup, BackupPlace, Backups } from '../drivers/backups.ts'
import type { Scope } from '../drivers/scope.ts'
import type { Clock } from '../kernel/clock.ts'
import { RunbookError } from '../kernel/errors.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { backupPattern, isDateFolder } from '../formats/backup-pattern.ts'
import {
  expectedHash,
  judgedBeside,
  latestFirst,
  mustBePlausible,
  newestFirst,
  timesOf,
  verified,
  type ChecksumFiles,
} from '../formats/backup-verdict.ts'
import { manifestFiles, manifestText, vouchedBy } from '../formats/backup-manifest.ts'
import { checksumsBeside } from '../formats/checksum-files.ts'
import { timeInName } from '../formats/file-time.ts'
import { lay, type Disk } from './disk.ts'
import { dumpModifiedOn, measuredOn, partsOn } from './dump-folder.ts'
import { fakeKeys, fakeSeal, type FakeKeys } from './seal.ts'

/** Backups on the in-memory disk, judged as real ones are. Links do not count as backups. */
export function fakeBackups({
  disk,
  scope,
  clock,
  keys = fakeKeys(),
}: {
  readonly disk: Disk
  readonly scope: Scope
  readonly clock: Clock
  readonly keys?: FakeKeys
}): Backups {
  const seal = fakeSeal(keys)
  const { files, folders } = disk
  const backupOf = (path: string, times: Parameters<typeof timesOf>[0]): Backup => ({
    file: path,
    name: posix.basename(path),
    bytes: measuredOn(disk, path)?.bytes ?? 0,
    ...timesOf(times, dumpModifiedOn(disk, path)),
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
    return [...files.keys(), ...folders].filter(
      (path) =>
        (files.has(path) ? partsOn(disk, posix.dirname(path)) === null : partsOn(disk, path) !== null) &&
        isBelow(place, path),
    )
  }
  const checksumIn = (place: BackupPlace, backup: Backup): ReturnType<typeof expectedHash> => {
    const filesIn = (folder: string, backups: readonly string[]): ChecksumFiles => {
      const paths = [...files.keys()].filter((path) => posix.dirname(path) === folder)
      const { read, unread } = checksumsBeside(
        backups,
        paths.map((path) => posix.basename(path)),
      )
      const texts = read.map(({ name, kind }) => {
        const file = `${folder}/${name}`
        return { file, kind, text: new TextDecoder().decode(files.get(file)) }
      })
      return { read: texts, unread }
    }
    const name = posix.basename(backup.file)
    const beside = filesIn(posix.dirname(backup.file), [name, backup.name])
    const parts = partsOn(disk, backup.file)
    if (parts === null) return expectedHash(place, backup, beside)
    const within = filesIn(backup.file, [])
    return expectedHash(place, backup, {
      read: [...within.read.map((file) => ({ ...file, inside: true as const })), ...beside.read],
      unread: [...within.unread, ...beside.unread],
      folder: { name, files: parts.map((part) => posix.basename(part)) },
    })
  }
  const checksumOf: Backups['checksumOf'] = async (place, backup) => {
    mustBePlausible(place, backup, clock.now())
    const [file, beside] = manifestFiles(backup.file)
    const [body, signature] = [files.get(file), files.get(beside)]
    const found =
      body === undefined && signature === undefined
        ? null
        : {
            file,
            body: body ?? null,
            signature: signature === undefined ? null : new TextDecoder().decode(signature),
          }
    return vouchedBy(place, backup, found, seal, async () => checksumIn(place, backup))
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
            modifiedAt: dumpModifiedOn(disk, file).toISOString(),
          })),
      )
    },

    async find(place, file) {
      const path = posix.resolve(place.directory, file)
      const filed = file.includes('/') ? [] : pathsIn(place).filter((path) => posix.basename(path) === file)
      const isThere = (path: string): boolean => files.has(path) || partsOn(disk, path) !== null
      const chosen = isThere(path) || filed[0] === undefined ? path : filed[0]
      const wrong = (what: string): RunbookError =>
        new RunbookError('usage', `backup ${shellWord(path)} ${what}`, {
          hint: `choose one of: ls -l ${shellWord(place.directory)}`,
        })
      if (!isThere(chosen)) throw wrong(folders.has(chosen) ? 'is a folder' : 'does not exist')
      if (filed.length > 1 && chosen !== path) throw wrong(`is ambiguous (${filed.length} matches)`)
      const name = posix.basename(chosen)
      return backupOf(chosen, backupPattern(place.pattern).match(name) ?? { takenAt: timeInName(name) })
    },

    checksumOf,
    judge: (place, backup, beside) => judgedBeside(place, backup, beside, { seal, now: clock.now() }),

    async verify(place, backup) {
      const expected = await checksumOf(place, backup)
      scope.signal.throwIfAborted()
      const measured = measuredOn(disk, backup.file)
      if (measured?.bytes !== backup.bytes) {
        throw new RunbookError(
          'verification',
          `backup ${shellWord(backup.file)} changed while it was being read`,
          { hint: 'start again' },
        )
      }
      const { bytes } = measured
      scope.progress({ done: bytes, total: bytes, unit: 'bytes' })
      return verified(backup, expected, measured.sha256)
    },

    async sign(made, statement) {
      const { file, bytes } = made
      if (measuredOn(disk, file)?.bytes !== bytes)
        throw new RunbookError(
          'verification',
          `cannot sign a manifest for ${shellWord(file)}: it no longer has ${bytes} bytes`,
          { hint: 'start again' },
        )
      const ended = clock.now()
      const signer = { run: scope.run, host: 'pretended', program: 'runbook', ended }
      const text = manifestText(posix.basename(file), made, statement, signer)
      const [manifest, signature] = manifestFiles(file)
      lay(disk, signature, await seal.sign(new TextEncoder().encode(text)))
      lay(disk, manifest, text)
      const { source, begun, rows } = statement
      return {
        file: manifest,
        key: keys.own,
        source,
        begun,
        ended: ended.toISOString(),
        rows,
        run: scope.run,
      }
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

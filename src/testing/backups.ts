import { posix } from 'node:path'
import type { Backup, BackupPlace, Backups } from '../drivers/backups.ts'
import type { Scope } from '../drivers/scope.ts'
import type { Clock } from '../kernel/clock.ts'
import { RunbookError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/json.ts'
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
  type ChecksumFile,
} from '../formats/backup-verdict.ts'
import { manifestFiles, manifestText, vouchedBy } from '../formats/backup-manifest.ts'
import { checksumsBeside } from '../formats/checksum-files.ts'
import { timeInName } from '../formats/file-time.ts'
import { lay, modifiedOn, type Disk } from './disk.ts'
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
  const checksumIn = (place: BackupPlace, backup: Backup): ReturnType<typeof expectedHash> => {
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

    checksumOf,
    judge: (place, backup, beside) => judgedBeside(place, backup, beside, { seal, now: clock.now() }),

    async verify(place, backup) {
      const expected = await checksumOf(place, backup)
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

    async sign(made, statement) {
      const { file, bytes } = made
      if (files.get(file)?.length !== bytes)
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

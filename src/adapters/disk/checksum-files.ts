import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Backup } from '../../drivers/backups.ts'
import type { ChecksumFile, ChecksumFiles } from '../../formats/backup-verdict.ts'
import { checksumsBeside } from '../../formats/checksum-files.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { mustBeDumpFolder } from './dump-folder.ts'

/** A larger file is not a checksum file. Bytes. */
const largestChecksumFile = 1 << 20

/** The checksum files beside a backup, and those in it where it is a folder. @throws RunbookError `verification` */
export async function checksumFiles(backup: Backup): Promise<ChecksumFiles> {
  const isFolder = await lstat(backup.file).then(
    (facts) => facts.isDirectory(),
    () => false,
  )
  const dump = isFolder ? await mustBeDumpFolder(backup.file) : null
  const beside = await checksumFilesIn(dirname(backup.file), [basename(backup.file), backup.name])
  if (dump === null) return beside
  // Those in it go first: they are about this folder alone.
  const { read, unread } = await checksumFilesIn(backup.file, [])
  const files = dump.files.map(({ name }) => name)
  return {
    read: [...read.map((file) => ({ ...file, inside: true as const })), ...beside.read],
    unread: [...unread, ...beside.unread],
    folder: { name: basename(backup.file), files },
  }
}

async function checksumFilesIn(folder: string, backups: readonly string[]): Promise<ChecksumFiles> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw cannot('read', `backup folder ${shellWord(folder)}`, null, {
      code: 'verification',
      cause,
      hint: `check: ls -ld ${shellWord(folder)}`,
    })
  })
  const { read, unread } = checksumsBeside(backups, names)
  const files: ChecksumFile[] = []
  for (const { name, kind } of read) {
    const file = join(folder, name)
    const facts = await stat(file).catch(() => null)
    if (facts === null) continue
    if (!facts.isFile() || facts.size > largestChecksumFile) {
      throw new RunbookError(
        'verification',
        `${shellWord(file)} is not a checksum file: ${facts.isFile() ? `${facts.size} bytes long` : 'not a regular file'}`,
        { hint: `check: ls -l ${shellWord(file)}` },
      )
    }
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw cannot('read', `checksum file ${shellWord(file)}`, null, {
        code: 'verification',
        cause,
        hint: `check: ls -l ${shellWord(file)}`,
      })
    })
    files.push({ file, kind, text })
  }
  return { read: files, unread }
}

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import type { Backup, Backups, CompleteFile } from '../../drivers/backups.ts'
import type { Files } from '../../drivers/files.ts'
import type { Scope } from '../../drivers/scope.ts'
import {
  largestManifest,
  manifestFiles,
  manifestText,
  vouchedBy,
  type FoundManifest,
  type ManifestSeal,
} from '../../formats/backup-manifest.ts'
import type { Clock } from '../../kernel/clock.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { dumpFolder } from './dump-folder.ts'

/** How manifests are signed, and by what. */
export type Signing = {
  readonly seal: ManifestSeal
  readonly files: Files
  /** Name and version of this program. */
  readonly program: string
}

/** Writes a manifest of a complete file, and reads it back as a restore would. */
export const signOnDisk =
  ({ seal, files, program }: Signing, scope: Pick<Scope, 'run'>, clock: Clock): Backups['sign'] =>
  async (made, statement) => {
    const { file, bytes, sha256 } = made
    const there = await files.stat(file)
    const now = there?.kind === 'directory' ? await dumpFolder(file) : there?.kind === 'file' ? there : null
    if (there === null || now?.bytes !== bytes) throw changed(made)
    const signer = { run: scope.run, host: hostname(), program, ended: clock.now() }
    const text = manifestText(basename(file), made, statement, signer)
    const payload = Buffer.from(text)
    const [manifest, signature] = manifestFiles(file)
    // Whoever may read the backup may verify it.
    const mode = there.mode & 0o666
    await files.write(signature, await seal.sign(payload), { mode })
    await files.write(manifest, payload, { mode })
    const backup: Backup = {
      file,
      name: basename(file),
      bytes,
      takenAt: statement.begun,
      dated: 'by-name',
    }
    const read = await vouchedBy(
      { directory: '', pattern: '*', maxAgeSeconds: 0, minBytes: 0, checksums: 'required' },
      backup,
      await manifestBeside(file),
      seal,
      async () => null,
    )
    if (read?.manifest === undefined || read.sha256 !== sha256)
      throw new RunbookError('verification', `the manifest ${shellWord(manifest)} is not what was written`, {
        hint: 'check the disk, then start again',
      })
    return read.manifest
  }

const changed = ({ file, bytes }: CompleteFile): RunbookError =>
  new RunbookError(
    'verification',
    `cannot sign a manifest for ${shellWord(file)}: it no longer has ${bytes} bytes`,
    { hint: 'find out what writes to it, then start again' },
  )

/** The manifest beside a backup; null if there is none. @throws RunbookError `verification` if it cannot be read */
export async function manifestBeside(backup: string): Promise<FoundManifest | null> {
  const [file, beside] = manifestFiles(backup)
  const [body, signature] = [await contentsOf(file), await contentsOf(beside)]
  if (body === null && signature === null) return null
  return { file, body, signature: signature === null ? null : signature.toString('utf8') }
}

async function contentsOf(file: string): Promise<Buffer | null> {
  const refused = (why: string | null, cause?: unknown): RunbookError =>
    cannot('read', shellWord(file), why, {
      code: 'verification',
      cause,
      hint: `check: ls -l ${shellWord(file)}`,
    })
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw refused(null, cause)
  })
  if (handle === null) return null
  try {
    const facts = await handle.stat()
    if (!facts.isFile()) throw refused('it is not a regular file')
    if (facts.size > largestManifest) throw refused(`it has ${facts.size} bytes, too many for a manifest`)
    return await handle.readFile()
  } catch (thrown) {
    throw thrown instanceof RunbookError ? thrown : refused(null, thrown)
  } finally {
    await handle.close()
  }
}

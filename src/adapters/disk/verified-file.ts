import { stat } from 'node:fs/promises'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { digestOfFile } from './digest.ts'

/** @throws RunbookError `verification` where a file is not the one that was verified; undefined: none was */
export function mustBeVerified(file: string, verified: string | undefined, found: string): void {
  if (verified === undefined || found === verified) return
  throw another(file, `its SHA-256 was ${verified}, and is ${found}`)
}

/**
 * For a reader that is given the path, whose bytes are not seen here: the file has its digest before, and nobody wrote
 * to it or replaced it until after.
 */
export async function whileVerified(
  file: string,
  verified: string | undefined,
  scope: Scope,
  read: () => Promise<void>,
): Promise<void> {
  if (verified === undefined) return read()
  const before = await versionOf(file)
  mustBeVerified(file, verified, (await digestOfFile(file, scope)).sha256)
  await read()
  if ((await versionOf(file)) !== before) throw another(file, 'it changed while it was being read')
}

/** The time of the last change of the inode cannot be set, unlike that of its content. */
async function versionOf(file: string): Promise<string> {
  const { dev, ino, size, ctimeNs } = await stat(file, { bigint: true })
  return [dev, ino, size, ctimeNs].join(' ')
}

const another = (file: string, why: string): RunbookError =>
  new RunbookError('verification', `${file} is not the file that this run verified: ${why}`, {
    hint: `find out what wrote to it: ls -l ${shellWord(file)}; then start a new run, which verifies it again`,
  })

import { RunbookError, shellWord, type Look } from '../../../src/index.ts'
import { treeVersionOf } from './tree-version.ts'

/** @throws RunbookError `verification` where a file does not have the digest with which an earlier step knew it */
export async function requireSameFile(
  look: Pick<Look, 'files'>,
  file: string,
  sha256: string,
  since: string,
): Promise<void> {
  mustBeSame(file, await look.files.hash(file), sha256, since)
}

/** What an earlier step read: its digest, and its version then. A version is missing in older journals. */
export type AsRead = { readonly sha256: string; readonly version?: string }

/**
 * As {@link requireSameFile}, without reading contents again while the version is the same. Who only touched or linked a
 * file has not changed it.
 * @param digest reads what `file` leads to; left out for a regular file
 */
export async function requireSameContents(
  look: Pick<Look, 'files' | 'signal'>,
  file: string,
  { sha256, version }: AsRead,
  since: string,
  digest = (): Promise<string> => look.files.hash(file),
): Promise<void> {
  if (version !== undefined && (await treeVersionOf(look, file)) === version) return
  mustBeSame(file, await digest(), sha256, since)
}

/** As {@link requireSameFile}, where the file was read already. */
export function mustBeSame(file: string, now: string, was: string, since: string): void {
  if (now === was) return
  throw new RunbookError(
    'verification',
    `${file} was changed after ${since}: its SHA-256 was ${was}, and is ${now}`,
    {
      hint: `find out what wrote to it: ls -l ${shellWord(file)}; then start a new run, which verifies it again`,
    },
  )
}

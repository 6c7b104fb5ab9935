import { RunbookError, shellWord, type Look } from '../../../src/index.ts'

/** @throws RunbookError `verification` where a file does not have the digest with which an earlier step knew it */
export async function requireSameFile(
  look: Pick<Look, 'files'>,
  file: string,
  sha256: string,
  since: string,
): Promise<void> {
  mustBeSame(file, await look.files.hash(file), sha256, since)
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

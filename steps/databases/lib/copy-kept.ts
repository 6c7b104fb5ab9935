import { cannot, type Io } from '../../../src/index.ts'
import type { Part } from './volume-files.ts'

/** Paths of a file and its logs, with what was copied of each, which is missing in older journals. */
type KeptFiles = {
  readonly file: string | null
  readonly endings: readonly string[]
  readonly parts?: readonly Part[]
}

/**
 * Copies a kept database with its logs, for a copy of it that goes live: what was copied must be what was kept.
 * @throws RunbookError `verification` where somebody changed the kept files since
 */
export async function copyKept(io: Pick<Io, 'files'>, kept: KeptFiles, to: string): Promise<void> {
  for (const ending of kept.endings) {
    await io.files.copy(`${kept.file}${ending}`, `${to}${ending}`)
    const was = kept.parts?.find((part) => part.ending === ending)?.sha256
    if (was !== undefined) await requireDigest(io, `${to}${ending}`, was, `${kept.file}${ending}`)
  }
}

/** @throws RunbookError `verification` where a file differs from what was checked */
export async function requireDigest(
  { files }: Pick<Io, 'files'>,
  file: string,
  was: string,
  name = file,
): Promise<void> {
  if ((await files.hash(file)) === was) return
  throw cannot('use', name, 'it changed since it was checked', {
    code: 'verification',
    hint: 'find out who writes to it, then start again',
  })
}

import { failureOf, RunbookError, type Look, type VolumePath } from '../../../src/index.ts'

/** Files of SQLite without which rows of the main file are missing, or half of a change is in it. */
const logs = ['-wal', '-journal'] as const

/**
 * What `use` finds in a copy of a SQLite database in a volume, while its service may run. Null where no copy of one
 * moment can be made, which is noted: it is looked at once the writers are stopped.
 */
export async function inLiveCopy<T>(
  look: Look,
  at: VolumePath,
  use: (file: string) => Promise<T>,
): Promise<T | null> {
  let copied = false
  try {
    return await look.volumes.withCopy(at, logs, async (file) => {
      copied = true
      return use(file)
    })
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (copied || !(thrown instanceof RunbookError)) throw thrown
    look.note(`compared only once the writers are stopped: ${failureOf(thrown).message}`)
    return null
  }
}

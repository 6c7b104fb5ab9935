import { RunbookError, type Backup, type Look } from '../../../src/index.ts'
import { olderBackups, type Again } from './older-backups.ts'

/**
 * Does `work`; where it finds the backup unfit, the hint also has the command that takes the next older one.
 * @param again left out where the operator did not choose the backup
 * @param unfit the backup that `work` judges; null where there is none
 */
export async function offeringOlder<T>(
  look: Look,
  again: Again | undefined,
  unfit: () => Promise<Pick<Backup, 'file' | 'takenAt'> | null>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    look.signal.throwIfAborted()
    // Any other failure says nothing against the backup.
    if (again === undefined || !(thrown instanceof RunbookError) || thrown.code !== 'verification')
      throw thrown
    const judged = await unfit()
    if (judged === null) throw thrown
    const older = await olderBackups(look, again, judged)
    throw new RunbookError(thrown.code, thrown.message, {
      cause: thrown.cause,
      hint: thrown.hint === undefined ? older : `${thrown.hint}; ${older}`,
    })
  }
}

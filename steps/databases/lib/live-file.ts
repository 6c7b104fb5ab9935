import type { Look, VolumePath } from '../../../src/index.ts'
import { requireAsShown } from '../../files/lib/ours.ts'

/** Which file of a volume a run looked at. Null where that is not known; missing in older journals. */
export type LiveFile = { readonly at: VolumePath; readonly identity: string | null }

export const liveFileAt = async (look: Pick<Look, 'volumes'>, at: VolumePath): Promise<LiveFile> => ({
  at,
  identity: await look.volumes.identity(at),
})

/**
 * Its rows may change while its services run, and its tables may be those of another file; which file it is does not change.
 * @throws RunbookError `failed` where another file is there now
 */
export async function requireSameLiveFile(
  look: Pick<Look, 'volumes'>,
  seen: LiveFile | undefined,
): Promise<void> {
  if (seen === undefined || seen.identity === null) return
  const { at, identity } = seen
  const now = await look.volumes.identity(at)
  // A file that is gone has none.
  if (now === null && (await look.volumes.stat(at)) !== null) return
  requireAsShown(`${at.path} of ${at.service}`, now, identity)
}

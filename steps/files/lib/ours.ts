import { cannot, RunbookError, type Look, type UndoGuard } from '../../../src/index.ts'
import { swapStateOf, unexpectedLeftovers, type PathSwap } from './swap-path.ts'

/** A file of this machine, in the words of {@link UndoGuard.of}. */
export const fileThing = (path: string) => ({ file: path, home: null })

/** For an undo that must not touch what somebody else put in the place of what this run made. */
export const notOurs = (what: string, problem: string): RunbookError =>
  new RunbookError('in-doubt', `${what} ${problem}`, {
    hint: `find out who changed it, and what should be there; ${what} was left as it is`,
  })

/**
 * For a step that replaces something: it must still be what an earlier step of the run found, and what the operator was
 * shown. A run that was interrupted, or waited for an answer, may find that of somebody else in its place.
 * @param shown undefined where it is not known, as in journals of earlier versions: then anything passes
 * @param replace the verb of the step
 * @throws RunbookError `failed`
 */
export function requireAsShown(
  what: string,
  now: string | null,
  shown: string | null | undefined,
  replace = 'replace',
): void {
  if (shown === undefined || now === shown) return
  throw cannot(replace, what, 'since this run looked at it, somebody else replaced it', {
    code: 'failed',
    hint: `find out who did, and what should be there; then start a new run, which looks again`,
  })
}

/** As {@link requireAsShown}, for a folder by its identity, as in `FileFacts`; one that is not known is not compared. */
export async function requireSameFolder(
  look: Pick<Look, 'files'>,
  path: string,
  shown: string | null | undefined,
): Promise<void> {
  const now = (await look.files.stat(path))?.identity ?? null
  if (typeof shown === 'string' && now !== null) requireAsShown(path, now, shown)
}

/** What makes a file of this machine the one that this run wrote; a missing file passes. */
type Ours = (look: Look, path: string, bytes: number) => Promise<boolean>

/** For an undo that removes or overwrites a file: it must be the one that this run wrote. A missing file passes. */
export const mustBeFile = (path: string, isOurs: Ours): UndoGuard => ({
  of: [fileThing(path)],
  check: async (look) => {
    const facts = await look.files.stat(path)
    if (facts === null || (facts.kind === 'file' && (await isOurs(look, path, facts.bytes)))) return
    throw notOurs(path, 'was replaced from outside during the run')
  },
})

/** As {@link mustBeFile}, by its size: large files are not read for it. */
export const mustHaveSize = (path: string, bytes: number): UndoGuard =>
  mustBeFile(path, async (_, __, size) => size === bytes)

/** As {@link mustBeFile}, by its digest. */
export const mustHaveDigest = (path: string, digests: readonly string[]): UndoGuard =>
  mustBeFile(path, async (look) => digests.includes(await look.files.hash(path)))

/** For an undo that renames paths back: they must be in one of the states in which this run leaves them. */
export const mustBeExchanged = (swap: PathSwap): UndoGuard => ({
  of: [{ exchanged: swap.path }],
  check: async (look) => {
    if ((await swapStateOf(look, swap)) === null)
      throw notOurs(
        swap.path,
        `was changed from outside during the run: ${await unexpectedLeftovers(look, swap)}`,
      )
  },
})

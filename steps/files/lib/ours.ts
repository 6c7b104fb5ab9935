import { RunbookError, type Look, type UndoGuard } from '../../../src/index.ts'
import { swapStateOf, unexpectedLeftovers, type PathSwap } from './swap-path.ts'

/** A file of this machine, in the words of {@link UndoGuard.of}. */
export const fileThing = (path: string) => ({ file: path, home: null })

/** For an undo that must not touch what somebody else put in the place of what this run made. */
export const notOurs = (what: string, problem: string): RunbookError =>
  new RunbookError('in-doubt', `${what} ${problem}`, {
    hint: `find out who changed it, and what should be there; ${what} was left as it is`,
  })

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

import { shellWord, type Look, type Remaining } from '../../../src/index.ts'

/** Content that may be written to from a moment on (ISO 8601), and where it is kept if it was. */
export type Written = { readonly since: string; readonly as: string }

/**
 * What below a path was written to, added or removed since a moment, by the times of modification: a folder's is
 * that of its last addition or removal. Reads no contents, since the service is down meanwhile. A time in the future
 * came with the content.
 */
export async function writtenSince(
  look: Pick<Look, 'files' | 'signal' | 'clock'>,
  path: string,
  since: string,
): Promise<readonly string[]> {
  const [from, until] = [Date.parse(since), look.clock.now().getTime()]
  const found: string[] = []
  const visit = async (at: string): Promise<void> => {
    look.signal.throwIfAborted()
    const facts = await look.files.stat(at)
    // A name that this program cannot read was not looked at, so it may be new.
    if (facts === null) return void (at === path || found.push(at))
    const modified = Date.parse(facts.modifiedAt)
    if (modified > from && modified <= until) found.push(at)
    if (facts.kind === 'directory') for (const name of await look.files.list(at)) await visit(`${at}/${name}`)
  }
  await visit(path)
  return found
}

const mostNamed = 10

/** What was kept of it, in one sentence; null where nothing was. */
export async function keptWritten(
  look: Pick<Look, 'files' | 'signal' | 'clock'>,
  live: string,
  { since, as }: Written,
): Promise<Remaining | null> {
  if ((await look.files.stat(as)) === null) return null
  const found = (await writtenSince(look, as, since)).map((at) => at.slice(as.length + 1) || '.')
  const named = found.slice(0, mostNamed).join(', ')
  const more = found.length > mostNamed ? ` and ${found.length - mostNamed} more` : ''
  return {
    kept:
      `what was live as ${live} in this run is kept as ${as}; written to since it went live: ${named}${more}; ` +
      `copy what is needed from there; it stays until prune removes it, or, without retention in the configuration, until somebody does; by hand: rm -r ${shellWord(as)}`,
  }
}

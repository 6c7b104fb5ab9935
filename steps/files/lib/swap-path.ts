import { cannot, shellWord, type Io, type JsonObject, type Look } from '../../../src/index.ts'
import { folderOf } from './path.ts'
import { writtenSince, type Written } from './written-since.ts'

/**
 * A path whose content is exchanged by renaming: after a kill it is in one of three states, never in a
 * mixture.
 */
export type PathSwap = {
  readonly path: string
  /** Where the new content is while the old one is in place. On the same file system. */
  readonly fresh: string
  /** Where the old content is while it is not in place. Null: there was none. */
  readonly kept: string | null
  /**
   * Where new content goes that was written to while it was in place, since what a service accepted must not be
   * removed with staging. Missing in older journals: it then goes to `fresh`.
   */
  readonly written?: Written
  /** Missing in older journals. */
  readonly identities?: Identities
}

/** As in `FileFacts`, of the folders before the exchange. Null where it is not known or is no folder. */
type Identities = { readonly fresh: string | null; readonly old: string | null }

/** Taken before the exchange: with them, what somebody else put in the place of either is noticed. */
export async function identitiesOf(
  look: Pick<Look, 'files'>,
  { path, fresh, kept }: PathSwap,
): Promise<Identities> {
  // A program may replace a file of its own by renaming another one over it.
  const of = async (at: string): Promise<string | null> => {
    const facts = await look.files.stat(at)
    return facts?.kind === 'directory' ? facts.identity : null
  }
  return { fresh: await of(fresh), old: kept === null ? null : await of(path) }
}

/** `between`: the old content is aside, and nothing is in its place. */
export type SwapState = 'old' | 'between' | 'new'

type Found = { readonly state: SwapState | null; readonly replaced: string | null }

/** What is where: `replaced` is a path at which something else is than this exchange put or found there. */
async function found(look: Pick<Look, 'files'>, swap: PathSwap): Promise<Found> {
  const { path, fresh, kept, identities, written } = swap
  const at = async (one: string) => (await look.files.stat(one)) ?? null
  const aside = written === undefined ? null : await at(written.as)
  const is = { path: await at(path), fresh: await at(fresh), kept: kept === null ? null : await at(kept) }
  const there = {
    path: is.path !== null,
    fresh: (is.fresh !== null) !== (aside !== null),
    kept: is.kept !== null,
  }
  const state = stateBy(there, kept !== null)
  const outOfPlace =
    aside === null || written === undefined
      ? ([fresh, is.fresh, identities?.fresh] as const)
      : ([written.as, aside, identities?.fresh] as const)
  const places: readonly (readonly [string | null, JsonObject | null, string | null | undefined])[] =
    state === 'old'
      ? [[path, is.path, identities?.old], outOfPlace]
      : state === 'between'
        ? [[kept, is.kept, identities?.old], outOfPlace]
        : state === 'new'
          ? [
              [kept, is.kept, identities?.old],
              [path, is.path, identities?.fresh],
            ]
          : []
  const [replaced] = places.find(([, now, was]) => isAnother(now?.['identity'], was)) ?? [null]
  return { state, replaced }
}

/** False where it is not known. */
const isAnother = (now: unknown, was: string | null | undefined): boolean =>
  typeof now === 'string' && typeof was === 'string' && now !== was

function stateBy(
  is: { readonly path: boolean; readonly fresh: boolean; readonly kept: boolean },
  keeps: boolean,
): SwapState | null {
  if (!keeps) return is.fresh === is.path ? null : is.path ? 'new' : 'old'
  if (is.fresh && is.path && !is.kept) return 'old'
  if (is.fresh && !is.path && is.kept) return 'between'
  return !is.fresh && is.path && is.kept ? 'new' : null
}

/** @returns null where it is in none of the three states: something outside this run changed it */
export async function swapStateOf(look: Pick<Look, 'files'>, swap: PathSwap): Promise<SwapState | null> {
  const { state, replaced } = await found(look, swap)
  return replaced === null ? state : null
}

/**
 * Renames until the wanted state is reached, from any state that a kill left.
 * @throws RunbookError `failed` where something outside this run changed it
 */
export async function bringTo(io: Io, swap: PathSwap, wanted: SwapState): Promise<void> {
  const { path, kept } = swap
  const now = await swapStateOf(io, swap)
  const fresh = await placeOfNew(io, swap, now)
  if (now === null)
    throw cannot('swap', path, await unexpectedLeftovers(io, swap), {
      code: 'failed',
      hint: `find out what moved it: ls -ld ${[path, fresh, ...(kept === null ? [] : [kept])].map(shellWord).join(' ')}`,
    })
  for (const [from, to] of movesFor({ path, fresh, kept }, now, wanted)) {
    if (to === swap.written?.as) await io.files.makeFolder(folderOf(to))
    await io.files.move(from, to)
  }
}

/** Where the new content is, or goes when the old one comes back. */
async function placeOfNew(
  look: Pick<Look, 'files' | 'signal' | 'clock'>,
  { path, fresh, written }: PathSwap,
  now: SwapState | null,
): Promise<string> {
  if (written === undefined) return fresh
  if ((await look.files.stat(written.as)) !== null) return written.as
  return now === 'new' && (await writtenSince(look, path, written.since)).length > 0 ? written.as : fresh
}

/** Renames that lead from one state to another, in order. Pure. */
export function movesFor(
  { path, fresh, kept }: PathSwap,
  now: SwapState,
  wanted: SwapState,
): readonly (readonly [from: string, to: string])[] {
  if (kept === null) return now === wanted ? [] : [wanted === 'new' ? [fresh, path] : [path, fresh]]
  const order: readonly SwapState[] = ['old', 'between', 'new']
  const forward = [
    [path, kept],
    [fresh, path],
  ] as const
  const back = [
    [kept, path],
    [path, fresh],
  ] as const
  const [from, to] = [order.indexOf(now), order.indexOf(wanted)]
  return from <= to ? forward.slice(from, to) : back.slice(to, from).toReversed()
}

export async function unexpectedLeftovers(look: Pick<Look, 'files'>, swap: PathSwap): Promise<string> {
  const { path, fresh, kept, written } = swap
  const { replaced } = await found(look, swap)
  if (replaced !== null) return `${replaced} is not what this run put or found there`
  const all = [path, fresh, kept, ...(written === undefined ? [] : [written.as])].filter(
    (one) => one !== null,
  )
  const there: string[] = []
  for (const one of all) if ((await look.files.stat(one)) !== null) there.push(one)
  const paths = [path, fresh, kept].filter((one) => one !== null).join(', ')
  if (there.length === 0) return `of ${paths} none exists`
  return `of ${paths} only ${there.join(' and ')} ${there.length === 1 ? 'exists' : 'exist'}`
}

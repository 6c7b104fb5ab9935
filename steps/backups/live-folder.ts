import {
  defineStep,
  isPending,
  say,
  type DataArchive,
  type ProbeResult,
  type Look,
  type Remaining,
  type ServiceGroup,
  type TreeFacts,
} from '../../src/index.ts'
import { makingOf } from './lib/destination.ts'
import { requireQuiet } from '../services/lib/active.ts'
import type { StoppedServices } from '../services/stop-services.ts'
import { mustBeExchanged, requireSameFolder } from '../files/lib/ours.ts'
import type { CheckedReplacement } from './check-replacement.ts'
import {
  bringTo,
  identitiesOf,
  swapStateOf,
  unexpectedLeftovers,
  type PathSwap,
} from '../files/lib/swap-path.ts'
import { freeName } from '../files/lib/free-name.ts'
import { requireSameTree } from '../files/lib/tree-version.ts'
import { keptWritten } from '../files/lib/written-since.ts'
import { versionOf, type Unpacked } from '../files/unpack.ts'

/** The live folder under its other name, with its digest from when nothing wrote to it. */
export type Aside = {
  readonly exchange: PathSwap
  readonly aside: string
  readonly tree: TreeFacts
  /** The unpacked folder, as it was checked. Missing in older journals. */
  readonly restored?: { readonly folder: string; readonly version: string }
}

/** `kept`: the restored folder, which a service wrote to. */
type PutBack = TreeFacts & { readonly kept?: string }

type Moved = { readonly aside: Aside; readonly services: ServiceGroup }
type MoveInput = {
  readonly data: DataArchive
  /** The unpacked and checked replacement: nothing live is moved before there is one. */
  readonly restored: Unpacked
  /** Stopped by this run; checked again just before the move. */
  readonly stopped: StoppedServices
  readonly services: ServiceGroup
  /** What was checked that it can be replaced. Missing in older journals. */
  readonly checked?: Pick<CheckedReplacement, 'identities' | 'versions'>
}

const moved = 'the live folder is moved'

/**
 * Moves the live folder aside, under a name of this run's own. With only the date in the name, a second drill
 * on one day would move the folder into the first one's. Undone by moving it back; its digest proves that it
 * is unchanged.
 */
export const moveAside = defineStep<MoveInput, Aside, Aside>({
  kind: 'files.move-aside',
  version: 1,
  effect: 'change',
  describe: ({ data }) =>
    isPending(data)
      ? 'Moves the live folder aside.'
      : `Moves ${data.making?.source ?? 'the live folder'} aside, under a name unique to this run.`,
  survey: async (look, { data, restored, services, checked }) => {
    await requireQuiet(look, services, moved)
    const path = makingOf(data).source
    await requireSameFolder(look, path, checked?.identities?.live)
    const version = checked?.versions?.restored ?? versionOf(restored)
    await requireSameTree(look, restored.folder, version, 'it was checked')
    const aside = await freeName(look, `${path}.drill-${look.run.id}`)
    const tree = await look.files.tree(path)
    const exchange = { path, fresh: restored.root, kept: aside }
    const identities = await identitiesOf(look, exchange)
    const written = { since: look.clock.now().toISOString(), as: `${path}.kept-${look.run.id}` }
    const unpacked = version === undefined ? {} : { restored: { folder: restored.folder, version } }
    return { exchange: { ...exchange, identities, written }, aside, tree, ...unpacked }
  },
  predict: ({ before }) => ({
    output: before ?? null,
    changes: before === undefined ? [] : [`${before.exchange.path} is moved to ${before.aside}`],
  }),
  run: async (io, { input: { services }, before }) => {
    await requireQuiet(io, services, moved)
    await bringTo(io, before.exchange, 'between')
    io.note(`${before.exchange.path} is now ${before.aside}: ${sizeOf(before.tree)}`)
    return before
  },
  probe: async (look, { before, way }) => {
    const state = await swapStateOf(look, before.exchange)
    if (state === 'between') return { is: 'done', output: before }
    if (state === 'old')
      return way === 'forward' ? { is: 'absent' } : ifUnchanged(look, before, { is: 'absent' })
    return { is: 'torn', why: await unexpectedLeftovers(look, before.exchange) }
  },
  rerunnable: true,
  undoGuards: ({ before: { exchange } }) => [mustBeExchanged(exchange)],
  undo: async (io, { input: { services }, before }) => {
    await requireQuiet(io, services, moved)
    await bringTo(io, before.exchange, 'old')
  },
})

/**
 * Moves the restored data to the place of the live folder. Undone by moving it back into staging, or, where a service
 * wrote to it, aside: it is kept.
 */
export const putInPlace = defineStep<Moved, { readonly path: string }>({
  kind: 'files.put-in-place',
  version: 1,
  effect: 'change',
  describe: ({ aside }) => say`Moves the restored data to ${isPending(aside) ? aside : aside.exchange.path}.`,
  survey: async () => null,
  predict: ({ input: { aside } }) =>
    isPending(aside)
      ? { output: null }
      : {
          output: { path: aside.exchange.path },
          changes: [`${aside.exchange.path} holds the restored data`],
        },
  run: async (
    io,
    {
      input: {
        aside: { exchange, restored },
        services,
      },
    },
  ) => {
    await requireQuiet(io, services, moved)
    if (restored !== undefined) await requireSameTree(io, restored.folder, restored.version, 'it was checked')
    await bringTo(io, exchange, 'new')
    return { path: exchange.path }
  },
  probe: async (
    look,
    {
      input: {
        aside: { exchange },
      },
    },
  ) => {
    const state = await swapStateOf(look, exchange)
    if (state === 'new') return { is: 'done', output: { path: exchange.path } }
    return state === 'between'
      ? { is: 'absent' }
      : { is: 'torn', why: await unexpectedLeftovers(look, exchange) }
  },
  rerunnable: true,
  undoGuards: ({ input: { aside } }) => [mustBeExchanged(aside.exchange)],
  undo: async (
    io,
    {
      input: {
        aside: { exchange },
        services,
      },
    },
  ) => {
    await requireQuiet(io, services, moved)
    await bringTo(io, exchange, 'between')
  },
  remains: (look, { input: { aside } }) => keptOf(look, aside),
})

/**
 * Moves the live folder back and proves by its digest (names, contents, modes, owners) that it is unchanged. The
 * restored data goes back into staging, or, where a service wrote to it, aside: it is kept. Undone by exchanging the
 * two again.
 */
export const putLiveBack = defineStep<Moved & { readonly stopped: StoppedServices }, PutBack>({
  kind: 'files.put-live-back',
  version: 1,
  effect: 'change',
  describe: ({ aside }) => {
    const from = isPending(aside) ? aside : aside.aside
    const to = isPending(aside) ? 'the live folder' : aside.exchange.path
    return say`Moves ${from} back to ${to}, and checks that names, contents, modes and owners are unchanged.`
  },
  survey: async () => null,
  predict: ({ input: { aside } }) =>
    isPending(aside)
      ? { output: null }
      : { output: aside.tree, changes: [`${aside.exchange.path} is as it was before the drill`] },
  run: async (io, { input: { aside, services } }) => {
    await requireQuiet(io, services, moved)
    await bringTo(io, aside.exchange, 'old')
    for (const one of await keptOf(io, aside)) io.remains(one)
    return putBackOf(io, aside)
  },
  probe: async (look, { input: { aside } }) => {
    const state = await swapStateOf(look, aside.exchange)
    if (state === 'old') return ifUnchanged(look, aside, { is: 'done', output: await putBackOf(look, aside) })
    return state === 'new'
      ? { is: 'absent' }
      : { is: 'torn', why: await unexpectedLeftovers(look, aside.exchange) }
  },
  rerunnable: true,
  remainsAgain: (look, { input: { aside } }) => keptOf(look, aside),
  undoGuards: ({ input: { aside } }) => [mustBeExchanged(aside.exchange)],
  undo: async (io, { input: { aside, services } }) => {
    await requireQuiet(io, services, moved)
    await bringTo(io, aside.exchange, 'new')
  },
})

async function putBackOf(look: Look, { exchange: { written }, tree }: Aside): Promise<PutBack> {
  const kept = written === undefined ? null : await look.files.stat(written.as)
  return kept === null || written === undefined ? tree : { ...tree, kept: written.as }
}

async function keptOf(look: Look, { exchange: { path, written } }: Aside): Promise<readonly Remaining[]> {
  const kept = written === undefined ? null : await keptWritten(look, path, written)
  return kept === null ? [] : [kept]
}

async function ifUnchanged<O>(
  look: Look,
  { exchange: { path }, tree: was }: Aside,
  found: ProbeResult<O>,
): Promise<ProbeResult<O>> {
  const is = await look.files.tree(path)
  if (is.digest === was.digest) return found
  return { is: 'torn', why: `${path} changed: expected ${sizeOf(was)}, found ${sizeOf(is)}` }
}

const sizeOf = ({ files, bytes, digest }: TreeFacts): string =>
  `${files} files, ${bytes} bytes, digest ${digest.slice(0, 16)}`

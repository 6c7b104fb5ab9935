import {
  cannot,
  defineStep,
  isPending,
  say,
  type Finding,
  type ProbeResult,
  type Io,
  type Look,
  type Mount,
  type Remaining,
  type ServiceGroup,
  type UndoGuard,
} from '../../src/index.ts'
import { mustBeExchanged, requireSameFolder } from '../files/lib/ours.ts'
import type { CheckedReplacement } from '../backups/check-replacement.ts'
import {
  bringTo,
  identitiesOf,
  unexpectedLeftovers,
  swapStateOf,
  type PathSwap,
  type SwapState,
} from '../files/lib/swap-path.ts'
import { freeName } from '../files/lib/free-name.ts'
import { requireSameTree, treeVersionOf } from '../files/lib/tree-version.ts'
import { keptWritten } from '../files/lib/written-since.ts'
import { lastOf } from '../files/lib/path.ts'
import type { RunFolder } from '../files/run-unpacked.ts'
import { requireQuiet } from '../services/lib/active.ts'
import type { StoppedServices } from '../services/stop-services.ts'

type DeployInput = {
  /** The unpacked bundle, its dependencies installed. */
  readonly code: RunFolder
  /** The folder that the services run from. */
  readonly into: string
  /** Names in that folder which no bundle replaces: `.env`, `.git`. */
  readonly keep: readonly string[]
  /** Folders in it that belong to no release, such as that of the data. */
  readonly apart?: readonly string[]
  readonly stopped: StoppedServices
  readonly services: ServiceGroup
  /** What was checked that it can be replaced. Missing in older journals. */
  readonly checked?: Pick<CheckedReplacement, 'identities' | 'versions'>
}

/**
 * What was exchanged, name by name, with digests of what was there; `kept` is the folder that holds it now.
 */
export type Deployed = { readonly into: string; readonly kept: string; readonly entries: readonly Entry[] }
type Entry = {
  readonly exchange: PathSwap
  /** Digest of what was there; null where nothing was. */
  readonly was: string | null
  /** Version of the entry of the bundle, before it was moved. Missing in older journals. */
  readonly fresh?: string
}

/** A service whose code is in its image starts as before, whatever the bundle contains. */
async function notExercised(
  look: Pick<Look, 'services'>,
  services: ServiceGroup,
  into: string,
  apart: readonly string[],
): Promise<readonly Finding[]> {
  const created = await look.services.creations(services)
  const within = (path: string, folder: string): boolean =>
    path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
  const isCode = ({ kind, source }: Mount): boolean =>
    kind === 'folder' &&
    (within(into, source) || (within(source, into) && !apart.some((folder) => within(source, folder))))
  const without = services.names.filter(
    (name) => !created.some(({ service, mounts }) => service === name && mounts.some(isCode)),
  )
  return without.map((service) => ({
    level: without.length === services.names.length ? 'refuse' : 'warn',
    about: service,
    problem: `${service} mounts no code from ${into}, so the release bundle is not exercised by starting it`,
    hint: `mount ${into} into ${service}; where the code is in the image, prove the bundle with monthly-spot-restore`,
  }))
}

const meanwhile = 'the release is replaced'

/**
 * Puts a release in place: each top-level entry of the bundle replaces the one of the same name, and
 * nothing else changes. Everything is moved, and what was there is kept. Undone by moving it back.
 */
export const deployBundle = defineStep<DeployInput, Deployed, Deployed>({
  kind: 'releases.deploy-bundle',
  version: 1,
  effect: 'change',
  timeoutSeconds: 900,
  describe: ({ into, keep }) =>
    say`Moves the entries of the release bundle into ${into}, and keeps those that they replace${isPending(keep) || keep.length === 0 ? '' : `; never touches ${keep.join(', ')}`}.`,
  preflight: async (look, { into, keep, apart, services }) =>
    isPending(into) || isPending(keep) || isPending(apart) || isPending(services)
      ? []
      : notExercised(look, services, into, [...keep.map((name) => `${into}/${name}`), ...(apart ?? [])]),
  survey: async (look, { code, into, keep, services, checked }) => {
    await requireQuiet(look, services, meanwhile)
    await requireSameFolder(look, into, checked?.identities?.into)
    await requireSameTree(look, code.folder, checked?.versions?.code ?? code.ran, 'it was checked')
    const kept = await freeName(look, `${into}/.replaced-${look.run.id}`)
    const since = look.clock.now().toISOString()
    const entries: Entry[] = []
    for (const name of (await look.files.list(code.root)).filter((one) => !keep.includes(one))) {
      const path = `${into}/${name}`
      const there = (await look.files.stat(path)) !== null
      const exchange = { path, fresh: `${code.root}/${name}`, kept: there ? `${kept}/${name}` : null }
      entries.push({
        exchange: {
          ...exchange,
          identities: await identitiesOf(look, exchange),
          written: { since, as: `${into}/.kept-${look.run.id}/${name}` },
        },
        was: there ? (await look.files.tree(path)).digest : null,
        fresh: await treeVersionOf(look, exchange.fresh),
      })
    }
    return { into, kept, entries }
  },
  predict: ({ before }) => ({
    output: before ?? null,
    changes: (before?.entries ?? []).map(
      ({ exchange: { path } }) => `${path} is replaced with that of the bundle`,
    ),
  }),
  run: async (io, { input: { services }, before }) => {
    for (const { exchange, fresh } of before.entries) {
      const state = await swapStateOf(io, exchange)
      if (state === 'old' || state === 'between')
        await requireSameTree(io, exchange.fresh, fresh, 'it was checked')
    }
    await exchangeAll(io, before, services, 'new')
    const names = before.entries.map(({ exchange }) => lastOf(exchange.path)).join(', ')
    io.note(`replaced in ${before.into}: ${names}; the previous entries are in ${before.kept}`)
    return before
  },
  probe: async (look, { before, way }) => {
    const state = await bundleStateOf(look, before)
    if (state === 'new') return { is: 'done', output: before }
    if (state !== 'old') return { is: 'torn', why: state }
    return way === 'forward' ? { is: 'absent' } : checkUnchanged(look, before, { is: 'absent' })
  },
  rerunnable: true,
  undoGuards: ({ before }) => guardsOf(before),
  undo: (io, { input: { services }, before }) => exchangeAll(io, before, services, 'old'),
  remains: (look, { before }) => keptOf(look, before),
})

/**
 * Puts back what a release bundle replaced, and proves by digests that it is the same. Undone by exchanging
 * again.
 */
export const putReleaseBack = defineStep<
  { readonly deployed: Deployed; readonly stopped: StoppedServices; readonly services: ServiceGroup },
  { readonly into: string }
>({
  kind: 'releases.put-back',
  version: 1,
  effect: 'change',
  timeoutSeconds: 900,
  describe: ({ deployed }) =>
    say`Moves the entries that the bundle replaced back${isPending(deployed) ? '' : ` into ${deployed.into}`}, and checks that they are unchanged.`,
  survey: async () => null,
  predict: ({ input: { deployed } }) =>
    isPending(deployed)
      ? { output: null }
      : { output: { into: deployed.into }, changes: [`${deployed.into} is as it was before the drill`] },
  run: async (io, { input: { deployed, services } }) => {
    await exchangeAll(io, deployed, services, 'old')
    for (const one of await keptOf(io, deployed)) io.remains(one)
    return { into: deployed.into }
  },
  probe: async (look, { input: { deployed } }) => {
    const state = await bundleStateOf(look, deployed)
    if (state === 'old')
      return checkUnchanged(look, deployed, { is: 'done', output: { into: deployed.into } })
    return state === 'new' ? { is: 'absent' } : { is: 'torn', why: state }
  },
  rerunnable: true,
  remainsAgain: (look, { input: { deployed } }) => keptOf(look, deployed),
  undoGuards: ({ input: { deployed } }) => guardsOf(deployed),
  undo: (io, { input: { deployed, services } }) => exchangeAll(io, deployed, services, 'new'),
})

/** What of the bundle was written to while it was in place. */
async function keptOf(look: Look, { entries }: Deployed): Promise<readonly Remaining[]> {
  const kept: (Remaining | null)[] = []
  for (const { exchange } of entries)
    if (exchange.written !== undefined) kept.push(await keptWritten(look, exchange.path, exchange.written))
  return kept.filter((one) => one !== null)
}

const guardsOf = ({ entries }: Deployed): readonly UndoGuard[] =>
  entries.map(({ exchange }) => mustBeExchanged(exchange))

async function exchangeAll(
  io: Io,
  { kept, entries }: Deployed,
  services: ServiceGroup,
  wanted: Extract<SwapState, 'old' | 'new'>,
): Promise<void> {
  await requireQuiet(io, services, meanwhile)
  const keepsAny = entries.some(({ was }) => was !== null)
  if (wanted === 'new' && keepsAny) await io.files.makeFolder(kept)
  for (const { exchange } of entries) await bringTo(io, exchange, wanted)
  if (wanted === 'new' || (await io.files.stat(kept)) === null) return
  const left = await io.files.list(kept)
  if (left.length > 0)
    throw cannot('remove', kept, `it still contains ${left.join(', ')}`, {
      code: 'failed',
      hint: 'find out what created them',
    })
  await io.files.removeTree(kept)
}

/**
 * The state of all names, or what is wrong. The folder of kept entries exists exactly while something is
 * kept.
 */
async function bundleStateOf(
  look: Look,
  { into, kept, entries }: Deployed,
): Promise<Extract<SwapState, 'old' | 'new'> | (string & {})> {
  const all: (SwapState | null)[] = []
  for (const { exchange } of entries) {
    const state = await swapStateOf(look, exchange)
    if (state === null) return unexpectedLeftovers(look, exchange)
    all.push(state)
  }
  const folder = (await look.files.stat(kept)) !== null
  if (all.every((state) => state === 'old') && !folder) return 'old'
  if (all.every((state) => state === 'new') && folder === entries.some(({ was }) => was !== null))
    return 'new'
  const replaced = all.filter((state) => state === 'new').length
  return `${replaced} of ${all.length} entries in ${into} are those of the bundle${folder ? `, and ${kept} exists` : ''}`
}

async function checkUnchanged<O>(
  look: Look,
  { entries }: Deployed,
  found: ProbeResult<O>,
): Promise<ProbeResult<O>> {
  for (const {
    exchange: { path },
    was,
  } of entries) {
    if (was !== null && (await look.files.tree(path)).digest !== was)
      return { is: 'torn', why: `${path} has changed` }
  }
  return found
}

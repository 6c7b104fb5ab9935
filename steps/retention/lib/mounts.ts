import { failureOf, RunbookError, type ContainerMount, type Database, type Look } from '../../../src/index.ts'
import { folderOf, lastOf } from '../../files/lib/path.ts'
import type { Artifact, Inventory, Kind } from './artifact.ts'

/** Kinds of what was live once: a container may still have it, and go on without an error once it is removed. */
const onceLive: readonly Kind[] = ['folders', 'databases']

/**
 * The inventories, with what a container mounts in use. Where that is unknown, what was live once stays; all else is
 * only written and read by runs.
 */
export async function withMounts(
  look: Look,
  kind: Kind,
  database: Database | null,
  inventories: readonly Inventory[],
): Promise<readonly Inventory[]> {
  const paths = (one: Artifact): readonly string[] => pathsOf(one, database)
  if (inventories.every(({ artifacts }) => artifacts.every((one) => paths(one).length === 0)))
    return inventories
  const mounts = await mountsOrWhy(look)
  const known = typeof mounts === 'string' ? [] : mounts
  const ours = inventories.flatMap(({ artifacts, movedFrom }) => [
    ...artifacts.flatMap(paths).map(folderOf),
    ...(movedFrom === undefined ? [] : [movedFrom]),
  ])
  const sources = known.flatMap(({ source, volume }) => (volume === null ? [source] : []))
  const { real, unresolved } = await realPaths(look, known.length === 0 ? [] : [...ours, ...sources])
  const binds = await bindsOrWhy(
    look,
    inventories.flatMap(({ artifacts }) => artifacts.flatMap(paths)),
  )
  const unknown = typeof mounts === 'string' ? mounts : (unresolved ?? binds.unknown)
  if (unknown !== null && !onceLive.includes(kind))
    look.note(`whether a container mounts any of the ${kind} is unknown: ${unknown}`)
  const namesOf = (path: string): readonly string[] => [path, ...[real.get(path) ?? []].flat()]
  // Removing a link removes nothing of what it leads to, so that only the folder of an artifact is resolved.
  const inFolder = (path: string): readonly string[] =>
    namesOf(folderOf(path)).map((folder) => `${folder}/${lastOf(path)}`)
  return inventories.map((inventory) => {
    const movedFrom = inventory.movedFrom === undefined ? [] : namesOf(inventory.movedFrom)
    const uses = inventory.artifacts.flatMap((one) => {
      const use =
        paths(one).flatMap((path) => binds.uses.get(path) ?? [])[0] ??
        useOf(paths(one).flatMap(inFolder), one.takenAt, movedFrom, known, namesOf) ??
        (unknown !== null && onceLive.includes(kind)
          ? `whether a container mounts it is unknown: ${unknown}`
          : null)
      return use === null ? [] : [[one.name, use] as const]
    })
    return uses.length === 0 ? inventory : { ...inventory, inUse: new Map([...inventory.inUse, ...uses]) }
  })
}

const answerWithinSeconds = 10

/** The real paths by path, and why not all of them are known. A network mount that does not answer is tried once. */
async function realPaths(
  look: Look,
  paths: readonly string[],
): Promise<{ readonly real: ReadonlyMap<string, string>; readonly unresolved: string | null }> {
  const real = new Map<string, string>()
  try {
    for (const path of new Set(paths)) real.set(path, await look.files.realPath(path, answerWithinSeconds))
    return { real, unresolved: null }
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    return { real, unresolved: failureOf(thrown).message }
  }
}

/** What of the paths this machine has mounted in other places, by path, and why that is not known. */
async function bindsOrWhy(
  look: Look,
  paths: readonly string[],
): Promise<{ readonly uses: ReadonlyMap<string, string>; readonly unknown: string | null }> {
  const uses = new Map<string, string>()
  try {
    for (const path of paths) {
      const [point] = await look.files.shownAt(path)
      if (point !== undefined) uses.set(path, `it is mounted at ${point}`)
    }
    return { uses, unknown: null }
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    return { uses, unknown: failureOf(thrown).message }
  }
}

const pathsOf = ({ files, database: kept }: Artifact, database: Database | null): readonly string[] => [
  ...files.map(({ path }) => path),
  ...(kept !== null && database?.engine === 'sqlite' ? [`${folderOf(database.file)}/${kept.name}`] : []),
]

async function mountsOrWhy(look: Look): Promise<readonly ContainerMount[] | string> {
  try {
    return (await look.containers.mounts()) ?? []
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    return failureOf(thrown).message
  }
}

/**
 * A container that runs since before a folder was moved has that folder, whatever has its name now. Pure.
 * @param namesOf a source: as it is written, and with its links resolved
 */
function useOf(
  paths: readonly string[],
  takenAt: string,
  movedFrom: readonly string[],
  mounts: readonly ContainerMount[],
  namesOf: (source: string) => readonly string[],
): string | null {
  const isIn = (source: string, folders: readonly string[]): boolean =>
    namesOf(source).some((name) => folders.some((folder) => within(name, folder)))
  const direct = mounts.find(({ source }) => isIn(source, paths))
  if (direct !== undefined) return `the container ${direct.container} mounts ${direct.source}`
  const before = mounts.find(
    ({ source, since }) =>
      isIn(source, movedFrom) && since !== null && Date.parse(since) < Date.parse(takenAt),
  )
  return before === undefined
    ? null
    : `the container ${before.container} runs since before it was moved, and still has it as ${before.source}`
}

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

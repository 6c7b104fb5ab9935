import { failureOf, RunbookError, type ContainerMount, type Database, type Look } from '../../../src/index.ts'
import { folderOf } from '../../files/lib/path.ts'
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
  if (typeof mounts === 'string' && !onceLive.includes(kind)) {
    look.note(`whether a container mounts any of the ${kind} is unknown: ${mounts}`)
    return inventories
  }
  return inventories.map((inventory) => {
    const uses = inventory.artifacts.flatMap((one) => {
      const use =
        typeof mounts === 'string'
          ? `whether a container mounts it is unknown: ${mounts}`
          : useOf(paths(one), one.takenAt, inventory.movedFrom ?? null, mounts)
      return use === null ? [] : [[one.name, use] as const]
    })
    return uses.length === 0 ? inventory : { ...inventory, inUse: new Map([...inventory.inUse, ...uses]) }
  })
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

/** A container that runs since before a folder was moved has that folder, whatever has its name now. Pure. */
function useOf(
  paths: readonly string[],
  takenAt: string,
  movedFrom: string | null,
  mounts: readonly ContainerMount[],
): string | null {
  const direct = mounts.find(({ source }) => paths.some((path) => within(source, path)))
  if (direct !== undefined) return `the container ${direct.container} mounts ${direct.source}`
  const before = mounts.find(
    ({ source, since }) =>
      movedFrom !== null &&
      within(source, movedFrom) &&
      since !== null &&
      Date.parse(since) < Date.parse(takenAt),
  )
  return before === undefined
    ? null
    : `the container ${before.container} runs since before it was moved, and still has it as ${before.source}`
}

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

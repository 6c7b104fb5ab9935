import { RunbookError, type FileFacts, type Look, type Retention } from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'
import { filePart, type FilePart } from '../../files/lib/chosen-file.ts'
import { filesOnly, type Artifact, type Inventory } from './artifact.ts'
import { copiedAt } from './copies.ts'
import { placesOf, type DrilledFolders, type Place } from './drilled-folders.ts'
import { notEmpty } from './dumps.ts'

/**
 * Folders that full drills kept: what restored data or a bundle replaced, and what services wrote to while those were
 * in place. Without `retention` they are named, and none is removed.
 */
export function drilledOf(
  look: Look,
  folders: DrilledFolders,
  retention: Retention | null,
): Promise<readonly Inventory[]> {
  return Promise.all(placesOf(folders).map((place) => inventoryOf(look, folders, place, retention)))
}

async function inventoryOf(
  look: Look,
  folders: DrilledFolders,
  { folder, start, movedFrom }: Place,
  retention: Retention | null,
): Promise<Inventory> {
  const artifacts: Artifact[] = []
  const unknown: { readonly name: string; readonly because: string }[] = []
  const inUse = new Map<string, string>()
  const there = (await look.files.stat(folder)) === null ? [] : await look.files.list(folder)
  for (const name of there) {
    const takenAt = copiedAt(start, name)
    if (takenAt === null) continue
    const path = `${folder}/${name}`
    const part = retention === null ? noRetention : await partOf(look, path)
    if (typeof part === 'string') {
      unknown.push({ name: path, because: part })
      continue
    }
    artifacts.push({
      ...filesOnly,
      name: path,
      takenAt: takenAt.toISOString(),
      files: [part],
    })
    const use = await useOf(look, folders, path, name.slice(start.length))
    if (use !== null) inUse.set(path, use)
  }
  return {
    artifacts,
    unknown,
    keep: 1,
    ...(movedFrom === undefined ? {} : { movedFrom }),
    before: retention === null ? null : look.clock.now().getTime() - retention.keepOldSeconds * 1000,
    inUse,
    verify: notEmpty,
  }
}

const noRetention = 'no retention is configured, so prune removes none of its kind'

/** Journals of other state folders are not read, so that a run is open is seen by what it leaves until it ends. */
async function useOf(
  look: Look,
  { live, staging }: DrilledFolders,
  path: string,
  named: string,
): Promise<string | null> {
  const run = named.replace(/^(\d{8}-\d{6}-\w+)-\d+$/, '$1')
  if (staging !== null && (await look.files.stat(`${staging}/${run}`)) !== null)
    return `run ${run} has not ended, or its folder in ${staging} was not removed`
  const facts = await look.files.stat(live)
  if (facts === null) return `${live} is missing, so it may be the only copy of the live data`
  if (facts.kind !== 'link') return null
  const target = await look.files.linkTarget(live)
  return target !== null && lastOf(target) === lastOf(path) ? `${live} is a link to it` : null
}

/** A folder with the bytes of all files in it, or why it cannot be taken for one that a run kept. Reads no contents. */
async function partOf(look: Look, path: string): Promise<FilePart | string> {
  const facts = await look.files.stat(path)
  if (facts === null) return 'it cannot be read'
  if (facts.kind !== 'directory') return 'it is not a folder, so no run kept it'
  try {
    return filePart(path, facts, await bytesIn(look, path, facts))
  } catch (thrown) {
    if (!(thrown instanceof RunbookError) || thrown.code !== 'failed') throw thrown
    return `it cannot be read completely: ${thrown.message}`
  }
}

async function bytesIn(look: Look, path: string, { kind, bytes }: FileFacts): Promise<number> {
  look.signal.throwIfAborted()
  if (kind !== 'directory') return kind === 'file' ? bytes : 0
  let sum = 0
  for (const name of await look.files.list(path)) {
    const facts = await look.files.stat(`${path}/${name}`)
    if (facts !== null) sum += await bytesIn(look, `${path}/${name}`, facts)
  }
  return sum
}

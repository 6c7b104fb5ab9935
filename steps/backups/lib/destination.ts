import {
  RunbookError,
  type Backup,
  type DataArchive,
  type DataMaking,
  type FileFacts,
  type Look,
  type MountFacts,
} from '../../../src/index.ts'
import { folderOf } from '../../files/lib/path.ts'

/** @throws RunbookError `preflight` where the configuration has no `data.source` */
export function makingOf(data: DataArchive): DataMaking {
  if (data.making !== undefined) return data.making
  throw new RunbookError('preflight', 'no folder to back up is configured', {
    hint: 'set data.source in runbook.config.ts',
  })
}

/**
 * Why the file system at `path` is not the expected drive; null where it is. Pure.
 * @param device device of the parent folder: a mounted drive has another one
 */
export function mountProblem(
  path: string,
  facts: MountFacts,
  device: number,
  sentinel: { readonly path: string; readonly facts: FileFacts | null } | null,
): string | null {
  if (facts.point !== path || facts.device === device)
    return `nothing is mounted on ${path}: it is a folder of ${facts.point}`
  if (sentinel === null) return null
  if (sentinel.facts === null)
    return `wrong drive mounted on ${path} (${facts.source}, ${facts.type}): ${sentinel.path} not found`
  return sentinel.facts.kind === 'file' ? null : `${sentinel.path} is a ${sentinel.facts.kind}, not a file`
}

/**
 * Checks the drive in a separate process, because any other access to a dead mount hangs. Call this before
 * every access to the destination.
 * @returns facts of the file system that holds the backups; null where no mount is configured
 * @throws RunbookError `failed` where the drive does not answer, `preflight` where it is not mounted
 */
export async function mounted(look: Look, data: DataArchive): Promise<MountFacts | null> {
  const { mount } = makingOf(data)
  if (mount === null) return null
  const facts = await look.files.mount(mount.path, mount.timeoutSeconds)
  const above = await look.files.mount(folderOf(mount.path), mount.timeoutSeconds)
  const isMount = facts.point === mount.path && facts.device !== above.device
  const sentinel =
    mount.sentinel === null || !isMount
      ? null
      : { path: mount.sentinel, facts: await look.files.stat(mount.sentinel) }
  const problem = mountProblem(mount.path, facts, above.device, sentinel)
  if (problem === null) return facts
  throw new RunbookError('preflight', problem, {
    hint: `check: mountpoint ${mount.path}; mount the drive or sign in to it again, then start again`,
  })
}

/** Existing backups, newest first; none where the folder does not exist yet. */
export async function filed(look: Look, data: DataArchive): Promise<readonly Backup[]> {
  return (await look.files.stat(data.place.directory)) === null ? [] : look.backups.list(data.place)
}

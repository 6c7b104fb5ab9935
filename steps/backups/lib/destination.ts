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

/** @throws RunbookError `preflight` where the configuration does not say what is to be backed up */
export function makingOf(data: DataArchive): DataMaking {
  if (data.making !== undefined) return data.making
  throw new RunbookError('preflight', 'the target does not say which folder is to be backed up', {
    hint: 'set data.source in runbook.config.ts',
  })
}

/**
 * Why what lies at the mount's path is not the drive. Null where it is.
 * @param device of the folder above: what is mounted lies on another
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
    return `what is mounted on ${path} (${facts.source}, ${facts.type}) is another drive: it has no ${sentinel.path}`
  return sentinel.facts.kind === 'file' ? null : `${sentinel.path} is a ${sentinel.facts.kind} and no file`
}

/**
 * Asks the drive first, in a process of its own: any other touch of a dead one would hang. Everything that looks at or changes the
 * destination begins with this.
 * @returns facts of the file system that takes the backups; null where the configuration names no drive
 * @throws RunbookError `failed` for a drive that does not answer, `preflight` for one that is not there
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
  throw new RunbookError('preflight', `${problem} (TECH-3101)`, {
    hint: `look: mountpoint ${mount.path}; mount the drive, or sign in to it again, and start anew`,
  })
}

/** Those that are there already, newest first; the folder may be yet to be made. */
export async function filed(look: Look, data: DataArchive): Promise<readonly Backup[]> {
  return (await look.files.stat(data.place.directory)) === null ? [] : look.backups.list(data.place)
}

import { RunbookError, type Look, type ServiceGroup, type VolumePath } from '../../../src/index.ts'
import { activeNames } from '../../services/lib/active.ts'

/**
 * Files that SQLite keeps beside a main file. The log has rows that are not in the main file yet; beside
 * another main file, it brings old pages back (https://sqlite.org/howtocorrupt.html, section 1.4).
 */
export const sidecars = ['-wal', '-shm', '-journal'] as const

export const beside = (at: VolumePath, ending: string): VolumePath => ({ ...at, path: `${at.path}${ending}` })

/** SHA-256 of a file in a volume; null where there is none. */
export async function fingerprintOf(look: Look, at: VolumePath): Promise<string | null> {
  return (await look.volumes.stat(at)) === null ? null : (await look.volumes.digest(at)).sha256
}

/** A database file or one of its logs: what its name has behind the main file's. */
export type Part = { readonly ending: string; readonly sha256: string }

/** The main file and its logs, as far as they exist; the main file first. */
export async function partsAt(look: Look, at: VolumePath): Promise<readonly Part[]> {
  const found: Part[] = []
  for (const ending of ['', ...sidecars]) {
    const sha256 = await fingerprintOf(look, beside(at, ending))
    if (sha256 !== null) found.push({ ending, sha256 })
  }
  return found
}

/** @throws RunbookError `failed` where a stopped service runs again */
export async function requireStopped(look: Look, services: ServiceGroup): Promise<void> {
  const active = activeNames(await look.services.states(services))
  if (active.length === 0) return
  throw new RunbookError(
    'failed',
    `${active.join(', ')} run${active.length === 1 ? 's' : ''} again, and would write while the database file is moved`,
    {
      hint: 'find out who starts them: a restart policy, another operator, a deployment',
    },
  )
}

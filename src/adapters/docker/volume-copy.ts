import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileDigest, VolumePath, Volumes } from '../../drivers/volumes.ts'
import { cannot } from '../../kernel/errors.ts'
import { sameJson } from '../../kernel/json.ts'
import { privateFolder } from '../disk/private-folder.ts'
import { lookAt } from './volume-hint.ts'

/** A file that is written all the time is given up on. */
const tries = 5

type Reading = Pick<Volumes, 'stat' | 'digest' | 'fetch'>

/** A copy of several files of one moment, on a driver that reads each of them at its own. */
export async function withCopy<T>(
  volumes: Reading,
  at: VolumePath,
  endings: readonly string[],
  use: (file: string) => Promise<T>,
): Promise<T> {
  const failed = (why: string, hint: string): Error =>
    cannot('copy', `${at.path} of ${at.service}`, why, { code: 'failed', hint })
  await using folder = await privateFolder()
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    const parts = await partsOf(volumes, at, endings)
    if (!parts.some(({ ending }) => ending === '')) throw failed('no such file', lookAt(at))
    const needed = parts.reduce((sum, { bytes }) => sum + bytes, 0)
    const { bavail, bsize } = await statfs(folder.path)
    if (bavail * bsize < needed)
      throw failed(
        `it needs ${needed} bytes, and ${folder.path} has ${bavail * bsize} free`,
        'make room, or set TMPDIR to a larger place',
      )
    const file = join(folder.path, `${attempt}.db`)
    // Awaited here, since the folder is removed on the way out.
    if (await copiedTogether(volumes, at, { endings, parts }, file)) return await use(file)
  }
  throw failed('it changes all the time', 'it is compared once the writers are stopped')
}

type Part = { readonly ending: string; readonly bytes: number }

async function partsOf(
  volumes: Reading,
  at: VolumePath,
  endings: readonly string[],
): Promise<readonly Part[]> {
  const found: Part[] = []
  for (const ending of ['', ...endings]) {
    const facts = await volumes.stat({ ...at, path: `${at.path}${ending}` })
    if (facts !== null) found.push({ ending, bytes: facts.bytes })
  }
  return found
}

/**
 * Whether the copies are of one moment: each file is read a second time, after the last was copied, and is still as
 * copied, so that between the two readings none of them changed.
 */
async function copiedTogether(
  volumes: Reading,
  at: VolumePath,
  { endings, parts }: { readonly endings: readonly string[]; readonly parts: readonly Part[] },
  file: string,
): Promise<boolean> {
  const beside = (ending: string): VolumePath => ({ ...at, path: `${at.path}${ending}` })
  const copied: (readonly [string, FileDigest])[] = []
  try {
    for (const { ending } of parts)
      copied.push([ending, await volumes.fetch(beside(ending), `${file}${ending}`)])
    for (const [ending, { sha256 }] of copied)
      if ((await volumes.digest(beside(ending))).sha256 !== sha256) return false
  } catch (thrown) {
    // A file that changes its length or disappears cannot be read to its end; another failure stays one.
    if (sameJson([...(await partsOf(volumes, at, endings))], [...parts])) throw thrown
    return false
  }
  const names = (found: readonly Part[]): readonly string[] => found.map(({ ending }) => ending)
  return sameJson(names(await partsOf(volumes, at, endings)), names(parts))
}

import {
  defineStep,
  expectedOf,
  failureOf,
  isPending,
  isRemote,
  listBackups,
  openingOf,
  placeName,
  RunbookError,
  say,
  tooOld,
  undatedBackups,
  type BackupPlace,
  type DataArchive,
  type Database,
  type Look,
} from '../../src/index.ts'
import { mounted } from '../backups/lib/destination.ts'
import { lacking, observationsOfFailure, type Observed, type Observation } from './lib/observations.ts'

type Input = {
  readonly places: readonly BackupPlace[]
  /** The data whose drive must be mounted; null for none. */
  readonly data: DataArchive | null
  /** The place of the database's dumps, its engine and its name; null for none. */
  readonly dumps?: {
    readonly engine: Database['engine']
    readonly from: BackupPlace
    readonly name?: string
  } | null
}

/** Checks each backup folder: its drive answers, and its newest backup is recent and matches its checksum. */
export const inspectBackups = defineStep<Input, Observed>({
  kind: 'diagnose.look-at-backups',
  version: 1,
  effect: 'observe',
  secrets: lacking,
  timeoutSeconds: 900,
  describe: ({ places }) =>
    isPending(places)
      ? 'Checks the newest backups.'
      : say`Checks the newest backup in each of ${places.map(placeName)}: age and checksum.`,
  run: async (look, { places, data, dumps }) => {
    const observations: Observation[] = [
      ...(data?.making === undefined ? [] : await inspectDrive(look, data)),
    ]
    for (const place of places) {
      try {
        observations.push(...(await inspectPlace(look, place, dumps ?? null)))
      } catch (thrown) {
        look.signal.throwIfAborted()
        observations.push(...observationsOfFailure(thrown, 'mount-unavailable'))
      }
    }
    return { sights: observations }
  },
})

async function inspectDrive(look: Look, data: DataArchive): Promise<readonly Observation[]> {
  try {
    await mounted(look, data)
    return []
  } catch (thrown) {
    look.signal.throwIfAborted()
    return observationsOfFailure(thrown, 'mount-unavailable')
  }
}

async function inspectPlace(
  look: Look,
  place: BackupPlace,
  dumps: Input['dumps'] | null,
): Promise<readonly Observation[]> {
  if (!isRemote(place)) await look.files.mount(place.directory, 5)
  const [newest] = await listBackups(look, place)
  if (newest === undefined) {
    const [undated] = await undatedBackups(look, place)
    const why = undated === undefined ? '' : `; no time can be read in the name of ${undated.name}`
    return [
      { case: 'backup-stale', evidence: `no file in ${placeName(place)} matches ${place.pattern}${why}` },
    ]
  }
  const old = tooOld(place, newest, look.clock.now())
  const stale: readonly Observation[] = old === null ? [] : [{ case: 'backup-stale', evidence: old }]
  try {
    // What is kept elsewhere is judged without a download.
    if (isRemote(place)) {
      await expectedOf(look, place, newest)
      return stale
    }
    const { require, ...from } = place
    const found = [...stale, ...(await unusable(look, place, newest.file, dumps))]
    const { checksumFile, manifest } = await look.backups.verify({ ...from, checksums: 'if-present' }, newest)
    if (require === 'signed' && manifest === undefined)
      return [
        ...found,
        { case: 'checksum-missing', evidence: `${newest.file} has no signed manifest beside it` },
      ]
    return checksumFile !== null || place.checksums === 'if-present'
      ? found
      : [...found, { case: 'checksum-missing', evidence: `${newest.file} has no checksum beside it` }]
  } catch (thrown) {
    look.signal.throwIfAborted()
    return [...stale, { case: 'checksum-mismatch', evidence: failureOf(thrown).message }]
  }
}

/** Why no runbook can restore the newest dump: it is in a form that none reads, or what opens it is missing. */
async function unusable(
  look: Look,
  place: BackupPlace,
  file: string,
  dumps: Input['dumps'] | null,
): Promise<readonly Observation[]> {
  const theirs = dumps?.from
  if (!dumps || theirs?.directory !== place.directory || theirs.pattern !== place.pattern) return []
  try {
    const { engine, name } = dumps
    await look.databases.header({ engine }, file, {
      ...openingOf(place),
      ...(name === undefined ? {} : { of: name }),
    })
    return []
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    const cure = thrown.hint === undefined ? '' : ` (${thrown.hint})`
    return [{ case: 'backup-unusable', evidence: `${thrown.message}${cure}` }]
  }
}

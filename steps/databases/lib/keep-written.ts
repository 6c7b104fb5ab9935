import { shellWord, type Io, type Look, type Remaining, type VolumePath } from '../../../src/index.ts'
import type { DumpLabel } from './names.ts'
import { countsOrWhy, newerRows, type RowCounts } from './newer-rows.ts'
import { beside, partsAt } from './volume-files.ts'

/** The folder on this machine and the name of the database, as in the names of its other copies. */
export type KeepIn = { readonly folder: string; readonly name: string }

type Exchanged = {
  readonly at: VolumePath
  readonly backup: { readonly file: string; readonly sha256: string }
  readonly keepIn?: KeepIn
}

const label: DumpLabel = 'kept'

const keptFile = ({ folder, name }: KeepIn, run: string): string => `${folder}/${name}-${label}-${run}.db`

const inVolume = (at: VolumePath, run: string): VolumePath => ({ ...at, path: `${at.path}.${label}-${run}` })

/**
 * Keeps the live file with its logs unless it is, byte by byte, the backup that a run put there: it has every row
 * that was written meanwhile. Does nothing where it is kept already.
 */
export async function keepWritten(io: Io, { at, backup, keepIn }: Exchanged): Promise<void> {
  const parts = await partsAt(io, at)
  const [main, ...rest] = parts
  if (main?.ending !== '' || (rest.length === 0 && main.sha256 === backup.sha256)) return
  // The main file last: while it is in place, everything beside it belongs to it.
  const logsFirst = parts.toReversed()
  if (keepIn === undefined) {
    const kept = inVolume(at, io.run.id)
    for (const { ending } of logsFirst) await io.volumes.move(beside(at, ending), beside(kept, ending).path)
    return
  }
  const file = keptFile(keepIn, io.run.id)
  await io.files.makeFolder(keepIn.folder)
  if ((await io.files.stat(file)) !== null) return
  // The index of a log is made again by whoever opens it.
  for (const { ending } of logsFirst)
    if (ending !== '-shm') await io.volumes.fetch(beside(at, ending), `${file}${ending}`)
}

/** What `keepWritten` kept, in one sentence; empty where it kept nothing. */
export async function keptFrom(look: Look, { at, backup, keepIn }: Exchanged): Promise<readonly Remaining[]> {
  if (keepIn === undefined) {
    const kept = inVolume(at, look.run.id)
    return (await look.volumes.stat(kept)) === null
      ? []
      : [
          {
            kept: `the file that was live in this run is kept as ${kept.path} of ${at.service}, with its logs`,
          },
        ]
  }
  const file = keptFile(keepIn, look.run.id)
  if ((await look.files.stat(file)) === null) return []
  const newer = newerRows(await countsOfFile(look, backup.file), await countsOfFile(look, file))
  return [
    {
      kept:
        `the file that was live in this run is kept as ${file}; ${newer}; ` +
        `to carry rows over: runbook run recover-volume-records --backup ${shellWord(file)} --tables TABLE:COLUMN --key KEY --export FOLDER`,
    },
  ]
}

/** Of a database file on this machine; where it cannot be read, why. */
async function countsOfFile(look: Look, file: string): Promise<RowCounts | string> {
  const engine = 'sqlite'
  return countsOrWhy(look, { engine, name: 'kept', file, confirmPhrase: file, fingerprint: 'rows' }, 'kept')
}

import { isRemote } from '../../../model/backup-place.ts'
import type { Target } from '../../../model/target.ts'
import { Notebook, type Check } from '../check.ts'
import { pruneOf } from '../cures.ts'
import { placesOf } from './backups.ts'

export const room: Check = {
  id: 'room',
  of: 'target',
  looksAt:
    'There is room for the next backup, for a second copy of the database, and for the dumps that a run makes; and this account may write where runs write.',
  run: async (subject) => {
    const { target, look } = subject
    const notes = new Notebook()
    for (const { section, place } of placesOf(target)) {
      // Room for downloads is forecast by the preflight of the runbooks that download.
      if (isRemote(place)) continue
      const [newest] = (await notes.seek(section, () => look.backups.list(place))) ?? []
      const free = await notes.seek(section, () => look.files.freeBytes(place.directory))
      if (newest === undefined || free === undefined) continue
      notes.fact(`${section}: ${Math.floor(free / 1e6)} MB free`)
      notes.gauge({
        name: 'backup_folder_free_bytes',
        help: 'Free bytes where backups arrive.',
        value: free,
        labels: { section },
      })
      if (free < newest.bytes * 2)
        notes.warn(
          place.directory,
          `${place.directory} has ${free} bytes free, and the newest backup has ${newest.bytes}: the next ones will not fit`,
          `remove old ones: ${pruneOf(subject, ', or ')}move them elsewhere`,
        )
    }
    const { database, retention } = target
    for (const folder of foldersOf(target)) {
      const missing = await notes.seek(folder, () => look.files.missingRight(folder))
      if (missing != null)
        notes.refuse(
          folder,
          `this account cannot change what is in ${folder}: it lacks ${missing.lacks}`,
          `permit it: ${missing.cures.join('; ')}`,
        )
    }
    if (database === undefined) return notes.answer
    const bytes = await notes.seek(database.name, () => look.databases.bytes(database, database.name))
    if (bytes === undefined) return notes.answer
    const free = await notes.seek(database.name, () => look.databases.freeBytes(database))
    if (free === null) notes.unchecked(database.name, 'the server does not tell how much room it has')
    else if (free !== undefined && free < bytes)
      notes.warn(
        database.name,
        `the disk of ${database.name} has ${free} bytes free, and the database has ${bytes}: no second copy fits beside it`,
        'make room, or restore with `--strategy in-place`',
      )
    const dumps = retention?.dumps
    if (dumps === undefined) return notes.answer
    const left = await notes.seek(dumps, () => look.files.freeBytes(dumps))
    if (left !== undefined && left < bytes / 2)
      notes.warn(
        dumps,
        `${dumps} has ${left} bytes free: a dump of ${database.name} (${bytes} bytes) may not fit`,
        `make room: ${pruneOf(subject, ', or ')}set retention.dumps to another disk`,
      )
    return notes.answer
  },
}

/** Where runs write and remove files of their own. */
const foldersOf = ({ retention, staging }: Target): readonly string[] =>
  [retention?.dumps, staging].flatMap((folder) => folder ?? [])

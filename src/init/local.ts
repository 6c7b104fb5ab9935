import { dirname, join } from 'node:path'
import type { FilesView } from '../drivers/files.ts'
import type { LocalDatabase } from './facts.ts'
import { backupFolders, sqliteBelow } from './search.ts'

/** More than these are data of an application, not databases that somebody restores one by one. */
const most = 5

/** The SQLite databases of a folder in which no container runs, each with the folders that hold backups. */
export async function localDatabases(files: FilesView, folder: string): Promise<readonly LocalDatabase[]> {
  const found = (await sqliteBelow(files, { path: folder, depth: 3 })).slice(0, most)
  if (found.length === 0) return []
  const backups = await backupFolders(
    files,
    [
      { path: folder, depth: 3 },
      ...['backup', 'backups', 'dumps'].map((name) => ({ path: join(dirname(folder), name), depth: 3 })),
      ...['/backup', '/backups', '/var/backups', '/srv/backups', '/opt/backups'].map((path) => ({
        path,
        depth: 1,
      })),
    ],
    [],
  )
  return found.map((file) => ({ file, backups }))
}

import type { Look } from '../../../src/index.ts'
import { backupsOf } from './backups.ts'
import { bundlesOf } from './bundles.ts'
import { copiesOf } from './copies.ts'
import { drilledOf } from './folders.ts'
import { downloadsOf } from './downloads.ts'
import { dumpsOf } from './dumps.ts'
import { kinds, type Kind, type Inventory, type RetentionSources } from './artifact.ts'
import { withMounts } from './mounts.ts'
import { keptDatabasesOf } from './kept-databases.ts'
import { snapshotsOf } from './snapshots.ts'

/**
 * What an operator may choose: `databases` are those put aside and the dumps of runs; `copies` are of
 * configuration files; `folders` are those that drills kept.
 */
export const choices = [
  'bundles',
  'backups',
  'images',
  'databases',
  'copies',
  'downloads',
  'folders',
  'all',
] as const

export function kindsOf(what: string): readonly Kind[] {
  if (what === 'all') return kinds
  return what === 'databases' ? ['databases', 'dumps'] : kinds.filter((kind) => kind === what)
}

/** Whether the target has the sections that locate things of this kind. */
export function isConfigured(
  { release, data, images, database, volume, copies = [], downloads, folders, retention }: RetentionSources,
  kind: Kind,
): boolean {
  if (kind === 'databases') return database !== null && retention !== null
  if (kind === 'dumps') return retention !== null && (database !== null || volume !== null)
  if (kind === 'copies') return copies.length > 0
  if (kind === 'downloads') return downloads !== undefined
  if (kind === 'folders') return folders !== undefined
  return { bundles: release, backups: data, images }[kind] !== null
}

/** The inventories of a kind; empty where the target has none. */
export const inventoriesOf = async (
  look: Look,
  from: RetentionSources,
  kind: Kind,
): Promise<readonly Inventory[]> => withMounts(look, kind, from.database, await unmounted(look, from, kind))

async function unmounted(look: Look, from: RetentionSources, kind: Kind): Promise<readonly Inventory[]> {
  const { release, data, images, database, copies = [], downloads, folders, retention } = from
  switch (kind) {
    case 'bundles':
      return release === null ? [] : bundlesOf(look, release)
    case 'backups':
      return data === null ? [] : backupsOf(look, data)
    case 'images':
      return images === null ? [] : snapshotsOf(look, images)
    case 'databases':
      return database === null || retention === null ? [] : keptDatabasesOf(look, database, retention)
    case 'dumps':
      return retention === null ? [] : dumpsOf(look, from, retention)
    case 'copies':
      return copiesOf(look, copies, retention)
    case 'downloads':
      return downloads === undefined ? [] : downloadsOf(look, downloads)
    case 'folders':
      return folders === undefined ? [] : drilledOf(look, folders, retention)
  }
}

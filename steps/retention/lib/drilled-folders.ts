import type { Target } from '../../../src/index.ts'
import { folderOf, lastOf } from '../../files/lib/path.ts'

/** Where drills leave folders: beside the live data, and in the folder that the services run from. */
export type DrilledFolders = {
  readonly live: string
  readonly into: string
  /** Where a drill has a folder of its own until it ends; null where none is configured. */
  readonly staging: string | null
}

/** Null for a target on which no full drill can run. */
export function drilledFoldersOf({ data, drill, staging }: Target): DrilledFolders | null {
  if (data?.making === undefined || drill === undefined) return null
  return { live: data.making.source, into: drill.into, staging: staging ?? null }
}

/** Folders that drills kept have this start and the id of the run in their name. `movedFrom`: what was live there. */
export type Place = { readonly folder: string; readonly start: string; readonly movedFrom?: string }

/** Each has an inventory of its own: the newest live data stays, however many releases were kept. */
export const placesOf = ({ live, into }: DrilledFolders): readonly Place[] => [
  { folder: folderOf(live), start: `${lastOf(live)}.drill-`, movedFrom: live },
  { folder: folderOf(live), start: `${lastOf(live)}.kept-` },
  { folder: into, start: '.replaced-' },
  { folder: into, start: '.kept-' },
]

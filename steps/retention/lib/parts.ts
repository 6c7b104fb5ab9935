import type { Database, Look } from '../../../src/index.ts'
import { isChosenFile } from '../../files/lib/chosen-file.ts'
import { lastOf } from '../../files/lib/path.ts'
import type { Artifact, DatabasePart } from './artifact.ts'
import { instanceOf } from './kept-databases.ts'

/** The parts of what was chosen, as they are now. */
export type Parts = {
  readonly there: readonly string[]
  /** Names that something else has now. */
  readonly replaced: readonly string[]
}

/** What is there of an artifact, and what has taken the place of a part since it was chosen. */
export async function partsNow(
  look: Look,
  database: Database | null,
  { image, database: kept, files }: Artifact,
): Promise<Parts> {
  const parts: (readonly [name: string, isChosen: boolean])[] = []
  for (const file of files) {
    const facts = await look.files.stat(file.path)
    if (facts !== null) parts.push([lastOf(file.path), isChosenFile(file, facts)])
  }
  const found = image === null ? null : await look.images.find(image.tag)
  if (image !== null && found !== null) parts.push([image.tag, found.id === image.id])
  if (kept !== null && database !== null && (await look.databases.exists(database, kept.name)))
    parts.push([kept.name, await isChosenDatabase(look, database, kept)])
  return {
    there: parts.flatMap(([name, isChosen]) => (isChosen ? [name] : [])),
    replaced: parts.flatMap(([name, isChosen]) => (isChosen ? [] : [name])),
  }
}

/** One that an earlier version chose by its name is not known to be the one that was shown. */
const isChosenDatabase = async (
  look: Look,
  database: Database,
  { name, instance }: DatabasePart,
): Promise<boolean> => instance !== undefined && (await instanceOf(look, database, name)) === instance

/** Whether what was listed again is what was chosen, as far as that was recorded. Pure. */
export function isUnchanged(chosen: Artifact, now: Artifact): boolean {
  const files = chosen.files.every((file, index) => {
    const found = now.files[index]
    return (
      found?.path === file.path &&
      found.bytes === file.bytes &&
      (file.identity === undefined || found.identity === file.identity) &&
      (file.modifiedAt === undefined || found.modifiedAt === file.modifiedAt) &&
      (file.changedAt === undefined || found.changedAt === file.changedAt)
    )
  })
  return (
    files &&
    now.files.length === chosen.files.length &&
    now.image?.id === chosen.image?.id &&
    now.database?.instance === chosen.database?.instance
  )
}

import type { Finding, Look } from '../../../src/index.ts'

/** Folders in which files are to be created or removed, and this account may not. */
export async function missingRightFindings(
  look: Pick<Look, 'files'>,
  folders: readonly string[],
): Promise<readonly Finding[]> {
  const found = await Promise.all(
    [...new Set(folders)].map(async (folder) => ({ folder, missing: await look.files.missingRight(folder) })),
  )
  return found.flatMap(({ folder, missing }): readonly Finding[] =>
    missing === null
      ? []
      : [
          {
            level: 'refuse',
            about: folder,
            problem: `this account cannot change what is in ${folder}: it lacks ${missing.lacks}`,
            hint: `permit it: ${missing.cures.join('; ')}`,
          },
        ],
  )
}

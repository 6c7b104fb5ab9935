import { shellWord } from '../../../src/index.ts'
import { folderOf, lastOf } from './path.ts'

/**
 * The command that checks a checksum file from any folder. Names in such a file are bare, since its drive may
 * be mounted elsewhere, so `sha256sum` finds the files only in their folder.
 * @param several the file also lists files that may not be there, such as bundles that were pruned
 */
export const checksumCommand = (file: string, several = false): string =>
  `(cd ${shellWord(folderOf(file))} && sha256sum --check ${several ? '--ignore-missing ' : ''}${shellWord(lastOf(file))})`

/** The command that compares a file with a digest from any folder, whatever form its checksum file has. */
export const digestCommand = (file: string, sha256: string): string =>
  `echo ${shellWord(`${sha256}  ${file}`)} | sha256sum --check`

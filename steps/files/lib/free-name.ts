import type { Look } from '../../../src/index.ts'
import { fileStoreOf, type FileLocation } from './file-store.ts'

/** The name, or that name with a number behind it: one that nothing has yet. Made once and journaled, never again (T.8). */
export async function freeName(
  look: Pick<Look, 'files' | 'volumes'>,
  name: string,
  home?: FileLocation,
): Promise<string> {
  const shelf = fileStoreOf(look, home)
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? name : `${name}-${number}`
    if ((await shelf.kind(free)) === null) return free
  }
}

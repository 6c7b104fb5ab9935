import type { Look } from '../../../src/index.ts'
import { fileStoreOf, type FileLocation } from './file-store.ts'

/**
 * The name, or the name with a number appended: the first that does not exist. Call it once, in a survey, so
 * that the journal keeps the name.
 */
export async function freeName(
  look: Pick<Look, 'files' | 'volumes'>,
  name: string,
  location?: FileLocation,
): Promise<string> {
  const store = fileStoreOf(look, location)
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? name : `${name}-${number}`
    if ((await store.kind(free)) === null) return free
  }
}

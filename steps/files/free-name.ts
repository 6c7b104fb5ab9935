import type { Look } from '../../src/index.ts'

/** The name, or that name with a number behind it: one that nothing has yet. Made once and journaled, never again (T.8). */
export async function freeName(look: Pick<Look, 'files'>, name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? name : `${name}-${number}`
    if ((await look.files.stat(free)) === null) return free
  }
}

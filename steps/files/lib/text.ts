import type { Look } from '../../../src/index.ts'

/** Text of a file of at most `maxBytes` bytes; null where there is none. */
export async function textOf(
  look: Pick<Look, 'files'>,
  file: string,
  maxBytes: number,
): Promise<string | null> {
  return (await look.files.stat(file)) === null
    ? null
    : new TextDecoder().decode(await look.files.read(file, maxBytes))
}

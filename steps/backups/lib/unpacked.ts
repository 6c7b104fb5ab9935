import type { Dump, Look } from '../../../src/index.ts'

/** Says what reading a dump takes on the disk of this machine: a restore reads it again. */
export function noteUnpacked(look: Look, name: string, { unpacked }: Pick<Dump, 'unpacked'>): void {
  if (unpacked === undefined) return
  look.note(
    `${name} is unpacked to read it, and so is its restore: ${unpacked.bytes} bytes in ${unpacked.folder} (TMPDIR), free again afterwards`,
  )
}

import { inflateSync, zstdDecompressSync } from 'node:zlib'

/** A decompressed block is no longer than this; otherwise it has rows. */
const longest = { maxOutputLength: 1024 }

/**
 * Whether the data of a table, a short one, surely has no row. It is the end of COPY alone (dumpTableData_copy() of
 * pg_dump.c), or blanks of a dump with INSERT statements. False where it cannot be decompressed, as with lz4.
 */
export function withoutRows(block: Uint8Array): boolean {
  return decompressions.some((decompress) => {
    try {
      return /^\s*(?:\\\.)?\s*$/.test(decompress(block).toString('latin1'))
    } catch {
      return false
    }
  })
}

/** The header of an archive states which one it is, from format 1.15 on; text never looks compressed to zlib. */
const decompressions: readonly ((block: Uint8Array) => Buffer)[] = [
  (block) => Buffer.from(block),
  (block) => inflateSync(block, longest),
  (block) => zstdDecompressSync(block, longest),
]

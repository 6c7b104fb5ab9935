import { RunbookError, shellWord, type Dump, type DumpHeader } from '../../../src/index.ts'

const unpackers: { readonly [wrapping: string]: string } = {
  gzip: 'gunzip --keep',
  xz: 'unxz --keep',
  bzip2: 'bunzip2 --keep',
  zstd: 'unzstd --keep',
}

/**
 * What goes into a volume is the file as it is. Examining a backup reads what is packed in it, so that alone would let
 * a compressed one pass, and the application would find no database.
 * @throws RunbookError `verification` where a backup is compressed, encrypted or SQL
 */
export function requireDatabaseFile(
  file: string,
  { format, wrapped = [] }: Pick<Dump | DumpHeader, 'format' | 'wrapped'>,
): void {
  const [outer] = wrapped
  if (outer === undefined && format !== 'plain') return
  const path = shellWord(file)
  const unpacker = wrapped.length === 1 ? unpackers[outer ?? ''] : undefined
  throw new RunbookError(
    'verification',
    `cannot put ${path} into the volume: it is ${outer === undefined ? 'SQL' : `packed with ${wrapped.join(', ')}`}, and no database file`,
    {
      hint:
        outer === undefined
          ? `make a file of it, and name that with --backup: sqlite3 ${shellWord(`${file}.db`)} < ${path}`
          : unpacker === undefined
            ? 'unpack it, and name the database file that was in it with --backup'
            : `unpack it, and name the database file that was in it with --backup: ${unpacker} ${path}`,
    },
  )
}

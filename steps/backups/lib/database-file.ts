import { RunbookError, shellWord, type Dump, type DumpHeader } from '../../../src/index.ts'

const refused = (file: string, what: string, hint: string): RunbookError =>
  new RunbookError('verification', `cannot put ${shellWord(file)} into the volume: it is ${what}`, { hint })

/**
 * What goes into a volume is a database file, which may still be compressed or encrypted.
 * @throws RunbookError `verification` where a backup is SQL
 */
export function requireDatabase(file: string, { format }: Pick<Dump | DumpHeader, 'format'>): void {
  if (format !== 'plain') return
  const path = shellWord(file)
  throw refused(
    file,
    'SQL, and no database file',
    `make a file of it, and name that with --backup: sqlite3 ${shellWord(`${file}.db`)} < ${path}`,
  )
}

/**
 * What goes into a volume is the file as it is. Examining a backup reads what is packed in it, so that alone would let
 * a compressed one pass, and the application would find no database.
 * @throws RunbookError `verification` where a backup is compressed, encrypted or SQL
 */
export function requireDatabaseFile(file: string, dump: Pick<Dump | DumpHeader, 'format' | 'wrapped'>): void {
  const { wrapped = [] } = dump
  requireDatabase(file, dump)
  if (wrapped.length === 0) return
  throw refused(
    file,
    `packed with ${wrapped.join(', ')}, and no database file`,
    'add the step unpackBackup before it is examined',
  )
}

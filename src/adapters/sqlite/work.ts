import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { RowChoice, SqliteDatabase, TableRows } from '../../drivers/databases.ts'
import { failureOf, RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { reading, using, writable } from './connect.ts'
import { contentsOf, danglingReference, examine, isIntact } from './examine.ts'
import { swapFiles, type SwapPaths } from './swap-files.ts'
import { execute } from './execute.ts'
import { fingerprint } from './fingerprint.ts'
import { objectsOf } from './tables.ts'
import { query, type QueryLimits } from './query.ts'
import { deleteRows, insertRows, rows, values } from './rows.ts'

/**
 * Every access to a database runs in a child process: checking a large file would block ours, this build of
 * SQLite cannot be interrupted, and the file may be untrusted. The process can be killed at any moment
 * without harm.
 */
export type Work =
  | {
      readonly do: 'examine'
      readonly file: string
      readonly thorough: boolean
      readonly defined: readonly string[] | null
    }
  | { readonly do: 'dangling' | 'contents' | 'intact' | 'objects'; readonly file: string }
  | { readonly do: 'fingerprint'; readonly file: string; readonly exact: SqliteDatabase['fingerprint'] }
  | { readonly do: 'query'; readonly file: string; readonly sql: string; readonly limits: QueryLimits }
  | {
      readonly do: 'rows'
      readonly file: string
      readonly choices: readonly RowChoice[]
      readonly limits: QueryLimits
    }
  | { readonly do: 'values'; readonly file: string; readonly of: Omit<RowChoice, 'value'> }
  | { readonly do: 'insert' | 'delete'; readonly file: string; readonly batch: readonly TableRows[] }
  | { readonly do: 'copy'; readonly file: string; readonly to: string }
  | {
      readonly do: 'execute'
      readonly file: string
      readonly statements: readonly string[]
      readonly schema: boolean
    }
  | { readonly do: 'journal'; readonly file: string; readonly mode: 'wal' | 'rollback' }
  | { readonly do: 'swap'; readonly of: SwapPaths }
  | { readonly do: 'lock'; readonly file: string }

/** One message per line on standard output. */
export type WorkMessage =
  | { readonly bytes: { readonly done: number; readonly total: number } }
  | { readonly answer: Json }
  | { readonly failure: Failure }

const send = (message: WorkMessage): Promise<void> =>
  new Promise((resolve) => process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()))

async function perform(work: Work): Promise<Json> {
  switch (work.do) {
    case 'examine':
      return examine(work.file, work.thorough, work.defined)
    case 'dangling':
      return reading(work.file, danglingReference)
    case 'contents':
      return contentsOf(work.file)
    case 'intact':
      return isIntact(work.file)
    case 'objects':
      return reading(work.file, objectsOf)
    case 'fingerprint':
      return reading(work.file, (connection) => fingerprint(connection, work.exact))
    case 'query':
      return reading(work.file, (connection) => query(connection, work.sql, work.limits))
    case 'rows':
      return reading(work.file, (connection) => rows(connection, work.choices, work.limits))
    case 'values':
      return reading(work.file, (connection) => values(connection, work.of))
    case 'insert':
    case 'delete':
      return using(writable(work.file), (connection) => {
        if (work.do === 'insert') insertRows(connection, work.batch)
        else deleteRows(connection, work.batch)
        return null
      })
    case 'execute':
      return execute(work.file, work.statements, work)
    case 'copy':
      return copy(work.file, work.to)
    case 'journal':
      return using(writable(work.file), (connection) => {
        const mode = connection.pragma(`journal_mode = ${work.mode === 'wal' ? 'WAL' : 'DELETE'}`, {
          simple: true,
        })
        if (mode !== (work.mode === 'wal' ? 'wal' : 'delete'))
          throw new RunbookError(
            'failed',
            `cannot set the journal mode of ${shellWord(work.file)}: it stays ${String(mode)}`,
          )
        return null
      })
    case 'swap':
      swapFiles(work.of)
      return null
    case 'lock':
      return isFree(work.file)
  }
}

/** SQLite's online backup in one read transaction, so that writers in WAL mode do not restart it. */
async function copy(file: string, to: string): Promise<null> {
  await reading(file, async (connection) => {
    connection.exec('BEGIN')
    // Begins to read without the schema, which may be damaged.
    connection.pragma('schema_version')
    const pageSize = connection.pragma('page_size', { simple: true }) as number
    await connection.backup(to, {
      progress: ({ totalPages, remainingPages }) => {
        void send({ bytes: { done: (totalPages - remainingPages) * pageSize, total: totalPages * pageSize } })
        return 4_096
      },
    })
    connection.exec('COMMIT')
  })
  return null
}

/**
 * Whether no other connection holds a lock, for systems without /proc. An open connection in WAL mode holds
 * one.
 */
async function isFree(file: string): Promise<boolean> {
  try {
    return await using(writable(file), (connection) => {
      connection.pragma('busy_timeout = 0')
      connection.pragma('locking_mode = EXCLUSIVE')
      connection.exec('BEGIN EXCLUSIVE; ROLLBACK')
      return true
    })
  } catch (thrown) {
    if (String((thrown as { readonly code?: unknown }).code).startsWith('SQLITE_BUSY')) return false
    throw thrown
  }
}

const doing = {
  examine: 'examine',
  dangling: 'check the foreign keys of',
  contents: 'list the tables of',
  intact: 'check',
  objects: 'list the views and indexes of',
  fingerprint: 'read',
  query: 'query',
  rows: 'read rows of',
  values: 'read values of',
  insert: 'insert rows into',
  delete: 'delete rows from',
  copy: 'copy',
  execute: 'execute a dump in',
  journal: 'set the journal mode of',
  swap: 'swap',
  lock: 'test the lock of',
}

/** Turns an error of SQLite into a RunbookError. */
function explained(work: Work, thrown: unknown): unknown {
  const code = String((thrown as { readonly code?: unknown }).code)
  if (thrown instanceof RunbookError || !code.startsWith('SQLITE_')) return thrown
  const file = shellWord(work.do === 'swap' ? work.of.live : work.file)
  const full = work.do === 'copy' ? shellWord(dirname(work.to)) : file
  const hint = code.startsWith('SQLITE_BUSY')
    ? `check which process locks it: fuser -v ${shellWord(file)}`
    : code === 'SQLITE_READONLY_ROLLBACK'
      ? `an application died while writing; roll its journal back: sqlite3 ${shellWord(file)} "PRAGMA quick_check"`
      : code.startsWith('SQLITE_FULL')
        ? `free space: df -h ${shellWord(full)}`
        : code === 'SQLITE_ERROR'
          ? 'check the SQL'
          : `check: ls -l ${shellWord(file)}*`
  return new RunbookError(
    'failed',
    `cannot ${doing[work.do]} ${file}${work.do === 'copy' ? ` to ${shellWord(work.to)}` : ''}`,
    { cause: thrown, hint },
  )
}

// One request per line; the end of the input ends the process.
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const work = JSON.parse(line) as Work
  try {
    await send({ answer: await perform(work) })
  } catch (thrown) {
    await send({ failure: failureOf(explained(work, thrown)) })
  }
}

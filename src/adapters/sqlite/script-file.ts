import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '../../drivers/scope.ts'
import { contentBytes } from '../../formats/dumps/content.ts'
import { ScriptRefused } from '../../formats/dumps/sql-script.ts'
import {
  isSqliteScript,
  SqliteDump,
  SqliteScript,
  type SqliteRole,
} from '../../formats/dumps/sqlite-script.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { privateFolder } from '../disk/private-folder.ts'
import type { Bytes } from '../unwrap/unwrapping.ts'
import { peeked, type Unwrap } from '../unwrap/unwrap.ts'
import { createPrivate } from './database-files.ts'
import { runWork } from './run-work.ts'

/** As `unwrap`; the SQL of `.dump` is read as the database file that it creates. */
export const withScripts =
  (unwrap: Unwrap): Unwrap =>
  async (raw, file, decrypt, scope) => {
    const unwrapped = await unwrap(raw, file, decrypt, scope)
    try {
      const { start, all } = await peeked(unwrapped.bytes, contentBytes)
      return isSqliteScript(start)
        ? { ...unwrapped, from: 'script', bytes: databaseOf(all, file, scope) }
        : { ...unwrapped, bytes: all }
    } catch (thrown) {
      await unwrapped.bytes.return()
      throw thrown
    }
  }

async function* databaseOf(script: Bytes, file: string, scope: Scope): Bytes {
  try {
    await using folder = await privateFolder()
    const path = join(folder.path, 'database')
    await (await createPrivate(path)).close()
    await execute(script, path, scope).catch((thrown: unknown) => {
      throw refusedScript(file, thrown)
    })
    await using database = await open(path, 'r')
    yield* database.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>
  } finally {
    await script.return()
  }
}

function refusedScript(file: string, thrown: unknown): unknown {
  const why =
    thrown instanceof ScriptRefused
      ? `it ${thrown.message}`
      : thrown instanceof RunbookError && thrown.code === 'verification'
        ? thrown.message
        : null
  if (why === null) return thrown
  return new RunbookError('verification', `dump ${shellWord(file)} is refused: ${why}`, {
    cause: thrown,
    hint: 'choose another backup, or create backups with: sqlite3 LIVE ".backup FILE"',
  })
}

/** Characters of SQL that are sent at once. */
const batchLength = 1024 * 1024

async function execute(script: Bytes, path: string, scope: Scope): Promise<void> {
  const [parts, dump] = [new SqliteScript(), new SqliteDump()]
  let batch: string[] = []
  let length = 0
  let role: SqliteRole = 'executed'
  const flush = async (): Promise<void> => {
    scope.signal.throwIfAborted()
    if (batch.length > 0)
      await runWork({ do: 'execute', file: path, statements: batch, schema: role !== 'executed' }, scope)
    batch = []
    length = 0
  }
  const take = async (statements: readonly string[]): Promise<void> => {
    for (const statement of statements) {
      const own = dump.take(statement)
      if (own === 'left out') continue
      if (own !== role || length >= batchLength) await flush()
      role = own
      batch.push(statement)
      length += statement.length
    }
  }
  for await (const part of script) await take(parts.push(part))
  await take(parts.end())
  dump.end()
  await flush()
}

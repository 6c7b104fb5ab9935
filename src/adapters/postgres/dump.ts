import { shellWord } from '../../kernel/shell-quote.ts'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { ExactDump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Ended } from '../process/shell.ts'
import { inspect } from './inspect.ts'
import { clientError } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * gzip is the only compression of pg_dump with check values; its fastest level shortens the wait. A table
 * locked by another session fails the dump instead of blocking it.
 */
const options = ['--format=custom', '--compress=1', '--lock-wait-timeout=60s', '--no-password']

/**
 * Writes `FILE.partial`, private and durable, reads it back completely, then renames it: a file under its own
 * name is a verified dump.
 * @throws RunbookError `failed` if the file exists: a backup is never overwritten
 */
export async function dump(server: Server, name: string, file: string, scope: Scope): Promise<ExactDump> {
  scope.signal.throwIfAborted()
  if (await fileExists(file))
    throw cannot('dump to', file, 'already exists', { code: 'failed', hint: 'give a new file name' })
  const partial = `${file}.partial`
  await rm(partial, { force: true })
  try {
    await write(server, name, partial, scope)
    await makeDurable(partial)
    const inspected = await inspect(server, { file: partial }, scope)
    await rename(partial, file)
    await makeDurable(dirname(file))
    return { ...inspected, format: 'custom', file }
  } catch (thrown) {
    await rm(partial, { force: true })
    throw thrown
  }
}

async function write(server: Server, name: string, partial: string, scope: Scope): Promise<void> {
  const ended = await pipeInto(server, name, partial, scope).catch((thrown: unknown) => {
    if (thrown instanceof RunbookError || scope.signal.aborted) throw thrown
    throw cannot('write', partial, null, {
      code: 'failed',
      cause: thrown,
      hint: `check: df -h ${shellWord(dirname(partial))}`,
    })
  })
  if (ended.exitCode === 0) return
  throw cannot('dump', `database ${name}`, clientError(ended).message, {
    code: 'failed',
    hint: "check the step's log for the last output of pg_dump",
  })
}

async function pipeInto(server: Server, name: string, partial: string, scope: Scope): Promise<Ended> {
  await using handle = await open(partial, 'wx', 0o600)
  const stdout = handle.createWriteStream()
  // A write error ends the program, and is reported there; this listener covers a program that never starts.
  stdout.on('error', () => undefined)
  return await server.run({ program: 'pg_dump', args: options, database: name, stdout }, scope)
}

async function fileExists(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null
    throw thrown
  })
  await handle?.close()
  return handle !== null
}

/** Syncs a file or a folder: a new name survives a power cut only after its folder is synced. */
async function makeDurable(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}

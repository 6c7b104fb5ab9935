import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Ended } from '../process/shell.ts'
import { inspect } from './inspect.ts'
import { clientError } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * gzip, because it is the only compression of pg_dump whose data carries check values; its fastest level, because somebody waits.
 * A table that another session has locked away fails the dump instead of hanging it.
 */
const options = ['--format=custom', '--compress=1', '--lock-wait-timeout=60s', '--no-password']

/**
 * `FILE.partial` first, private and durable, then read back whole, then renamed: a file under its own name is a proven dump.
 * @throws RunbookError `failed` where the file is there already: a backup is never written over.
 */
export async function dump(server: Server, name: string, file: string, scope: Scope): Promise<Dump> {
  scope.signal.throwIfAborted()
  if (await isThere(file))
    throw new RunbookError('failed', `a file ${file} is there already`, {
      hint: 'name a new file for the dump',
    })
  const partial = `${file}.partial`
  await rm(partial, { force: true })
  try {
    await write(server, name, partial, scope)
    await makeDurable(partial)
    const inspected = await inspect(server, partial, scope)
    await rename(partial, file)
    await makeDurable(dirname(file))
    return { ...inspected, file }
  } catch (thrown) {
    await rm(partial, { force: true })
    throw thrown
  }
}

async function write(server: Server, name: string, partial: string, scope: Scope): Promise<void> {
  const ended = await pipeInto(server, name, partial, scope).catch((thrown: unknown) => {
    if (thrown instanceof RunbookError || scope.signal.aborted) throw thrown
    throw new RunbookError('failed', `could not write ${partial}`, {
      cause: thrown,
      hint: `df -h ${dirname(partial)}`,
    })
  })
  if (ended.exitCode === 0) return
  throw new RunbookError('failed', `could not dump the database ${name}: ${clientError(ended).words}`, {
    hint: "read the step's log for what pg_dump did last",
  })
}

async function pipeInto(server: Server, name: string, partial: string, scope: Scope): Promise<Ended> {
  await using handle = await open(partial, 'wx', 0o600)
  const stdout = handle.createWriteStream()
  // Its errors end the program, and so come back from there; should the program never start, nobody else listens.
  stdout.on('error', () => undefined)
  return await server.run({ program: 'pg_dump', args: options, database: name, stdout }, scope)
}

async function isThere(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null
    throw thrown
  })
  await handle?.close()
  return handle !== null
}

/** Of a file, its bytes; of a folder, the names in it: a new name outlives a power cut only once the folder itself was written. */
async function makeDurable(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}

import { Writable } from 'node:stream'
import type { Contents } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { objectsOf } from './archive/objects.ts'
import { archiveIn } from './archive/table-of-contents.ts'
import { clientError } from './server/psql.ts'
import type { Server } from './server/server.ts'

const options = [
  '--format=custom',
  '--schema-only',
  '--compress=0',
  '--lock-wait-timeout=10s',
  '--no-password',
]

/** Bytes of a schema. */
const most = 64 * 1024 * 1024

/**
 * What a dump of a live database would have besides data. pg_dump itself lists it, so that no kind is left out and names
 * are those of dumps.
 */
export async function liveObjects(server: Server, name: string, scope: Scope): Promise<Contents['objects']> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const stdout = new Writable({
    write(chunk: Uint8Array, _, done) {
      bytes += chunk.length
      if (bytes <= most) chunks.push(chunk)
      done()
    },
  })
  try {
    const ended = await server.run({ program: 'pg_dump', args: options, database: name, stdout }, scope)
    if (ended.exitCode !== 0) return clientError(ended).message
  } catch (thrown) {
    scope.signal.throwIfAborted()
    if (thrown instanceof RunbookError) return thrown.message
    throw thrown
  }
  if (bytes > most) return `its schema has more than ${most} bytes`
  const archive = archiveIn(Buffer.concat(chunks))
  if (archive === 'incomplete') return 'pg_dump ended too early'
  return 'refused' in archive ? archive.refused : objectsOf(archive.entries)
}

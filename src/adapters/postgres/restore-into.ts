import { RunbookError } from '../../kernel/errors.ts'
import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { dumpStream, dumpSize } from './archive/dump-stream.ts'
import { identity } from './identity.ts'
import { clientError } from './server/psql.ts'
import { connectionTo } from './server/quote.ts'
import type { Server } from './server/server.ts'

/**
 * Streams a dump into a database, in one transaction. The bytes are hashed on their way, and the last part is held back until all are
 * known to be the inspected ones.
 */
export async function restoreInto(
  server: Server,
  name: string,
  dump: Dump,
  options: readonly string[],
  scope: Scope,
): Promise<void> {
  const total = await dumpSize(dump.file)
  const { stream, read } = dumpStream(dump.file, { expected: dump.sha256, total }, scope)
  const args = [
    '--single-transaction',
    '--exit-on-error',
    '--no-password',
    ...options,
    `--dbname=${connectionTo(name)}`,
  ]
  const ended = await server.run({ program: 'pg_restore', args, database: name, stdin: stream }, scope)
  if (ended.exitCode !== 0) {
    throw new RunbookError(
      'failed',
      `could not restore ${dump.file} into the database ${name}: ${clientError(ended).words}`,
      {
        hint: "read the step's log for what pg_restore did last",
      },
    )
  }
  if (read() === null)
    throw new RunbookError('verification', `pg_restore did not read all of ${dump.file}`, {
      hint: 'inspect the dump again',
    })
}

/** @throws RunbookError `preflight`: a standby, or a server older than the one that was dumped. */
export async function mustAcceptDump(server: Server, dump: Dump, scope: Scope): Promise<void> {
  const { major, version, acceptsWrites } = await identity(server, scope)
  if (!acceptsWrites)
    throw new RunbookError('preflight', `${server.host} is a standby, which cannot be written to`, {
      hint: 'choose the primary',
    })
  if (dump.engine !== 'postgres')
    throw new RunbookError('verification', `${dump.file} is no dump of PostgreSQL`)
  if (dump.major > major) {
    throw new RunbookError(
      'preflight',
      `${dump.file} is of PostgreSQL ${dump.major}, and ${server.host} is only ${version}`,
      {
        hint: `restore on PostgreSQL ${dump.major} or newer`,
      },
    )
  }
}

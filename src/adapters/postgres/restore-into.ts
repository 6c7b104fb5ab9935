import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { dumpStream, dumpSize, type Patch } from '../unwrap/dump-stream.ts'
import { contentIn } from '../unwrap/content.ts'
import { identity } from './identity.ts'
import { readingOrder } from './members/reading-order.ts'
import { clientError, diskFull } from './server/psql.ts'
import { connectionTo } from './server/quote.ts'
import type { Server } from './server/server.ts'

type Restoring = {
  readonly options: readonly string[]
  /** With `part`, pg_restore may end before it has read the data, so the digest must be checked first. */
  readonly reads?: 'all' | 'part'
  readonly patches?: readonly Patch[]
}

/**
 * Streams a dump into a database in one transaction, hashing it on the way; the last chunk is held back until
 * the digest matches the inspected one.
 */
export async function restoreInto(
  server: Server,
  name: string,
  dump: Dump,
  { options, reads = 'all', patches = [] }: Restoring,
  scope: Scope,
): Promise<void> {
  const total = await dumpSize(dump.file)
  const { stream, read } = dumpStream(
    dump.file,
    {
      expected: dump.sha256,
      total,
      patches,
      content: contentIn(server.unwrap, dump, scope),
      order: readingOrder,
    },
    scope,
  )
  const args = [
    '--single-transaction',
    '--exit-on-error',
    '--no-password',
    // A copy must not take changes from another server, nor be kept from being dropped.
    '--no-subscriptions',
    ...options,
    `--dbname=${connectionTo(name)}`,
  ]
  const ended = await server.run({ program: 'pg_restore', args, database: name, stdin: stream }, scope)
  if (ended.exitCode !== 0) {
    const error = clientError(ended)
    const full = diskFull(server, error)
    throw cannot('restore', `${dump.file} into database ${name}`, full?.why ?? error.message, {
      code: 'failed',
      hint: full?.hint ?? "check the step's log for the last output of pg_restore",
    })
  }
  if (reads === 'all' && read() === null)
    throw new RunbookError('verification', `pg_restore did not read ${dump.file} to its end`, {
      hint: 'inspect the dump again',
    })
}

/** @throws RunbookError `preflight` for a standby, or a server older than the dumped one */
export async function mustAcceptDump(server: Server, dump: Dump, scope: Scope): Promise<void> {
  const { major, version, acceptsWrites } = await identity(server, scope)
  if (!acceptsWrites)
    throw cannot('restore to', server.host, 'it is a standby, which is read-only', {
      code: 'preflight',
      hint: 'choose the primary',
    })
  if (dump.engine !== 'postgres')
    throw new RunbookError('verification', `${dump.file} is not a PostgreSQL dump`)
  if (dump.major > major) {
    throw cannot(
      'restore',
      dump.file,
      `dump of PostgreSQL ${dump.major}, but ${server.host} has ${version}`,
      { code: 'preflight', hint: `restore to PostgreSQL ${dump.major} or newer` },
    )
  }
}

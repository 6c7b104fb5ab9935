import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { dumpStream, dumpSize, type Patch } from '../unwrap/dump-stream.ts'
import { contentIn } from '../unwrap/content.ts'
import { identity } from './identity.ts'
import { readingOrder } from './members/reading-order.ts'
import { notRead, restoreFailure } from './restore-failure.ts'
import type { Ended } from '../process/call.ts'
import { connectionTo } from './server/quote.ts'
import type { Server } from './server/server.ts'

type Restoring = {
  readonly options: readonly string[]
  /** With `part`, pg_restore may end before it has read the data, so the digest must be checked first. */
  readonly reads?: 'all' | 'part'
  readonly patches?: readonly Patch[]
}

/** From this size on, several jobs save more time than the copy of the dump takes that they need. Bytes. */
const largeBytes = 32 * 1024 * 1024

/**
 * Before 14, a job may fail to find its data in a dump that was written to a pipe, which has no offsets (pg_restore of 13.0
 * and older: "possibly due to out-of-order restore request").
 */
const firstMajorWithJobs = 14

/** More would wait for the disk. */
const mostJobs = 8

/**
 * Streams a dump into a database in one transaction, hashing it on the way; the last chunk is held back until
 * the digest matches the inspected one. In a throwaway, a large one is restored by several jobs, from a copy there, and not in
 * one transaction: after an error the database is dropped.
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
    '--exit-on-error',
    '--no-password',
    // A copy must not take changes from another server, nor be kept from being dropped.
    '--no-subscriptions',
    ...options,
    `--dbname=${connectionTo(name)}`,
  ]
  const restore = (more: readonly string[], stdin?: Readable): Promise<Ended> =>
    server.run(
      {
        program: 'pg_restore',
        args: [...args, ...more],
        database: name,
        ...(stdin === undefined ? {} : { stdin }),
      },
      scope,
    )
  const ended =
    server.holdFile !== undefined && gainsFromJobs(dump)
      ? await server.holdFile(stream, scope).then((file) => {
          if (read() === null) throw notRead('the copy in the throwaway', dump)
          return restore([`--jobs=${Math.min(availableParallelism(), mostJobs)}`, file])
        })
      : await restore(['--single-transaction'], stream)
  if (ended.exitCode !== 0) throw restoreFailure(server, 'pg_restore', dump, name, ended)
  if (reads === 'all' && read() === null) throw notRead('pg_restore', dump)
}

const gainsFromJobs = ({ format, major, bytes }: Dump): boolean =>
  format === 'custom' && major >= firstMajorWithJobs && bytes >= largeBytes

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

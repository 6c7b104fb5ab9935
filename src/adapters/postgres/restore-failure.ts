import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Dump } from '../../drivers/databases.ts'
import type { Ended } from '../process/call.ts'
import { clientError, diskFull } from './server/psql.ts'
import type { Server } from './server/server.ts'

/** Why a client program did not restore a dump. */
export function restoreFailure(
  server: Server,
  program: 'pg_restore' | 'psql',
  { file }: Dump,
  name: string,
  ended: Ended,
): RunbookError {
  const error = clientError(ended)
  const full = diskFull(server, error)
  return cannot('restore', `${file} into database ${name}`, full?.why ?? error.message, {
    code: 'failed',
    hint: full?.hint ?? `check the step's log for the last output of ${program}`,
  })
}

/** @param by who should have read all of it */
export const notRead = (by: string, { file }: Dump): RunbookError =>
  new RunbookError('verification', `${by} did not read ${file} to its end`, {
    hint: 'inspect the dump again',
  })

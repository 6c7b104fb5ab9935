import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Copy,
  type Dump,
  type Look,
  type RestoreTest,
  type ThrowawayDatabase,
} from '../../src/index.ts'
import type { ThrowawayServer } from '../containers/throwaway-postgres.ts'
import type { MadeRoles } from './create-roles.ts'

type Input = {
  readonly throwaway: ThrowawayServer
  readonly by: RestoreTest
  readonly archive: Dump
  readonly roles: MadeRoles
}

/**
 * Restores a dump into an empty database of a throwaway server; the first error ends it, and the database is dropped. A large
 * dump is restored by several jobs, others in one transaction. The server has nothing else and is removed with its data, so it
 * has superuser rights. It accepts no live database.
 * @throws RunbookError `failed` where the server has less than `room` times the dump free
 */
export const restoreIntoThrowaway = defineStep<Input, Copy>({
  kind: 'databases.restore-into-throwaway',
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 6 * 3600,
  describe: ({ archive }) =>
    `Restores ${isPending(archive) ? say`${archive}` : archive.file} into an empty database of the throwaway server.`,
  predict: ({ input: { archive } }) => ({
    output: null,
    ...(isPending(archive) ? {} : { bytes: archive.bytes }),
  }),
  run: async (io, { throwaway: { database }, by, archive }) => {
    await requireRoom(io, database, by, archive)
    return io.databases.restoreBeside(database, archive, 'restored')
  },
})

/** @throws RunbookError `failed` where the server has less than `room` times the dump free */
export async function requireRoom(
  look: Pick<Look, 'databases'>,
  database: ThrowawayDatabase,
  { room }: RestoreTest,
  archive: Dump,
): Promise<void> {
  const free = await look.databases.freeBytes(database)
  const needed = archive.bytes * room
  if (free !== null && free < needed) {
    throw new RunbookError(
      'failed',
      `the throwaway server has ${megabytes(free)} free, and needs ${megabytes(needed)} (${room} times the dump)`,
      {
        hint: 'free disk space: live data may be on the same disk; or lower restoreTest.room if the dump grows less',
      },
    )
  }
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1_000_000)} MB`

import { defineStep, isPending, say, type Copy, type Dump } from '../../src/index.ts'
import type { ThrowawayServer } from '../containers/throwaway-postgres.ts'
import type { MadeRoles } from './create-roles.ts'

type Input = { readonly throwaway: ThrowawayServer; readonly archive: Dump; readonly roles: MadeRoles }

/**
 * Restores a dump into an empty database of a throwaway server, in one transaction that the first error ends. It takes no live database.
 * What it leaves goes with the server.
 */
export const restoreIntoThrowaway = defineStep<Input, Copy>({
  kind: 'databases.restore-into-throwaway',
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 6 * 3600,
  describe: ({ archive }) => `Restores ${isPending(archive) ? say`${archive}` : archive.file} into an empty database of the throwaway server.`,
  predict: ({ input: { archive } }) => ({ output: null, ...(isPending(archive) ? {} : { bytes: archive.bytes }) }),
  run: (io, { throwaway: { database }, archive }) => io.databases.restoreBeside(database, archive, 'restored'),
})

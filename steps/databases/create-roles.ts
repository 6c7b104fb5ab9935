import { defineStep, isPending, RunbookError, say, type Dump } from '../../src/index.ts'
import type { ThrowawayServer } from '../containers/throwaway-postgres.ts'

type Input = { readonly throwaway: ThrowawayServer; readonly archive: Dump }

/** Roles created in a throwaway server, so that each object finds its owner. */
export type MadeRoles = { readonly roles: readonly string[] }

/**
 * Creates, in a throwaway server, the roles that own or are granted something in a dump. They are removed
 * with the server.
 * @throws RunbookError `failed` where the server's image lacks an extension that the dump needs
 */
export const createRoles = defineStep<Input, MadeRoles>({
  kind: 'databases.create-roles',
  version: 1,
  effect: 'exercise',
  describe: ({ archive }) =>
    `Makes the roles that ${isPending(archive) ? say`${archive}` : archive.file} needs, which cannot log in.`,
  predict: () => ({ output: null }),
  run: async (io, { throwaway: { database, image }, archive }) => {
    const { missingRoles, missingExtensions } = await io.databases.fit(database, archive)
    if (missingExtensions.length > 0) {
      throw new RunbookError(
        'failed',
        `the dump needs the extensions ${missingExtensions.join(', ')}, which ${image} lacks`,
        {
          hint: 'name an image that has them as restoreTest.image in runbook.config.ts',
        },
      )
    }
    await io.databases.createRoles(database, missingRoles)
    io.note(missingRoles.length === 0 ? 'no role was missing' : `made ${missingRoles.join(', ')}`)
    return { roles: missingRoles }
  },
})

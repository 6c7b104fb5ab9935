import { defineStep, isPending, RunbookError, say, type Dump, type Io } from '../../src/index.ts'
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
    `Creates the roles that ${isPending(archive) ? say`${archive}` : archive.file} needs, without the right to log in.`,
  predict: () => ({ output: null }),
  run: (io, { throwaway, archive }) => makeRoles(io, throwaway, archive),
})

/** As the step `createRoles`, for a step that restores several dumps. @throws RunbookError as it does */
export async function makeRoles(
  io: Io,
  { database, image }: ThrowawayServer,
  archive: Dump,
): Promise<MadeRoles> {
  const { missingRoles, missingExtensions } = await io.databases.fit(database, archive)
  if (missingExtensions.length > 0) {
    throw new RunbookError(
      'failed',
      `extensions of the dump not found in ${image}: ${missingExtensions.join(', ')}`,
      {
        hint: 'set restoreTest.image in runbook.config.ts to an image that has them',
      },
    )
  }
  await io.databases.createRoles(database, missingRoles)
  io.note(missingRoles.length === 0 ? 'no roles are missing' : `created ${missingRoles.join(', ')}`)
  return { roles: missingRoles }
}

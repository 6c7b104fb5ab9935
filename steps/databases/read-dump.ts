import { defineStep, isPending, RunbookError, say } from '../../src/index.ts'
import type { ChosenDump } from '../backups/choose-dump.ts'
import { noteUnpacked } from '../backups/lib/unpacked.ts'
import type { VouchedDump } from './assert-restored.ts'
import type { ThrowawayServer } from '../containers/throwaway-postgres.ts'

type Input = { readonly throwaway: ThrowawayServer; readonly dump: ChosenDump }

/**
 * Decodes a dump to its last byte with the tools of the throwaway server. A list of contents is not enough:
 * half a dump has one too.
 * @throws RunbookError `verification` where the dump changed since it was chosen
 */
export const readDump = defineStep<Input, VouchedDump>({
  kind: 'databases.read-dump',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  describe: ({ dump }) => `Decodes ${isPending(dump) ? say`${dump}` : dump.file} to its last byte.`,
  run: async (look, { throwaway: { database }, dump }) => {
    const read = await look.databases.inspect(database, dump.file, dump.opening ?? {})
    if (read.sha256 !== dump.sha256) {
      throw new RunbookError('verification', `${dump.file} changed while it was being verified`, {
        hint: 'find out who writes to it, then start again',
      })
    }
    noteUnpacked(look, dump.name, read)
    if (read.leftOut !== undefined) look.note(`not restored from the dump: ${read.leftOut.join(', ')}`)
    return {
      ...read,
      takenAt: dump.takenAt,
      ...(dump.manifest === undefined ? {} : { manifest: dump.manifest }),
    }
  },
})

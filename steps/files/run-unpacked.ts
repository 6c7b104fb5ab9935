import {
  defineStep,
  isPending,
  RunbookError,
  say,
  shellWord,
  type Io,
  type Verified,
} from '../../src/index.ts'
import { isSameTree, requireSameTree, treeVersionOf } from './lib/tree-version.ts'
import { commandNeeds, runToEnd } from './run-command.ts'
import { unpackInto, versionOf, type Unpacked } from './unpack.ts'

type Input = {
  /** The unpacked folder, or what an earlier command made of it: nothing else runs. */
  readonly code: Unpacked | RunFolder
  readonly argv: readonly string[]
  readonly environment: { readonly [name: string]: string }
  /**
   * The archive, which is unpacked again where an attempt was interrupted: it may have left anything. Null where earlier
   * commands changed the folder, so that only a new run can make it again.
   */
  readonly again: Verified | null
}

/** An unpacked folder in which a command has run. */
export type RunFolder = Unpacked & {
  /** Version of the folder when the command had ended. */
  readonly ran: string
}

/**
 * Runs a configured command, never through a shell, in a folder of staging that is as it was unpacked, or as the command
 * before left it.
 * @throws RunbookError `verification` where somebody changed the folder, `failed` for an exit code other than 0
 */
export const runUnpacked = defineStep<Input, RunFolder>({
  kind: 'files.run-unpacked',
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 900,
  describe: ({ argv, code }) =>
    say`Runs "${Array.isArray(argv) ? argv.join(' ') : (argv as { $until: string })}" in ${isPending(code) ? code : code.root}, and refuses a folder that was changed since.`,
  needs: ({ argv }) => commandNeeds(argv),
  predict: () => ({ output: null }),
  run: async (io, { code, argv, environment, again }) => {
    const begun = `${code.folder}.running`
    await requireAsLeft(io, code, again, begun)
    await io.files.write(begun, '')
    await runToEnd(io, { argv, directory: code.root, environment })
    const ran = await treeVersionOf(io, code.folder)
    await io.files.removeTree(begun)
    return { ...code, ran }
  },
})

/** @param begun a file that is there while a command runs */
async function requireAsLeft(
  io: Io,
  code: Unpacked | RunFolder,
  again: Verified | null,
  begun: string,
): Promise<void> {
  const { folder } = code
  if ((await io.files.stat(begun)) === null)
    return requireSameTree(
      io,
      folder,
      versionOf(code),
      'ran' in code ? 'a command ran in it' : 'it was unpacked',
    )
  if (again !== null) return void (await unpackInto(io, again, null, { folder, plain: null }))
  const version = versionOf(code)
  if (version === undefined || (await isSameTree(io, folder, version))) return
  throw new RunbookError(
    'verification',
    `${folder} was changed while the command ran that was interrupted, by it or by somebody else`,
    { hint: `start a new run, which unpacks it again; to see what changed: ls -lcR ${shellWord(folder)}` },
  )
}

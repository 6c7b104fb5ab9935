import { defineStep, isPending, say, type SecretHandle } from '../../src/index.ts'
import { cipherOf, needsFor } from '../files/lib/cipher.ts'
import type { ChosenTree } from './choose-tree.ts'
import type { Staging } from '../files/staging.ts'
import {
  probeUnpacked,
  placesOf,
  removeUnpacked,
  unpackInto,
  type Unpacked,
  type UnpackedPlaces,
} from '../files/unpack.ts'

type Input = {
  readonly tree: ChosenTree
  readonly staging: Staging
  readonly passphrase: SecretHandle | null
}

/** The folder in which to look for files of the backup. */
export type OpenTree = {
  readonly root: string
  /** Of the folder, when it was unpacked. Missing for a folder that is used in place, and in older journals. */
  readonly version?: string
}

/**
 * Unpacks the backup into staging where it is an archive; a folder is used in place. Undone by removing what
 * was unpacked.
 */
export const openTree = defineStep<Input, OpenTree, UnpackedPlaces | null>({
  kind: 'files.open-tree',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ tree }) =>
    say`Unpacks ${isPending(tree) ? tree : tree.name} into staging if it is an archive; refuses links and paths that lead outside.`,
  needs: ({ tree }) => (isPending(tree) ? [] : needsFor(cipherOf(tree.name), `${tree.name} is encrypted`)),
  secrets: ({ tree, passphrase }) =>
    isPending(tree) || isPending(passphrase) || passphrase === null || cipherOf(tree.name) === null
      ? []
      : [passphrase],
  survey: async (_, { tree: { archive }, staging }) =>
    archive === null ? null : placesOf(archive, staging, 'documents'),
  predict: ({ input: { tree }, before }) => ({
    output: before !== null || isPending(tree) ? null : { root: tree.path },
    changes:
      before === undefined || before === null
        ? []
        : [`files under ${before.folder}, until the end of the run`],
  }),
  run: async (io, { input: { tree, passphrase }, before }) =>
    tree.archive === null || before === null
      ? { root: tree.path }
      : openOf(await unpackInto(io, tree.archive, passphrase, before)),
  probe: async (look, { input: { tree }, before, way }) => {
    if (before === null)
      return way === 'back' ? { is: 'absent' } : { is: 'done', output: { root: tree.path } }
    const found = await probeUnpacked(look, before)
    return found.is === 'done' ? { is: 'done', output: openOf(found.output) } : found
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before }) => {
    if (before !== null) await removeUnpacked(io, before)
  },
})

const openOf = ({ folder, version }: Unpacked): OpenTree => ({
  root: folder,
  ...(version === undefined ? {} : { version }),
})

import {
  cannot,
  defineStep,
  isPending,
  manifestFiles,
  sameJson,
  say,
  UntrustedKey,
  type Database,
  type SignedManifest,
} from '../../src/index.ts'
import { fileThing, notOurs } from '../files/lib/ours.ts'
import { manifestOf, sourceOf } from './lib/source.ts'
import type { VerifiedDump } from './verify-dump.ts'

type Input = {
  /** The database that the dump was taken from, as the operator says. */
  readonly database: Database
  readonly archive: VerifiedDump
}
type Before = { readonly file: string }

/**
 * Signs a manifest for a dump that another program made: from then on the key of this machine vouches for it.
 * Undone by removing the manifest.
 * @throws RunbookError `failed` where it has a manifest already
 */
export const signBackup = defineStep<Input, SignedManifest, Before>({
  kind: 'backups.sign',
  version: 1,
  effect: 'change',
  describe: ({ archive }) =>
    say`Signs a manifest of ${isPending(archive) ? archive : archive.file}, which lies beside it.`,
  survey: async (look, { archive: { file } }) => {
    for (const path of manifestFiles(file))
      if ((await look.files.stat(path)) !== null)
        throw cannot('write', path, 'already exists', {
          code: 'failed',
          hint: 'it is signed already; to sign it again, move the manifest and its signature away',
        })
    return { file }
  },
  predict: ({ before }) => ({
    output: null,
    changes: before === undefined ? [] : [`a signed manifest ${manifestFiles(before.file)[0]}`],
  }),
  run: async (io, { input: { database, archive }, before: { file } }) => {
    const signed = await io.backups.sign(archive, {
      source: await sourceOf(io, database),
      begun: archive.takenAt,
      tools: [{ tool: `${archive.engine} (server)`, version: String(archive.major) }],
      rows: null,
    })
    io.note(`${file}: signed with ${signed.key}`)
    return signed
  },
  probe: async (look, { before: { file }, way }) => {
    const [manifest, signature] = manifestFiles(file)
    const there = [manifest, signature]
    const found = await Promise.all(there.map((path) => look.files.stat(path)))
    if (found.every((facts) => facts === null)) return { is: 'absent' }
    if (way === 'back' || found.some((facts) => facts === null))
      return { is: 'torn', why: `${found[0] === null ? signature : manifest} exists` }
    const signed = (await manifestOf(look, file))?.manifest
    return signed === undefined
      ? { is: 'torn', why: `${manifest} no longer exists` }
      : { is: 'done', output: signed }
  },
  rerunnable: true,
  undoGuards: ({ before: { file }, output }) => {
    const [manifest] = manifestFiles(file)
    return [
      {
        of: [fileThing(manifest)],
        check: async (look) => {
          if (output === undefined) return
          const now = await manifestOf(look, file).catch((thrown: unknown) => {
            if (thrown instanceof UntrustedKey) return { manifest: null }
            throw thrown
          })
          if (now !== null && !sameJson(now.manifest ?? null, output))
            throw notOurs(manifest, 'was replaced from outside during the run')
        },
      },
    ]
  },
  undo: async (io, { before: { file } }) => {
    for (const path of manifestFiles(file)) await io.files.removeTree(path)
  },
})

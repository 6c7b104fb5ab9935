import {
  defineStep,
  isPending,
  manifestFiles,
  say,
  sha256,
  type Asset,
  type JsonObject,
  type Look,
  type ReleaseHost,
} from '../../src/index.ts'
import { notOurs } from '../files/lib/ours.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import { mustBeSame } from '../files/lib/same-file.ts'
import type { HostedDraft } from './draft-release.ts'
import type { VerifiedRelease } from './verify-release.ts'
import type { AddressedLock } from './write-release-url.ts'

type Input = {
  readonly host: ReleaseHost
  readonly draft: HostedDraft
  readonly bundle: VerifiedRelease
  readonly lock: AddressedLock
}

type LocalAsset = JsonObject & { readonly name: string; readonly bytes: number; readonly sha256: string }
type Before = {
  readonly wanted: readonly LocalAsset[]
  /**
   * Of this release alone: lines for other bundles would make `sha256sum --check` fail where they were not
   * downloaded.
   */
  readonly sums: string
}

export type UploadedAssets = { readonly assets: readonly LocalAsset[] }

/**
 * Uploads the bundle, its lock file and their SHA256SUMS to a release, and the signed manifest of the bundle if it has one.
 * Other files of an already published release are left as they are. Undone by removing the uploaded files.
 */
export const uploadAssets = defineStep<Input, UploadedAssets, Before>({
  kind: 'releases.upload',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ host }) =>
    say`Uploads the bundle, its lock file and SHA256SUMS to the draft in ${isPending(host) ? host : host.repository}.`,
  survey: async (look, { draft, bundle, lock: { lock } }) => {
    const [tarball, locked] = await Promise.all([localAssetOf(look, bundle.file), localAssetOf(look, lock)])
    mustBeSame(bundle.file, tarball.sha256, bundle.sha256, 'it was verified')
    const sums = [tarball, locked].map((one) => `${one.sha256}  ${one.name}\n`).join('')
    const listed = { name: 'SHA256SUMS', bytes: sums.length, sha256: sha256(sums) }
    if (draft.published) return { sums, wanted: [tarball] }
    const signed: LocalAsset[] = []
    for (const file of manifestFiles(bundle.file))
      if ((await look.files.stat(file)) !== null) signed.push(await localAssetOf(look, file))
    return { sums, wanted: [tarball, locked, listed, ...signed] }
  },
  predict: ({ input: { host }, before }) => ({
    output: before === undefined ? null : { assets: before.wanted },
    changes: isPending(host)
      ? []
      : [`the bundle, its lock file and SHA256SUMS are uploaded to the draft in ${host.repository}`],
    ...(before === undefined ? {} : { bytes: before.wanted.reduce((sum, { bytes }) => sum + bytes, 0) }),
  }),
  run: async (
    io,
    {
      input: {
        host,
        draft,
        bundle,
        lock: { lock },
      },
      before: { wanted, sums },
    },
  ) => {
    for (const one of wanted) {
      const there = (await assetsOf(io, host, draft)).find(({ name }) => name === one.name)
      if (there !== undefined && matches(there, one)) continue
      if (there !== undefined) await io.releases.removeAsset(host, there)
      await io.releases.upload(
        host,
        draft,
        one.name,
        one.name === 'SHA256SUMS'
          ? { text: sums }
          : { file: one.name === lastOf(lock) ? lock : `${folderOf(bundle.file)}/${one.name}` },
      )
      io.note(`uploaded ${one.name}: ${one.bytes} bytes, sha256 ${one.sha256}`)
    }
    return { assets: wanted }
  },
  probe: async (look, { input: { host, draft }, before: { wanted }, way }) => {
    if (way === 'back' && draft.published) return { is: 'absent' }
    const there = await assetsOf(look, host, draft)
    const found = wanted.filter((one) =>
      there.some((asset) => asset.name === one.name && matches(asset, one)),
    )
    if (found.length === wanted.length) return { is: 'done', output: { assets: wanted } }
    const taken = wanted.filter(({ name }) => there.some((asset) => asset.name === name))
    return taken.length === 0
      ? { is: 'absent' }
      : { is: 'torn', why: `only ${found.length} of ${wanted.length} files are completely uploaded` }
  },
  rerunnable: true,
  undoGuards: ({ input: { host, draft }, before: { wanted } }) => [
    {
      of: wanted.map(({ name }) => ({ release: draft.id, asset: name })),
      check: async (look) => {
        if (draft.published) return
        for (const asset of await assetsOf(look, host, draft)) {
          const ours = wanted.find(({ name }) => name === asset.name)
          // One that is not complete may be an upload of this run that was interrupted.
          if (ours !== undefined && asset.whole && !matches(asset, ours))
            throw notOurs(`${asset.name} of ${draft.tag}`, 'was replaced from outside during the run')
        }
      },
    },
  ],
  undo: async (io, { input: { host, draft }, before: { wanted } }) => {
    if (draft.published) return
    for (const asset of await assetsOf(io, host, draft))
      if (wanted.some(({ name }) => name === asset.name)) await io.releases.removeAsset(host, asset)
  },
})

async function localAssetOf(look: Look, file: string): Promise<LocalAsset> {
  return {
    name: lastOf(file),
    bytes: (await look.files.stat(file))?.bytes ?? 0,
    sha256: await look.files.hash(file),
  }
}

const assetsOf = async (
  look: Pick<Look, 'releases'>,
  host: ReleaseHost,
  { id, tag }: HostedDraft,
): Promise<readonly Asset[]> =>
  (await look.releases.forTag(host, tag)).find((one) => one.id === id)?.assets ?? []

const matches = (asset: Asset, { bytes, sha256 }: LocalAsset): boolean =>
  asset.whole && asset.bytes === bytes && (asset.sha256 ?? sha256) === sha256

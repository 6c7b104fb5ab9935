import { defineStep, isPending, RunbookError, say, type ReleaseHost } from '../../src/index.ts'
import type { HostedDraft } from './draft-release.ts'
import type { UploadedAssets } from './upload-assets.ts'

type Input = { readonly host: ReleaseHost; readonly draft: HostedDraft; readonly uploaded: UploadedAssets }

export type ReadAssets = { readonly names: readonly string[] }

/**
 * Downloads every file of a release to its last byte, as a restore will, and compares it with the local
 * one.
 */
export const readAssets = defineStep<Input, ReadAssets>({
  kind: 'releases.read-assets',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  describe: ({ host }) =>
    say`Downloads every file of the release from ${isPending(host) ? host : host.repository}, and compares it with the local one.`,
  predict: async () => ({ output: null }),
  run: async (look, { host, draft: { id, tag }, uploaded }) => {
    const there = (await look.releases.forTag(host, tag)).find((one) => one.id === id)?.assets ?? []
    for (const { name, bytes, sha256 } of uploaded.assets) {
      const asset = there.find((one) => one.name === name)
      const found = asset === undefined ? null : await look.releases.fetched(host, asset)
      if (found === null || found.sha256 !== sha256 || found.bytes !== bytes) {
        const why =
          found === null
            ? 'not found'
            : `differs from what was uploaded: expected ${bytes} bytes and SHA-256 ${sha256}, found ${found.bytes} bytes and SHA-256 ${found.sha256}`
        throw new RunbookError('verification', `${name} of ${tag} in ${host.repository} ${why}`, {
          hint: 'publish again; check that no proxy truncates the upload',
        })
      }
      look.note(`${name}: downloaded, sha256 ${found.sha256}`)
    }
    return { names: uploaded.assets.map(({ name }) => name) }
  },
})

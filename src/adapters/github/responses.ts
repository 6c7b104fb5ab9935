import { z } from 'zod'
import type { Asset, HostedRelease } from '../../drivers/releases.ts'

/** The part of GitHub's responses that is used here. */
const assetAnswer = z.object({
  id: z.int(),
  name: z.string(),
  size: z.int().min(0),
  state: z.string(),
  digest: z.string().nullish(),
})

const releaseAnswer = z.object({
  id: z.int(),
  tag_name: z.string(),
  draft: z.boolean(),
  html_url: z.url({ protocol: /^https?$/ }),
  upload_url: z.url(),
  body: z.string().nullish(),
  assets: z.array(assetAnswer),
})

export type ReleaseResponse = HostedRelease & { readonly uploads: string }

export function assetOf(data: unknown): Asset {
  const { id, name, size, state, digest } = assetAnswer.parse(data)
  const [, sha256 = null] = /^sha256:([0-9a-f]{64})$/i.exec(digest ?? '') ?? []
  return { id, name, bytes: size, sha256: sha256?.toLowerCase() ?? null, whole: state === 'uploaded' }
}

export function releaseOf(data: unknown): ReleaseResponse {
  const {
    id,
    tag_name: tag,
    draft,
    html_url: page,
    upload_url: uploads,
    body,
    assets,
  } = releaseAnswer.parse(data)
  return {
    id,
    tag,
    draft,
    url: draft ? pageOf(page, tag) : page,
    notes: (body ?? '').replaceAll('\r\n', '\n'),
    assets: assets.map(assetOf),
    uploads,
  }
}

export const releasesOf = (data: unknown): readonly ReleaseResponse[] =>
  z.array(z.unknown()).parse(data).map(releaseOf)

/** A draft's page ends in `untagged-…` until it is published. */
const pageOf = (page: string, tag: string): string => page.replace(/[^/]*$/, () => encodeURIComponent(tag))

import { RunbookError } from '../../../src/index.ts'

export type ImageName = { readonly repository: string; readonly tag: string }

/**
 * Splits `host:5000/shop/backend:latest` into its two parts; Docker reads a missing tag as `latest`.
 * @throws RunbookError `preflight` for a name with a digest: it always means the same image
 */
export function parseImageName(name: string): ImageName {
  if (name.includes('@')) {
    throw new RunbookError('preflight', `${name} is pinned by digest, so no other release can be selected`, {
      hint: 'select the release by a tag or a variable in the Compose file',
    })
  }
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/')
    ? { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
    : { repository: name, tag: 'latest' }
}

/**
 * Whether a tag may be moved to another image without misleading: `latest` and `stable` may, `2.1` may not.
 */
export const mayMove = (tag: string): boolean => !/\d/.test(tag)

export const isTag = (text: string): boolean => /^\w[\w.-]{0,127}$/.test(text)

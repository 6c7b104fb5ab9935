import { cannot, type Json, type Look, type VersionPin } from '../../../src/index.ts'

const page = 1000
const maxPages = 100

/**
 * Every tag of a repository, paged as in the OCI distribution API: each page starts after the last tag of
 * the one before.
 * @throws RunbookError `preflight` where the registry gives no list
 */
export async function tagsIn(
  look: Pick<Look, 'http'>,
  { tags: url, bearer }: NonNullable<VersionPin['registry']>,
): Promise<readonly string[]> {
  const all = new Set<string>()
  for (let pages = 0; pages < maxPages; pages += 1) {
    const last = [...all].at(-1)
    const { status, json, excerpt } = await look.http.get(
      `${url}?n=${page}${last === undefined ? '' : `&last=${encodeURIComponent(last)}`}`,
      { timeoutSeconds: 20, bearer },
    )
    const tags = status === 200 ? tagsOf(json) : null
    if (tags === null) {
      throw cannot('list', `the tags at ${url}`, `${status} ${excerpt.slice(0, 80)}`, {
        code: 'preflight',
        hint: 'name the tag with --to, or check whether the registry requires a token (version.registryToken)',
      })
    }
    const known = all.size
    for (const tag of tags) all.add(tag)
    if (all.size < known + page) break
  }
  return [...all]
}

function tagsOf(json: Json): readonly string[] | null {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null
  const { tags } = json as { readonly tags?: Json }
  // `null` for a repository that lost its last tag.
  if (tags === null) return []
  return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : null
}

/**
 * The form of a tag, whatever its numbers: `latest` or a branch tag is not a version before
 * `2025-12-20-rc2`.
 */
const form = (tag: string): string => tag.replace(/\d+/g, '0')

const order = new Intl.Collator('en', { numeric: true })

/** The tag right before another of the same form, in numeric order; null where there is none. */
export function tagBefore(tags: readonly string[], present: string): string | null {
  return (
    tags
      .filter((tag) => form(tag) === form(present) && order.compare(tag, present) < 0)
      .toSorted(order.compare)
      .at(-1) ?? null
  )
}

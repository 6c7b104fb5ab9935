import { RunbookError, type Json, type Look, type VersionPin } from '../../../src/index.ts'

const page = 1000
const maxPages = 100

/**
 * Every tag of a repository, as the OCI distribution API lists them: a page at a time, each asked for by the last tag of the one before.
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
      throw new RunbookError('preflight', `${url} gives no list of tags: ${status} ${excerpt.slice(0, 80)}`, {
        hint: 'name the tag with --to; does the registry want a token (version.registryToken)?',
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

/** How a tag is written, whatever its numbers: so `latest` and the tag of a branch are no version before `2025-12-20-rc2`. */
const form = (tag: string): string => tag.replace(/\d+/g, '0')

const order = new Intl.Collator('en', { numeric: true })

/** The tag that comes right before another, numbers counted as numbers; null where none is written like it. */
export function tagBefore(tags: readonly string[], present: string): string | null {
  return (
    tags
      .filter((tag) => form(tag) === form(present) && order.compare(tag, present) < 0)
      .toSorted(order.compare)
      .at(-1) ?? null
  )
}

import { posix } from 'node:path'

/**
 * Whether a path, relative to the top, is excluded itself. Patterns without a slash are names at any depth,
 * those with one are paths from the top; a trailing slash is ignored. `*` matches any text without a slash,
 * `**` any folders.
 */
export function excluded(path: string, patterns: readonly string[]): boolean {
  return patterns.some((given) => {
    const pattern = given.replace(/^\.?\//, '').replace(/\/+$/, '')
    if (pattern === '') return false
    return posix.matchesGlob(
      pattern.includes('/') || given.startsWith('/') ? path : posix.basename(path),
      pattern,
    )
  })
}

/** Whether the path or one of its parent folders is excluded. */
export function excludedWithParents(path: string, patterns: readonly string[]): boolean {
  const parts = path.split('/')
  return parts.some((_, index) => excluded(parts.slice(0, index + 1).join('/'), patterns))
}

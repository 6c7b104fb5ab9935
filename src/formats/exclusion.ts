import { posix } from 'node:path'

/**
 * Whether a path, relative to the top, is excluded itself: patterns without a slash are names that count at any depth, those with one
 * are paths from the top. A slash at the end says no more than that a folder is meant. `*` stands for any text without a slash, `**` for any folders.
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

/** Whether it is excluded by itself or with a folder above it. */
export function excludedWithParents(path: string, patterns: readonly string[]): boolean {
  const parts = path.split('/')
  return parts.some((_, index) => excluded(parts.slice(0, index + 1).join('/'), patterns))
}

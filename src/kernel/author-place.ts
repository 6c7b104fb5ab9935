import { fileURLToPath } from 'node:url'
import { ownRoot } from './own-code.ts'

const own = fileURLToPath(new URL('src/', ownRoot))

/** The first line of a stack that is neither Node's, nor a package's, nor this program's, as `FILE:LINE`; null if there is none. */
export function foreignFrame(stack: string): string | null {
  for (const [, at = '', line] of stack.matchAll(
    /^ +at (?:.*\()?((?:file:\/\/)?\/[^\n()]+?):(\d+):\d+\)?$/gm,
  )) {
    const file = at.startsWith('file:') ? fileURLToPath(at) : at
    if (!file.startsWith(own) && !file.includes('/node_modules/')) return `${file}:${line}`
  }
  return null
}

/**
 * Where in the code of a team the mistake is, as `FILE:LINE`; null for any error but one `by` an author. Read by shape,
 * since a team's package may bring its own copy of the class.
 */
export function authorPlace(thrown: unknown): string | null {
  const chain: Error[] = []
  for (let at = thrown; at instanceof Error && chain.length < 10; at = at.cause) chain.push(at)
  if (!chain.some((error) => 'by' in error && error.by === 'author')) return null
  return chain.reduceRight<string | null>(
    (found, { stack }) => found ?? foreignFrame(String(stack ?? '')),
    null,
  )
}

import { join } from 'node:path'

/** One point in the journal of one process. Left out, `type` and `step` match any entry. */
export type Kill = {
  /** Before the entry is written, once it is durable, or `wait` milliseconds later; at the latest before the outcome of its step is written. */
  readonly when: 'before' | 'after' | 'during'
  readonly type?: string
  readonly step?: string
  /** Of the matching entries, counted from one. */
  readonly count?: number
  readonly wait?: number
}

/** What makes the program die there: arguments of node, and an environment. */
export const deadly = (
  kill: Kill | null,
): { readonly node: readonly string[]; readonly env: Readonly<Record<string, string>> } =>
  kill === null
    ? { node: [], env: {} }
    : {
        node: ['--import', join(import.meta.dirname, 'killpoint.ts')],
        env: { KILL_AT: JSON.stringify(kill) },
      }

import type { Progress } from '../../drivers/scope.ts'
import type { Stored } from './entry.ts'

/** Events of a running run, for views outside the engine. Secrets are already masked. */
export type RunEvent =
  | { readonly type: 'entry'; readonly stored: Stored }
  | { readonly type: 'output'; readonly step: string; readonly chunk: Uint8Array }
  | { readonly type: 'progress'; readonly step: string; readonly progress: Progress }
  | { readonly type: 'note'; readonly step: string; readonly line: string }

export type Listener = (event: RunEvent) => void

/** Ignores what the listener throws: a closed terminal or a full pipe must not stop a recovery half-way. */
export function harmless(listener: Listener): Listener {
  return (event) => {
    try {
      listener(event)
    } catch {
      // The journal and the step's log still have what it would have shown.
    }
  }
}

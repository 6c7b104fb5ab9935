import type { Progress } from '../../drivers/scope.ts'
import type { Stored } from './entry.ts'

/** What a run tells while it goes on. Several views listen; none of them is in the engine. Everything here is masked already. */
export type RunEvent =
  | { readonly type: 'entry'; readonly stored: Stored }
  | { readonly type: 'output'; readonly step: string; readonly chunk: Uint8Array }
  | { readonly type: 'progress'; readonly step: string; readonly progress: Progress }
  | { readonly type: 'note'; readonly step: string; readonly line: string }

export type Listener = (event: RunEvent) => void

/** A screen that is gone (a closed terminal, a full pipe) is no reason to leave a recovery half-way. */
export function harmless(listener: Listener): Listener {
  return (event) => {
    try {
      listener(event)
    } catch {
      // What it would have shown stands in the journal and in the log of the step.
    }
  }
}

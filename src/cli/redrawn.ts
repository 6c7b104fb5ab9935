import type { Width } from '../views/fit.ts'
import { drawingFor } from '../conduct/drawing.ts'
import { withoutEmptyLines } from '../conduct/frame.ts'

/** A part of a terminal that is drawn over. */
export interface Redrawn {
  width(): Width
  draw(text: string): void
  /** Leaves nothing of it. */
  done(): void
}

/** Null where output cannot be redrawn, so that it has to be lines that stay. */
export async function redrawnOn(
  stream: NodeJS.WriteStream,
  environment: { readonly [name: string]: string | undefined },
): Promise<Redrawn | null> {
  if (drawingFor({ json: false, inCi: false, screen: stream, environment }) !== 'live') return null
  const { createLogUpdate } = await import('log-update')
  const update = createLogUpdate(stream)
  return {
    width: () => stream.columns || null,
    draw: (text) => update(withoutEmptyLines(text.trimEnd())),
    done: () => {
      update.clear()
      update.done()
    },
  }
}

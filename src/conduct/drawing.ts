/** `live` redraws in place, `lines` writes plain lines, `silent` writes nothing. */
export type Drawing = 'live' | 'lines' | 'silent'

export type Screen = { readonly isTTY?: boolean; readonly columns?: number }

/** Columns. Redrawing fails in narrower terminals; a width of 0 is common in pseudo-terminals. */
const narrowest = 40

export function drawingFor(given: {
  readonly json: boolean
  readonly inCi: boolean
  readonly screen: Screen
  readonly environment: { readonly [name: string]: string | undefined }
}): Drawing {
  if (given.json) return 'silent'
  if (isPlain(given.environment)) return 'lines'
  const { isTTY, columns } = given.screen
  return isTTY === true && (columns ?? 0) >= narrowest && !given.inCi ? 'live' : 'lines'
}

/**
 * Terminals that cannot move the cursor say so with `TERM=dumb`. Screen readers read every redraw again, so people
 * who use one ask for plain lines with `RUNBOOK_PLAIN`.
 */
export const isPlain = (environment: { readonly [name: string]: string | undefined }): boolean =>
  environment['TERM'] === 'dumb' || !['', '0', undefined].includes(environment['RUNBOOK_PLAIN'])

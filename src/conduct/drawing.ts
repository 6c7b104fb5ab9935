/** `live` redraws in place, `lines` writes plain lines, `silent` writes nothing. */
export type Drawing = 'live' | 'lines' | 'silent'

export type Screen = { readonly isTTY?: boolean; readonly columns?: number }

/** Columns. Redrawing fails in narrower terminals; a width of 0 is common in pseudo-terminals. */
const narrowest = 40

export function drawingFor(given: {
  readonly json: boolean
  readonly inCi: boolean
  readonly screen: Screen
}): Drawing {
  if (given.json) return 'silent'
  const { isTTY, columns } = given.screen
  return isTTY === true && (columns ?? 0) >= narrowest && !given.inCi ? 'live' : 'lines'
}

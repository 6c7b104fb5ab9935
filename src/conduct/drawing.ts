/** `live` redraws in place, `lines` writes plain lines, `silent` leaves the screen to others. */
export type Drawing = 'live' | 'lines' | 'silent'

export type Screen = { readonly isTTY?: boolean; readonly columns?: number }

/** In a terminal narrower than this (a width of 0 is common in pseudo-terminals) redrawing makes a mess. */
const narrowest = 40

export function drawingFor(asked: {
  readonly json: boolean
  readonly inCi: boolean
  readonly screen: Screen
}): Drawing {
  if (asked.json) return 'silent'
  const { isTTY, columns } = asked.screen
  return isTTY === true && (columns ?? 0) >= narrowest && !asked.inCi ? 'live' : 'lines'
}

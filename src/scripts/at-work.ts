/** Parts of scripts that take real time and none of a run: zx is loaded, a command is prepared, its end is read. */
let held = 0

/** Whether a clock that jumps over waits has to wait for a script; what a command itself does is not counted. */
export const isAtWork = (): boolean => held > 0

/** @returns ends it; has no effect when called again */
export function hold(): () => void {
  held += 1
  let isOver = false
  return () => {
    if (!isOver) held -= 1
    isOver = true
  }
}

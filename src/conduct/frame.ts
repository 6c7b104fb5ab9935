/**
 * A drawing as log-update can replace it. Where a frame goes on below an empty line at which the last one ended, log-update only moves the
 * cursor down: at the lower edge of the screen it does not move, and everything that follows is a line too high.
 */
export const withoutEmptyLines = (frame: string): string =>
  frame === '' ? '' : frame.replaceAll(/^$/gm, ' ')

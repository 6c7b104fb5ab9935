import { oneLine } from '../kernel/sanitize.ts'

type Tried = { readonly target: string; readonly channel: string; readonly problem: string | null }

/** Which channels of the operators took a test message. */
export const channelsText = (tried: readonly Tried[]): string =>
  tried
    .map(
      ({ target, channel, problem }) =>
        `${oneLine(target)}  ${oneLine(channel)}  ${problem === null ? 'accepted' : `NOT accepted: ${oneLine(problem)}`}\n`,
    )
    .join('')

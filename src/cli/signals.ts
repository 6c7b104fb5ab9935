import type { StopButton, StopSignal } from '../run/engine/stop.ts'

const words: { readonly [S in StopSignal]: string } = { SIGINT: 'Ctrl-C', SIGTERM: 'TERM' }

/** A signal only asks for a stop and announces it; the run checks for it where stopping is safe. */
export function listenFor(stop: StopButton, announce: (text: string) => void): { stopListening(): void } {
  const onSignal = (signal: NodeJS.Signals): void => {
    const name = signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'
    const second = stop.asked !== null
    stop.ask(name)
    announce(
      second
        ? `${words[name]} again: ending the step now, its effect is in doubt`
        : `${words[name]}: stopping after this step (again: at once)`,
    )
  }
  // A lost terminal is not a request to stop: an unattended recovery is better than half of one.
  const onHangup = (): void => undefined
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onHangup)
  return {
    stopListening: () =>
      void process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onHangup),
  }
}

import type { InstalledTimer, Timer } from '../drivers/timers.ts'

/** The timers of a configuration, a line each. */
export const timersText = (found: readonly InstalledTimer[]): string =>
  found.length === 0
    ? 'No timers. Install them:  runbook schedule install\n'
    : found
        .map(
          ({ name, where, active }) =>
            `${name}  ${where}${active === null ? '' : active ? '  active' : '  not active: it never starts'}\n`,
        )
        .join('')

export const installedText = (timers: readonly Timer[], kind: 'systemd' | 'cron'): string =>
  timers
    .map(
      ({ name, about, every }) =>
        `installed ${name} with ${kind}, ${every === 'minute' ? 'always' : `every ${every}`}: ${about.replace('runbook: ', '')}\n`,
    )
    .join('')

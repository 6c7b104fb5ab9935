import type { Timer } from '../drivers/timers.ts'
import { RunbookError } from '../kernel/errors.ts'

/**
 * One word of a command line in a unit: quoted, `%` and `$` doubled (systemd.service(5), "Command lines";
 * systemd.unit(5), "Specifiers").
 * @throws RunbookError `usage` for a control character, such as a line break, which a unit cannot hold
 */
export function unitWord(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new RunbookError(
      'usage',
      `${JSON.stringify(text)} has a control character, which a unit of systemd cannot hold`,
      { hint: 'rename it' },
    )
  return `"${text
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')}"`
}

/** As `unitWord`, where no variables are replaced (systemd.exec(5), Environment=). */
const assignment = (name: string, value: string): string => unitWord(`${name}=${value}`).replaceAll('$$', '$')

/** The whole rest of the line is the path (systemd.exec(5), WorkingDirectory=). */
const plainPath = (path: string): string =>
  unitWord(path).slice(1, -1).replaceAll('$$', '$').replaceAll(/\\(.)/g, '$1')

/** The service and the timer that start a command, by the names of their files. */
export function unitsOf(timer: Timer): ReadonlyMap<string, string> {
  const { name, about, every, argv, directory, environment } = timer
  const service = [
    '[Unit]',
    `Description=${about}`,
    'After=network-online.target docker.service',
    '',
    '[Service]',
    ...(every === 'minute' ? ['Type=exec', 'Restart=on-failure', 'RestartSec=1s'] : ['Type=oneshot']),
    `WorkingDirectory=${plainPath(directory)}`,
    ...Object.entries(environment).map(([key, value]) => `Environment=${assignment(key, value)}`),
    `ExecStart=${argv.map(unitWord).join(' ')}`,
    // A stop waits for the rollback of a run.
    'TimeoutStopSec=infinity',
    'KillMode=mixed',
    '',
  ]
  const start = [
    '[Unit]',
    `Description=${about}`,
    '',
    '[Timer]',
    // A service that runs already is not started twice (systemd.timer(5), Description).
    ...(every === 'minute'
      ? ['OnCalendar=minutely', 'OnActiveSec=1s', 'AccuracySec=1s']
      : [
          `OnCalendar=${every === 'hour' ? 'hourly' : 'daily'}`,
          'RandomizedDelaySec=10min',
          'Persistent=true',
        ]),
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ]
  return new Map([
    [`${name}.service`, service.join('\n')],
    [`${name}.timer`, start.join('\n')],
  ])
}

/** Whether the service of this text stays, and so has to be stopped when it is removed. */
export const staysIn = (service: string): boolean => service.includes('\nType=exec\n')

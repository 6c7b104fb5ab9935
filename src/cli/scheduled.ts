import { basename, dirname, join } from 'node:path'
import type { Timer } from '../drivers/timers.ts'
import { sha256 } from '../kernel/json.ts'

/** What decides which programs a timer finds and which journal it writes. Secrets are never passed on. */
const passedOn = [
  'PATH',
  'HOME',
  'XDG_STATE_HOME',
  'XDG_CONFIG_HOME',
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
]

export type Scheduled = {
  /** The configuration; absolute. */
  readonly file: string
  readonly state: string
  readonly environment: { readonly [name: string]: string | undefined }
  /** Node, with its flags, and the program. */
  readonly program: readonly string[]
  /** One target; null for all. */
  readonly target: string | null
  /** The text file for Prometheus; null for none. Absolute. */
  readonly metrics: string | null
}

/** The start of the names of all timers of a configuration: two of them on one machine have different ones. */
export function timerPrefix(file: string): string {
  const folder = basename(dirname(file))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
  return `runbook-${folder === '' ? '' : `${folder}-`}${sha256(file).slice(0, 8)}-`
}

/** The watch, the proofs that are due, every hour, and the doctor, every day. */
export function timersFor({
  file,
  state,
  environment,
  program,
  target,
  metrics,
}: Scheduled): readonly Timer[] {
  const common = {
    directory: dirname(file),
    environment: Object.fromEntries(
      passedOn.flatMap((name) => {
        const value = environment[name]
        return value === undefined ? [] : [[name, value]]
      }),
    ),
  }
  const timer = (name: string, about: string, every: Timer['every'], words: readonly string[]): Timer => ({
    ...common,
    name: `${timerPrefix(file)}${name}`,
    about,
    every,
    argv: [...program, '--config', file, ...words],
    log: join(state, 'timers', `${timerPrefix(file)}${name}.log`),
  })
  const onTarget = target === null ? [] : ['--target', target]
  return [
    timer('watch', 'runbook: watch the runs', 'minute', ['watch', '--unless-running']),
    timer('drills', 'runbook: run the proofs that are due', 'hour', ['drills', 'run', ...onTarget]),
    timer('doctor', 'runbook: look for what would stop a recovery', 'day', [
      'doctor',
      ...(target === null ? ['--all'] : onTarget),
      ...(metrics === null ? [] : ['--metrics', metrics]),
    ]),
  ]
}

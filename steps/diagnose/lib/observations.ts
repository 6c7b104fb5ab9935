import { failureOf, type SecretHandle, type ServiceState } from '../../../src/index.ts'

/** Something observed, and the case that it points to. */
export type Observation = {
  readonly case: string
  readonly evidence: string
  /** `health`: a health check fails, which `address`, a service that is down at its port, explains. */
  readonly from?: 'health' | 'address'
}

/** What one step observed. */
export type Observed = { readonly sights: readonly Observation[] }

/** No secret is required up front: a diagnosis reports a missing secret instead of failing. */
export const lacking = (): readonly SecretHandle[] => []

/**
 * Messages of programs, each with the case that it points to. Only the matched words are reported: a log line
 * may contain anything.
 */
const signatures: readonly (readonly [RegExp, string])[] = [
  [/cannot run \S{1,200} in \S{1,200}: no such folder/gi, 'stack-missing'],
  [/database (?:table )?is locked/gi, 'database-locked'],
  [/database disk image is malformed|file is not a database/gi, 'database-damaged'],
  [/can(?:'|no)t downgrade|would delete data/gi, 'downgrade-refused'],
  [
    /no such column|column \S{1,80} does not exist|UndefinedColumn|can't locate revision/gi,
    'migration-mismatch',
  ],
  [/no pg_hba\.conf entry|password authentication failed|pg_hba\.conf rejects connection/gi, 'auth-refused'],
  [/address already in use|EADDRINUSE|port is already allocated/gi, 'port-taken'],
  [/(?:failed to load|cannot load|no such) model|model (?:file )?(?:is )?not found/gi, 'model-missing'],
  [/no such file or directory|ENOENT/gi, 'volume-missing'],
  [/no space left on device|ENOSPC|disk quota exceeded|database or disk is full/gi, 'disk-full'],
  [/permission denied|EACCES/gi, 'permissions-wrong'],
  [/no such image|manifest unknown|pull access denied/gi, 'image-missing'],
  [/cannot connect to the docker daemon|docker\.sock/gi, 'daemon-settings'],
  [/env file \S{1,200} (?:is )?not (?:there|found)/gi, 'configuration-bad'],
]

/**
 * Why the program itself could not look, in its own words. They come before the signatures: such a message may
 * mention a missing file or the Docker daemon without pointing to a volume or to the settings of the daemon.
 */
const ownReasons: readonly (readonly [RegExp, string])[] = [
  [/Docker does not answer at|lost the connection to Docker/, 'daemon-settings'],
  [/no permission to use Docker/, 'host-unread'],
  [/has one from the same files/, 'project-differs'],
  [/cannot read the Compose files of/, 'compose-broken'],
]

/** Known cases in a text, each once, with the number of matches. */
export function observationsIn(text: string, where: string): readonly Observation[] {
  return signatures.flatMap(([pattern, about]) => {
    const found = text.match(pattern)
    return found === null
      ? []
      : [
          {
            case: about,
            evidence: `${where} says "${found[0]}"${found.length === 1 ? '' : `, ${found.length} similar matches`}`,
          },
        ]
  })
}

/** What a failed check shows: the cases that its message matches, or else `otherwise`. */
export function observationsOfFailure(thrown: unknown, otherwise: string): readonly Observation[] {
  const { message } = failureOf(thrown)
  const own = ownReasons.find(([pattern]) => pattern.test(message))
  if (own !== undefined) return [{ case: own[1], evidence: message }]
  const known = observationsIn(`${message}\n${causesOf(thrown)}`, 'the check')
  return known.length > 0
    ? known.map((observation) => ({ ...observation, evidence: message }))
    : [{ case: otherwise, evidence: message }]
}

function causesOf(thrown: unknown): string {
  const { cause } = thrown instanceof Error ? thrown : {}
  return cause instanceof Error ? `${cause.message}\n${causesOf(cause)}` : ''
}

/**
 * Exit codes of a stop: 0, 143 (SIGTERM), 130 (SIGINT), and 137 (SIGKILL), which `docker stop` sends to a program that
 * does not end in time. None is a sign of a bad version.
 */
const stopped: readonly (number | null)[] = [null, 0, 143, 130, 137]

/** The case of a service that was stopped, not one that failed. */
export const serviceStopped = 'service-stopped'

/** What the state of a service shows. `needed`: it should run. */
export function observationsOfState(
  { service, state, health, instances }: ServiceState,
  needed: boolean,
): readonly Observation[] {
  const evidence: string[] = []
  const down: string[] = []
  if (state === 'restarting') evidence.push(`${service} is in a restart loop`)
  if (health === 'unhealthy') evidence.push(`${service} is unhealthy`)
  if (needed && (state === 'missing' || state === 'paused')) evidence.push(`${service} is ${state}`)
  for (const { exitCode, outOfMemory } of instances) {
    if (outOfMemory) return [{ case: 'out-of-memory', evidence: `${service} was killed: out of memory` }]
    if (state === 'stopped' && !stopped.includes(exitCode))
      evidence.push(`${service} ended with exit code ${exitCode}`)
    else if (needed && state === 'stopped') down.push(`${service} is stopped`)
  }
  return [
    ...evidence.map((one) => ({ case: 'deploy-failed', evidence: one })),
    ...down.map((one) => ({ case: serviceStopped, evidence: one })),
  ]
}

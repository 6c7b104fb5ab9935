import { failureOf, type SecretHandle, type ServiceState } from '../../../src/index.ts'

/** Something that was seen, and the case that it speaks for. */
export type Observation = { readonly case: string; readonly evidence: string }

/** What the looks of one step saw. */
export type Observed = { readonly sights: readonly Observation[] }

/** A look tells of what it lacks: that a secret is not there is no reason not to look. */
export const lacking = (): readonly SecretHandle[] => []

/** Words of programs, and the case that they speak for. Only the words are told on: a line of a log may hold anything. */
const words: readonly (readonly [RegExp, string])[] = [
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

/** What a text says of known troubles, each case once with how often. */
export function observationsIn(text: string, where: string): readonly Observation[] {
  return words.flatMap(([pattern, about]) => {
    const found = text.match(pattern)
    return found === null
      ? []
      : [
          {
            case: about,
            evidence: `${where} says "${found[0]}"${found.length === 1 ? '' : ` and the like ${found.length} times`}`,
          },
        ]
  })
}

/** A look that failed tells something too: what its message is about, or else the case that it is a sign of. */
export function observationsOfFailure(thrown: unknown, otherwise: string): readonly Observation[] {
  const { message } = failureOf(thrown)
  const known = observationsIn(`${message}\n${causesOf(thrown)}`, 'the look')
  return known.length > 0
    ? known.map((sight) => ({ ...sight, evidence: message }))
    : [{ case: otherwise, evidence: message }]
}

function causesOf(thrown: unknown): string {
  const { cause } = thrown instanceof Error ? thrown : {}
  return cause instanceof Error ? `${cause.message}\n${causesOf(cause)}` : ''
}

/** Exit codes of a service that was told to stop: 0, and those of SIGTERM and SIGINT. */
const calm: readonly (number | null)[] = [null, 0, 143, 130]

/** What the state of a service says. `needed`: it should run. */
export function observationsOfState(
  { service, state, health, instances }: ServiceState,
  needed: boolean,
): readonly Observation[] {
  const evidence: string[] = []
  if (state === 'restarting') evidence.push(`${service} restarts again and again`)
  if (health === 'unhealthy') evidence.push(`${service} is unhealthy`)
  if (needed && (state === 'missing' || state === 'paused')) evidence.push(`${service} is ${state}`)
  for (const { exitCode, outOfMemory } of instances) {
    if (outOfMemory) return [{ case: 'out-of-memory', evidence: `${service} was ended for want of memory` }]
    if (state === 'stopped' && !calm.includes(exitCode))
      evidence.push(`${service} ended with exit code ${exitCode}`)
    else if (needed && state === 'stopped') evidence.push(`${service} is stopped`)
  }
  return evidence.map((one) => ({ case: 'deploy-failed', evidence: one }))
}

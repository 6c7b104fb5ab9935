import {
  defineStep,
  isPending,
  say,
  variablesOf,
  type FilePlace,
  type Look,
  type Ownership,
  type Stack,
} from '../../src/index.ts'
import { kindAt } from '../files/lib/file-place.ts'
import { observationsOfFailure, type Observed, type Observation } from './lib/observations.ts'

/** A path that must exist in a service's container. */
export type Needed = {
  readonly at: FilePlace
  readonly kind: 'file' | 'directory'
  /** Null: any owner and mode. */
  readonly ownership: Ownership | null
}

type Input = {
  readonly needed: readonly Needed[]
  /** The env file whose variables may name a model, and the service that reads it. */
  readonly settings: { readonly file: string; readonly stack: Stack; readonly service: string } | null
}

/**
 * Checks paths in containers, running or not: data, documents and the configured model exist, with the
 * expected owner and mode.
 */
export const inspectVolumes = defineStep<Input, Observed>({
  kind: 'diagnose.look-at-volumes',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 120,
  describe: ({ needed }) => {
    if (isPending(needed)) return 'Checks the volumes.'
    const paths = needed.map((one) => (isPending(one) || isPending(one.at) ? 'a required path' : one.at.path))
    return say`Checks ${paths} with owner and mode, and the configured model.`
  },
  run: async (look, { needed, settings }) => {
    const observations: Observation[] = []
    const observe = async (check: () => Promise<readonly Observation[]>): Promise<void> => {
      try {
        observations.push(...(await check()))
      } catch (thrown) {
        look.signal.throwIfAborted()
        observations.push(...observationsOfFailure(thrown, 'deploy-failed'))
      }
    }
    for (const one of needed) await observe(() => inspectPath(look, one))
    if (settings !== null) await observe(() => missingModels(look, settings))
    return { sights: observations }
  },
})

async function inspectPath(
  look: Look,
  { at: { inside, path }, kind, ownership }: Needed,
): Promise<readonly Observation[]> {
  if (inside === null) return []
  const facts = await look.volumes.stat({ ...inside, path })
  if (facts === null) return [{ case: 'volume-missing', evidence: `${path} of ${inside.service} not found` }]
  if (facts.kind !== kind)
    return [
      { case: 'volume-missing', evidence: `${path} of ${inside.service} is a ${facts.kind}, not a ${kind}` },
    ]
  look.note(`${path} of ${inside.service}: last modified ${facts.modifiedAt}`)
  const why = ownership === null ? null : notOwned(facts, ownership)
  return why === null ? [] : [{ case: 'permissions-wrong', evidence: `${path} of ${inside.service} ${why}` }]
}

/** How owner and mode differ from the configuration; null where they match. */
export function notOwned(facts: Ownership, expected: Ownership): string | null {
  const modeAndOwner = ({ uid, gid, mode }: Ownership): string =>
    `${(mode & 0o7777).toString(8).padStart(4, '0')} ${uid}:${gid}`
  return modeAndOwner(facts) === modeAndOwner(expected)
    ? null
    : `has mode and owner ${modeAndOwner(facts)}, expected ${modeAndOwner(expected)}`
}

/** A variable that names a model file: `LLM_MODEL_PATH`. */
const modelVariable = /^\w*MODEL_PATH$/

async function missingModels(
  look: Look,
  { file, stack, service }: NonNullable<Input['settings']>,
): Promise<readonly Observation[]> {
  // `inspectHost` reports a missing env file.
  if ((await look.files.stat(file)) === null) return []
  const observations: Observation[] = []
  for (const [name, path] of Object.entries(variablesOf(await look.files.read(file, 1 << 20)))) {
    if (!modelVariable.test(name) || path === null || !path.startsWith('/')) continue
    if ((await kindAt(look, { inside: { stack, service }, path })) === null)
      observations.push({
        case: 'model-missing',
        evidence: `${name} is ${path}, which does not exist in ${service}`,
      })
  }
  return observations
}

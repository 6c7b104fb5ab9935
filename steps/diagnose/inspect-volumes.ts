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
  describe: ({ needed }) =>
    isPending(needed)
      ? 'Looks into the volumes.'
      : say`Looks whether ${needed.map((one) => (isPending(one) || isPending(one.at) ? 'what is needed' : one.at.path))} are there, with their owner and mode, and the model that the settings name.`,
  run: async (look, { needed, settings }) => {
    const sights: Observation[] = []
    const each = async (question: () => Promise<readonly Observation[]>): Promise<void> => {
      try {
        sights.push(...(await question()))
      } catch (thrown) {
        look.signal.throwIfAborted()
        sights.push(...observationsOfFailure(thrown, 'deploy-failed'))
      }
    }
    for (const one of needed) await each(() => lookInto(look, one))
    if (settings !== null) await each(() => models(look, settings))
    return { sights }
  },
})

async function lookInto(
  look: Look,
  { at: { inside, path }, kind, ownership }: Needed,
): Promise<readonly Observation[]> {
  if (inside === null) return []
  const facts = await look.volumes.stat({ ...inside, path })
  if (facts === null)
    return [{ case: 'volume-missing', evidence: `${path} of ${inside.service} is not there` }]
  if (facts.kind !== kind)
    return [
      { case: 'volume-missing', evidence: `${path} of ${inside.service} is a ${facts.kind}, no ${kind}` },
    ]
  look.note(`${path} of ${inside.service}: changed last at ${facts.modifiedAt}`)
  const why = ownership === null ? null : notOwned(facts, ownership)
  return why === null ? [] : [{ case: 'permissions-wrong', evidence: `${path} of ${inside.service} ${why}` }]
}

/** How owner and mode differ from the configuration; null where they match. */
export function notOwned(facts: Ownership, wanted: Ownership): string | null {
  const told = ({ uid, gid, mode }: Ownership): string =>
    `${(mode & 0o7777).toString(8).padStart(4, '0')} ${uid}:${gid}`
  return told(facts) === told(wanted)
    ? null
    : `is ${told(facts)}, where the configuration says ${told(wanted)}`
}

/** A variable that names a model file: `LLM_MODEL_PATH`. */
const model = /^\w*MODEL_PATH$/

async function models(
  look: Look,
  { file, stack, service }: NonNullable<Input['settings']>,
): Promise<readonly Observation[]> {
  // `inspectHost` reports a missing env file.
  if ((await look.files.stat(file)) === null) return []
  const sights: Observation[] = []
  for (const [name, path] of Object.entries(variablesOf(await look.files.read(file, 1 << 20)))) {
    if (!model.test(name) || !path.startsWith('/')) continue
    if ((await kindAt(look, { inside: { stack, service }, path })) === null)
      sights.push({
        case: 'model-missing',
        evidence: `${name} names ${path}, which ${service} does not have`,
      })
  }
  return sights
}

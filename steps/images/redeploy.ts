import { defineStep, isPending, RunbookError, say, type Look, type ServiceState } from '../../src/index.ts'
import type { Wanted } from './choose-image.ts'

type Naming = { readonly imageId: string; readonly reference: string }
type Input = {
  readonly wanted: Wanted
  /** Canonical names with the images that they name now. */
  readonly names: readonly Naming[]
}

type Was = {
  readonly service: string
  readonly reference: string
  readonly state: ServiceState['state']
  readonly imageId: string | null
}
type Before = { readonly was: readonly Was[] }
type Output = {
  readonly services: readonly { readonly env: string; readonly service: string; readonly imageId: string }[]
}

/**
 * Brings up each environment's own service, building nothing, and sees by image id that it runs what it should: an exit code of 0 is no
 * proof. Undone by the old image under the canonical name for as long as it takes to bring the service up again; a container that was made
 * where there was none is left stopped.
 */
export const redeployImages = defineStep<Input, Output, Before>({
  kind: 'images.redeploy',
  version: 1,
  effect: 'change',
  timeoutSeconds: 600,
  marks: { downFrom: true },
  describe: ({ wanted }) =>
    isPending(wanted)
      ? 'Brings up the services with up -d --no-build, those of the environments only.'
      : say`Brings up ${wanted.images.map(({ environment: { name, service } }) => `${service} (${name})`)} with up -d --no-build, and nothing else.`,
  survey: async (look, { wanted }) => ({
    was: await Promise.all(
      wanted.images.map(async ({ environment }) =>
        wasOf(environment.canonical, await stateOf(look, environment)),
      ),
    ),
  }),
  predict: ({ input: { wanted, names } }) =>
    isPending(wanted) || isPending(names)
      ? { output: null }
      : {
          output: outputOf(wanted, names),
          changes: wanted.images.map(({ environment: { service }, imageId }) => `${service} runs ${imageId}`),
        },
  run: async (io, { input: { wanted, names } }) => {
    for (const {
      environment: { stack, service },
    } of wanted.images)
      await io.services.up({ stack, names: [service] })
    const wrong = await wrongOf(io, wanted, names)
    if (wrong.length > 0)
      throw new RunbookError('failed', `brought up without an error, and yet ${wrong.join('; ')}`, {
        hint: 'the logs of the services say why',
      })
    return outputOf(wanted, names)
  },
  probe: async (look, { input: { wanted, names }, before: { was }, way }) => {
    const now = await Promise.all(
      wanted.images.map(async ({ environment }) =>
        wasOf(environment.canonical, await stateOf(look, environment)),
      ),
    )
    const absent = was.every((then, index) => same(then, now[index]))
    const wrong = await wrongOf(look, wanted, names)
    if (absent && (way === 'back' || wrong.length > 0)) return { is: 'absent' }
    return wrong.length === 0
      ? { is: 'done', output: outputOf(wanted, names) }
      : { is: 'torn', why: wrong.join('; ') }
  },
  rerunnable: true,
  undo: async (io, { input: { wanted, names }, before: { was } }) => {
    for (const [
      index,
      {
        environment: { stack, service, canonical },
      },
    ] of wanted.images.entries()) {
      const then = was[index]
      if (then === undefined) continue
      if (then.imageId !== null) {
        await io.images.tag(then.imageId, canonical)
        await io.services.up({ stack, names: [service] })
        const { imageId } = names.find(({ reference }) => reference === canonical) ?? {
          imageId: then.imageId,
        }
        await io.images.tag(imageId, canonical)
      }
      if (then.state === 'stopped' || then.state === 'missing')
        await io.services.stop({ stack, names: [service] }, 10)
    }
  },
})

/** Looks once more, when health has been seen: a service that fell over meanwhile, or was made anew, is noticed. */
export const requireImages = defineStep<
  { readonly wanted: Wanted; readonly names: readonly Naming[] },
  Output
>({
  kind: 'images.require',
  version: 1,
  effect: 'observe',
  describe: ({ wanted }) =>
    isPending(wanted)
      ? 'Compares the images that run with those wanted.'
      : say`Compares by image id what ${wanted.images.map(({ environment: { service } }) => service)} run with what they should.`,
  predict: async ({ input: { wanted, names } }) => ({
    output: isPending(wanted) || isPending(names) ? null : outputOf(wanted, names),
  }),
  run: async (look, { wanted, names }) => {
    const wrong = await wrongOf(look, wanted, names)
    if (wrong.length > 0)
      throw new RunbookError('failed', `the services do not run the images wanted: ${wrong.join('; ')}`, {
        hint: 'docker ps --all',
      })
    return outputOf(wanted, names)
  },
})

type Environment = Wanted['images'][number]['environment']

async function stateOf(look: Pick<Look, 'services'>, { stack, service }: Environment): Promise<ServiceState> {
  const [state] = await look.services.states({ stack, names: [service] })
  if (state !== undefined) return state
  throw new RunbookError('failed', `nobody knows the state of ${service}`)
}

const wasOf = (reference: string, { service, state, instances }: ServiceState): Was => ({
  service,
  reference,
  state,
  imageId: instances[0]?.imageId ?? null,
})

const idle = (state: ServiceState['state']): boolean => state === 'stopped' || state === 'missing'
/** A service that crashes and restarts is caught in one state or the other. */
function same(then: Was, now: Was | undefined): boolean {
  if (now === undefined || idle(then.state) !== idle(now.state)) return false
  return then.imageId === now.imageId || (then.state === 'missing' && now.state === 'stopped')
}

async function wrongOf(
  look: Pick<Look, 'services'>,
  wanted: Wanted,
  names: readonly Naming[],
): Promise<readonly string[]> {
  const found = await Promise.all(
    wanted.images.map(async ({ environment }) => {
      const { service, state, instances } = await stateOf(look, environment)
      const wants = names.find(({ reference }) => reference === environment.canonical)?.imageId
      if (state !== 'running') return [`${service} is ${state}`]
      return instances
        .filter(({ imageId }) => imageId !== wants)
        .map(({ imageId }) => `${service} runs ${imageId}, not ${wants}`)
    }),
  )
  return found.flat()
}

const outputOf = (wanted: Wanted, names: readonly Naming[]): Output => ({
  services: wanted.images.map(({ environment: { name, service, canonical }, imageId }) => ({
    env: name,
    service,
    imageId: names.find(({ reference }) => reference === canonical)?.imageId ?? imageId,
  })),
})

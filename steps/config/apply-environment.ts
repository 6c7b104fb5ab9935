import {
  defineStep,
  digestOf,
  isPending,
  RunbookError,
  say,
  type Finding,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { putBack, type EditedFile } from './kept-file.ts'

type Input = {
  readonly services: ServiceGroup
  /** The env file with which they are made. What was edited is put back before they are made anew on the way back. */
  readonly edited: EditedFile
}

type Seen = {
  readonly service: string
  readonly image: string
  readonly imageId: string
  readonly instances: readonly string[]
  /** Of all variables of what runs; null where nothing runs. */
  readonly environment: string | null
}

type Before = { readonly services: readonly Seen[] }
type Output = { readonly names: readonly string[] }

/**
 * Makes services anew, with the env file as it is now, and with the images that they have. An inline `IMAGE_TAG` of an earlier command is
 * not in the files: where they name another image than the one that runs, this is refused, for it would bring that one back.
 */
export const applyEnvironment = defineStep<Input, Output, Before>({
  kind: 'config.apply-environment',
  version: 1,
  effect: 'change',
  describe: ({ services }) =>
    isPending(services)
      ? 'Makes the services anew.'
      : say`Makes ${services.names} anew with the env file as it is then, on the images that they have.`,
  preflight: async (look, { services }) =>
    isPending(services) ? [] : [...(await surprises(look, services))],
  marks: { downFrom: true },
  survey: async (look, { services }) => {
    const [surprise] = await surprises(look, services)
    if (surprise !== undefined) throw new RunbookError('failed', surprise.problem, { hint: surprise.hint })
    return { services: await seen(look, services) }
  },
  predict: ({ input: { services } }) =>
    isPending(services)
      ? { output: null }
      : { output: { names: services.names }, changes: services.names.map((name) => `${name} is made anew`) },
  run: async (io, { input: { services }, before }) => {
    await io.services.recreate(services)
    const other = (await seen(io, services)).find(
      ({ service, imageId }) => imageId !== before.services.find((was) => was.service === service)?.imageId,
    )
    if (other !== undefined)
      throw new RunbookError(
        'failed',
        `${other.service} was made anew on another image, ${other.image} (${other.imageId})`,
        { hint: 'its tag was moved: name the image by a tag that stays' },
      )
    return { names: services.names }
  },
  probe: async (look, { input: { services }, before, way }) => {
    const now = await seen(look, services)
    const was = (one: Seen): Seen | undefined =>
      before.services.find(({ service }) => service === one.service)
    if (way === 'back') {
      const differing = now.filter(
        (one) => one.environment !== was(one)?.environment || one.imageId !== was(one)?.imageId,
      )
      return differing.length === 0
        ? { is: 'absent' }
        : { is: 'torn', why: `${differing.map(({ service }) => service).join(', ')} not yet as before` }
    }
    const fresh = now.filter(
      (one) =>
        one.instances.length > 0 &&
        one.environment !== null &&
        one.instances.every((id) => was(one)?.instances.includes(id) !== true),
    )
    if (fresh.length === now.length) return { is: 'done', output: { names: services.names } }
    const same = now.every((one) => digestOf(one) === digestOf(was(one) ?? null))
    return same
      ? { is: 'absent' }
      : {
          is: 'torn',
          why: `of ${services.names.join(', ')} only ${fresh.map(({ service }) => service).join(', ') || 'none'} run anew`,
        }
  },
  rerunnable: true,
  undo: async (io, { input: { services, edited } }) => {
    await putBack(io, edited)
    await io.services.recreate(services)
  },
})

async function seen(look: Pick<Look, 'services'>, services: ServiceGroup): Promise<readonly Seen[]> {
  const [states, variables] = await Promise.all([
    look.services.states(services),
    look.services.variables(services),
  ])
  return states.map(({ service, instances }) => {
    const mine = variables.filter((one) => one.service === service)
    return {
      service,
      image: instances[0]?.image ?? '',
      imageId: instances[0]?.imageId ?? '',
      instances: instances.map(({ id }) => id),
      environment: mine.length === 0 ? null : digestOf(mine.map(({ digests }) => digests)),
    }
  })
}

async function surprises(look: Pick<Look, 'services'>, services: ServiceGroup): Promise<readonly Finding[]> {
  const [states, declared] = await Promise.all([
    look.services.states(services),
    look.services.declared(services),
  ])
  return states.flatMap(({ service, state, instances }): readonly Finding[] => {
    const refuse = (problem: string, hint: string): readonly Finding[] => [
      { level: 'refuse', about: service, problem, hint },
    ]
    if (state !== 'running')
      return refuse(
        `${service} does not run (${state}), so nobody knows with which image it is to be made anew`,
        `start it first, or roll its version back`,
      )
    const named = declared.find((one) => one.service === service)?.image ?? null
    const runs = instances.find(({ image }) => image !== named)
    if (named === null || runs === undefined) return []
    return refuse(
      `${service} runs ${runs.image}, and the stack's files name ${named}: made anew it would run that one`,
      'put the tag that runs into the env file first, as IMAGE_TAG',
    )
  })
}

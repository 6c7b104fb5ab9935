import { digestOf, type Look } from '../../../src/index.ts'
import { editStateOf } from '../../config/lib/edited-file.ts'
import { isActive } from '../../services/lib/active.ts'
import { groupsOf, imageFor, type Before, type BringUp, type Seen } from './bring-up-input.ts'

type Eyes = Pick<Look, 'services'>

export async function seen(look: Eyes, input: BringUp): Promise<readonly Seen[]> {
  const groups = await Promise.all(
    groupsOf(input).map(async (group) => {
      const [states, variables] = await Promise.all([
        look.services.states(group),
        input.proof === 'environment' ? look.services.variables(group) : [],
      ])
      return states.map(({ service, state, instances }) => {
        const mine = variables.filter((one) => one.service === service)
        return {
          service,
          state,
          // The Compose file's declaration decides which image is right, whichever ran before.
          imageIds:
            input.proof === 'declaration'
              ? null
              : [...new Set(instances.map(({ imageId }) => imageId))].sort(),
          instances: instances.map(({ id }) => id),
          environment: mine.length === 0 ? null : digestOf(mine.map(({ digests }) => digests)),
        }
      })
    }),
  )
  return groups.flat()
}

export type Shown = { readonly service: string; readonly value: string | null }

/** The evidence that the proof asks for. Empty on the way back to a Compose file that Compose cannot read. */
export async function shown(look: Eyes, input: BringUp, way: 'forward' | 'back'): Promise<readonly Shown[]> {
  if (input.proof === 'file') {
    const { services, inside } = input.folders.proof
    return (await look.services.digests(services, inside)).map(({ service, sha256 }) => ({
      service,
      value: sha256,
    }))
  }
  if (input.proof !== 'declaration' || (way === 'back' && input.copy.presentOutdated === null)) return []
  return (await look.services.outdated(input.services)).map((service) => ({ service, value: service }))
}

const wasOf = ({ services }: Before, { service }: Seen): Seen | undefined =>
  services.find((one) => one.service === service)

const madeAnew = (now: Seen, was: Seen | undefined): boolean =>
  now.instances?.some((id) => was?.instances?.includes(id) === true) !== true

const sameIds = (now: Seen, was: Seen): boolean =>
  now.imageIds === null || was.imageIds === null || String(now.imageIds) === String(was.imageIds)

/** Why the services are not up as intended; empty where they are. */
export function faultsOf(
  input: BringUp,
  before: Before,
  now: readonly Seen[],
  there: readonly Shown[],
): readonly string[] {
  switch (input.proof) {
    case 'image':
      return otherImages(input, now)
    case 'file': {
      const { release, folders } = input
      const { inside, services } = folders.proof
      return [
        ...now.flatMap((one) =>
          isActive(one)
            ? madeAnew(one, wasOf(before, one))
              ? []
              : [`${one.service} was not made anew`]
            : [`${one.service} is ${one.state}`],
        ),
        ...(there.length === 0 ? [`${services.names.join(', ')} cannot show its ${inside}`] : []),
        ...there
          .filter(({ value }) => value !== release.proof)
          .map(({ service, value }) =>
            value === null
              ? `${service} cannot show its ${inside}`
              : `${service} has another ${inside} than the release ${release.name}`,
          ),
      ]
    }
    case 'declaration':
      return [
        ...there.map(({ service }) => `${service} is not yet as the copy declares`),
        ...now.filter((one) => !isActive(one)).map(({ service, state }) => `${service} is ${state}`),
      ]
    case 'environment':
      return now.flatMap((one) => {
        const was = wasOf(before, one)
        if (one.environment === null) return [`${one.service} does not run`]
        if (!madeAnew(one, was)) return [`${one.service} was not made anew`]
        return was === undefined || sameIds(one, was)
          ? []
          : [`${one.service} was made anew on another image (${one.imageIds?.join(', ')})`]
      })
  }
}

/** Services that do not run the intended image. */
export const otherImages = (
  input: BringUp & { readonly proof: 'image' },
  now: readonly Pick<Seen, 'service' | 'state' | 'imageIds'>[],
): readonly string[] =>
  now.flatMap(({ service, state, imageIds }) => {
    if (state !== 'running') return [`${service} is ${state}`]
    const wanted = imageFor(input, service)
    return (imageIds ?? []).filter((id) => id !== wanted).map((id) => `${service} runs ${id}, not ${wanted}`)
  })

/** Whether nothing has changed yet: the same containers in the same state, with the same evidence. */
export const unchanged = (before: Before, now: readonly Seen[], there: readonly Shown[]): boolean =>
  String(there.map(({ value }) => value)) === String(before.shown) &&
  now.every((one) => {
    const was = wasOf(before, one)
    return (
      was !== undefined &&
      isActive(one) === isActive(was) &&
      (one.state === 'missing') === (was.state === 'missing') &&
      sameIds(one, was) &&
      (was.instances === null || String(one.instances) === String(was.instances)) &&
      one.environment === was.environment
    )
  })

/** What differs from the state before. A stopped container may stay where there was none: it does nothing. */
export async function leftOver(
  look: Pick<Look, 'files' | 'volumes'>,
  input: BringUp,
  before: Before,
  now: readonly Seen[],
  there: readonly Shown[],
): Promise<readonly string[]> {
  const services = now.flatMap((one) => {
    const was = wasOf(before, one)
    const asBefore =
      was !== undefined &&
      isActive(one) === isActive(was) &&
      (was.state === 'missing' || (sameIds(one, was) && one.environment === was.environment))
    return asBefore
      ? []
      : [`${one.service} is ${one.state}${one.imageIds === null ? '' : ` on ${one.imageIds.join(', ')}`}`]
  })
  if (input.proof === 'file' && String(there.map(({ value }) => value)) !== String(before.shown))
    return [...services, `${input.folders.proof.services.names.join(', ')} has not the file of before`]
  if (input.proof !== 'declaration') return services
  const { copy, choice } = input
  const missing = before.services.filter(({ state }) => state === 'missing').map(({ service }) => service)
  const differing = there
    .filter(({ service }) => !missing.includes(service) && copy.presentOutdated?.includes(service) !== true)
    .map(({ service }) => `${service} is not as the file declares`)
  const stands = await editStateOf(look, choice)
  return [
    ...services,
    ...differing,
    ...(stands === 'before' ? [] : [`${choice.file} is not yet what it was`]),
  ]
}

import { digestOf, sameJson, type Creation, type Look } from '../../../src/index.ts'
import { editStateOf } from '../../config/lib/edited-file.ts'
import { isActive } from '../../services/lib/active.ts'
import {
  countsOf,
  groupsOf,
  imageFor,
  type Before,
  type BringUp,
  type CreatedInstance,
  type ObservedService,
} from './bring-up-input.ts'

type View = Pick<Look, 'services'>

export async function observeServices(look: View, input: BringUp): Promise<readonly ObservedService[]> {
  const groups = await Promise.all(
    groupsOf(input).map(async (group) => {
      const [states, creations, variables] = await Promise.all([
        look.services.states(group),
        look.services.creations(group),
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
          created: creations.filter((one) => one.service === service).map(createdInstance),
        }
      })
    }),
  )
  return groups.flat()
}

const createdInstance = ({
  number,
  declaration,
  createdBy,
  environment,
  mounts,
  networks,
}: Creation): CreatedInstance => ({ number, declaration, createdBy, environment, mounts, networks })

export type ProofValue = { readonly service: string; readonly value: string | null }

/** The evidence that the proof asks for. Empty on the way back to a Compose file that Compose cannot read. */
export async function proofValues(
  look: View,
  input: BringUp,
  way: 'forward' | 'back',
): Promise<readonly ProofValue[]> {
  if (input.proof === 'file') {
    const { services, inside } = input.folders.proof
    return (await look.services.digests(services, inside)).map(({ service, sha256 }) => ({
      service,
      value: sha256,
    }))
  }
  if (input.proof === 'present') {
    if (way === 'back') return []
  } else if (input.proof !== 'declaration' || (way === 'back' && input.copy.presentOutdated === null))
    return []
  return (await look.services.outdated(input.services)).map((service) => ({ service, value: service }))
}

const wasOf = ({ services }: Before, { service }: ObservedService): ObservedService | undefined =>
  services.find((one) => one.service === service)

const recreated = (now: ObservedService, was: ObservedService | undefined): boolean =>
  now.instances?.some((id) => was?.instances?.includes(id) === true) !== true

const sameIds = (now: ObservedService, was: ObservedService): boolean =>
  now.imageIds === null || was.imageIds === null || String(now.imageIds) === String(was.imageIds)

/** Why the services are not up as intended; empty where they are. */
export const faultsOf = (
  input: BringUp,
  before: Before,
  now: readonly ObservedService[],
  there: readonly ProofValue[],
): readonly string[] => [...unproven(input, before, now, there), ...fewer(input, before, now)]

/** A copy of the Compose file may declare another number. */
const fewer = ({ proof }: BringUp, before: Before, now: readonly ObservedService[]): readonly string[] =>
  proof === 'declaration'
    ? []
    : Object.entries(countsOf(before.services)).flatMap(([service, were]) => {
        const count = countsOf(now)[service] ?? 0
        return count === were ? [] : [`${service} has ${count} instances, not ${were}`]
      })

function unproven(
  input: BringUp,
  before: Before,
  now: readonly ObservedService[],
  there: readonly ProofValue[],
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
            ? recreated(one, wasOf(before, one))
              ? []
              : [`${one.service} was not recreated`]
            : [`${one.service} is ${one.state}`],
        ),
        ...(there.length === 0 ? [`cannot read ${inside} in ${services.names.join(', ')}`] : []),
        ...there
          .filter(({ value }) => value !== release.proof)
          .map(({ service, value }) =>
            value === null
              ? `cannot read ${inside} in ${service}`
              : `${inside} in ${service} is not that of the release ${release.name}`,
          ),
      ]
    }
    case 'declaration':
      return [
        ...there.map(({ service }) => `${service} is not as the copy declares`),
        ...now.filter((one) => !isActive(one)).map(({ service, state }) => `${service} is ${state}`),
      ]
    case 'present':
      return [
        ...there.map(({ service }) => `${service} is not as the stack's files and images are now`),
        ...now.flatMap((one) => {
          if (!isActive(one)) return [`${one.service} is ${one.state}`]
          return input.recreate === 'outdated' || recreated(one, wasOf(before, one))
            ? []
            : [`${one.service} was not recreated`]
        }),
      ]
    case 'environment':
      return now.flatMap((one) => {
        const was = wasOf(before, one)
        if (one.environment === null) return [`${one.service} is not running`]
        if (!recreated(one, was)) return [`${one.service} was not recreated`]
        return was === undefined || sameIds(one, was)
          ? []
          : [`${one.service} was recreated on another image (${one.imageIds?.join(', ')})`]
      })
  }
}

/** Services that do not run the intended image. */
export const otherImages = (
  input: BringUp & { readonly proof: 'image' },
  now: readonly Pick<ObservedService, 'service' | 'state' | 'imageIds'>[],
): readonly string[] =>
  now.flatMap(({ service, state, imageIds }) => {
    if (state !== 'running') return [`${service} is ${state}`]
    const wanted = imageFor(input, service)
    return (imageIds ?? []).filter((id) => id !== wanted).map((id) => `${service} runs ${id}, not ${wanted}`)
  })

/** Whether nothing has changed yet: the same containers in the same state, with the same evidence. */
export const unchanged = (
  before: Before,
  now: readonly ObservedService[],
  there: readonly ProofValue[],
): boolean =>
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

/** A declaration says nothing where it was made by another version. */
const hasOther = (field: keyof CreatedInstance, one: CreatedInstance, other: CreatedInstance): boolean =>
  !sameJson(one[field], other[field]) &&
  (field !== 'declaration' || (one.createdBy ?? null) === (other.createdBy ?? null))

export const isCreatedAlike = (one: CreatedInstance, other: CreatedInstance): boolean =>
  !(['environment', 'mounts', 'networks', 'declaration'] as const).some((field) =>
    hasOther(field, one, other),
  )

/** How the instances differ from those before, by number; empty where that was not recorded then. */
function creationDifferences(now: ObservedService, was: ObservedService): readonly string[] {
  if (was.created === undefined || now.created === undefined) return []
  const [counted, were] = [countsOf([now])[now.service] ?? 0, countsOf([was])[now.service] ?? 0]
  if (counted !== were) return [`${now.service} has ${counted} instances, not ${were} as before`]
  const pairs = was.created.flatMap((then) =>
    (now.created ?? []).filter(({ number }) => number === then.number).map((one) => ({ one, earlier: then })),
  )
  const differs = (field: keyof CreatedInstance): boolean =>
    pairs.some(({ one, earlier }) => hasOther(field, one, earlier))
  const found = (['environment', 'mounts', 'networks'] as const).filter(differs)
  if (found.length > 0) return [`${now.service} has other ${found.join(', ')} than before`]
  return differs('declaration') ? [`${now.service} was recreated from another declaration than before`] : []
}

/** Whether the file that is put back declares a service otherwise than it ran, or cannot be read at all. */
const asksForOther = (input: BringUp, service: string): boolean =>
  input.proof === 'declaration' && input.copy.presentOutdated?.includes(service) !== false

/** What differs from the state before. */
export async function leftOver(
  look: Pick<Look, 'files' | 'volumes'>,
  input: BringUp,
  before: Before,
  now: readonly ObservedService[],
  there: readonly ProofValue[],
): Promise<readonly string[]> {
  const services = now.flatMap((one) => {
    const was = wasOf(before, one)
    if (was?.state === 'missing')
      return one.state === 'missing' ? [] : [`${one.service} is ${one.state}, and had no instance before`]
    const asBefore =
      was !== undefined &&
      isActive(one) === isActive(was) &&
      sameIds(one, was) &&
      one.environment === was.environment
    if (asBefore) return asksForOther(input, one.service) ? [] : creationDifferences(one, was)
    return [`${one.service} is ${one.state}${one.imageIds === null ? '' : ` on ${one.imageIds.join(', ')}`}`]
  })
  if (input.proof === 'file' && String(there.map(({ value }) => value)) !== String(before.shown))
    return [...services, `${input.folders.proof.services.names.join(', ')} does not have its previous file`]
  if (input.proof !== 'declaration') return services
  const { copy, choice } = input
  const missing = before.services.filter(({ state }) => state === 'missing').map(({ service }) => service)
  const differing = there
    .filter(({ service }) => !missing.includes(service) && copy.presentOutdated?.includes(service) !== true)
    .map(({ service }) => `${service} is not as the file declares`)
  const state = await editStateOf(look, choice)
  return [...services, ...differing, ...(state === 'before' ? [] : [`${choice.file} is not restored`])]
}

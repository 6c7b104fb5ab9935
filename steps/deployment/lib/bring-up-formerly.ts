import {
  formerKind,
  type ActingStep,
  type AnyStep,
  type Json,
  type JsonObject,
  type ServiceState,
} from '../../../src/index.ts'
import type { Before, BringUp, ObservedService } from './bring-up-input.ts'

type Then = {
  readonly service: string
  readonly state?: ServiceState['state']
  readonly instances?: readonly (string | { readonly id: string; readonly imageId: string })[]
  readonly imageIds?: readonly string[]
  readonly imageId?: string | null
  readonly environment?: string | null
  readonly active?: boolean
  readonly missing?: boolean
}

/** A service as an old survey saw it; null for what that survey did not record. */
function seenThen({
  service,
  state,
  instances,
  imageIds,
  imageId,
  environment,
  active,
  missing,
}: Then): ObservedService {
  const ids =
    imageIds ??
    (imageId === undefined || imageId === null
      ? instances?.flatMap((one) => (typeof one === 'string' ? [] : [one.imageId]))
      : [imageId])
  return {
    service,
    state: state ?? (missing === true ? 'missing' : active === false ? 'stopped' : 'running'),
    imageIds:
      ids === undefined || (imageId === null && instances === undefined) ? null : [...new Set(ids)].sort(),
    instances: instances?.map((one) => (typeof one === 'string' ? one : one.id)) ?? null,
    environment: environment ?? null,
  }
}

type Survey = {
  readonly services?: readonly Then[]
  readonly states?: readonly Then[]
  readonly was?: readonly Then[]
  readonly proof?: readonly (string | null)[]
  readonly outdated?: readonly string[]
}

function before(saw: Json): Before {
  const { services, states, was, proof, outdated } = saw as Survey
  return {
    services: (services ?? states ?? was ?? []).map(seenThen),
    shown: proof ?? outdated ?? [],
  }
}

/** Converts the input of each former kind to today's. */
const inputs: { readonly [kind: string]: (then: JsonObject) => JsonObject } = {
  'releases.bring-up': ({ pin, chosen, image }) => {
    const { services, variable } = pin as JsonObject
    const choice = { variable, value: (chosen as JsonObject)['from'] } as JsonObject
    return { proof: 'image', services, release: image, choice } as JsonObject
  },
  'services.deploy-release': ({ by, ...rest }) => ({ proof: 'image', ...rest, choice: by }) as JsonObject,
  'services.deploy-folder': ({ link, ...rest }) => ({ proof: 'file', ...rest, choice: link }) as JsonObject,
  'services.apply-compose-file': ({ edited, ...rest }) =>
    ({ proof: 'declaration', ...rest, choice: edited }) as JsonObject,
  'images.redeploy': ({ wanted, names }) => ({ proof: 'image', wanted, choice: { names } }) as JsonObject,
  'config.apply-environment': ({ services, edited }) =>
    ({ proof: 'environment', services, choice: edited }) as JsonObject,
}

/** Bringing up used to be six kinds of step, each with its own undo. Their journals stay readable. */
export const formerly = <O extends Json>(step: ActingStep<BringUp, O, Before>): readonly AnyStep[] =>
  Object.entries(inputs).map(([kind, input]) =>
    formerKind(step, { kind, version: 1, input: (then) => input(then) as unknown as BringUp, before }),
  )

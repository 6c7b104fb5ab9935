import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type ServiceGroup,
  type ServiceState,
  type VersionPin,
} from '../../src/index.ts'
import { withTag } from '../services/with-tag.ts'
import type { ChosenTag } from './choose-tag.ts'
import type { FetchedImage } from './fetch-image.ts'

type Input = {
  readonly pin: VersionPin
  /** Pinned by now. */
  readonly chosen: ChosenTag
  readonly image: FetchedImage
}

type Before = { readonly states: readonly ServiceState[] }
type Output = { readonly services: readonly string[]; readonly imageId: string }

/**
 * Brings the services up on the pinned version, and compares the images that run by id: a tag says what was meant, an id what is there.
 * Undone by bringing them up on the version before, until exactly those images run that ran before.
 */
export const bringUp = defineStep<Input, Output, Before>({
  kind: 'releases.bring-up',
  version: 1,
  effect: 'change',
  timeoutSeconds: 600,
  marks: { downFrom: true },
  describe: ({ pin, chosen }) =>
    say`Brings up ${isPending(pin) ? pin : pin.services.names} on ${isPending(chosen) ? chosen : chosen.tag}, building nothing, and compares what runs by image id.`,
  preflight: async (look, { pin }) => {
    if (!isPending(pin)) await look.services.states(pin.services)
    return []
  },
  survey: async (look, { pin }) => ({ states: await look.services.states(pin.services) }),
  predict: ({ input: { pin, chosen } }) => ({
    output: isPending(pin) ? null : { services: pin.services.names },
    changes:
      isPending(pin) || isPending(chosen)
        ? []
        : pin.services.names.map((name) => `${name} runs ${chosen.image}`),
  }),
  run: async (io, { input: { pin, image } }) => {
    await io.services.up(pin.services)
    const states = await io.services.states(pin.services)
    const wrong = states.filter((state) => state.state === 'running' && !runs(state, image.id))
    if (wrong.length > 0) {
      throw new RunbookError(
        'failed',
        wrong
          .map((one) => `${one.service} runs ${imagesOf(one).join(', ')}, not ${image.image} (${image.id})`)
          .join('; '),
        {
          hint: `do the stack's files take ${pin.variable} from ${pin.file}? docker compose config --images`,
        },
      )
    }
    return { services: pin.services.names, imageId: image.id }
  },
  probe: async (look, { input: { pin, image }, before, way }) => {
    const states = await look.services.states(pin.services)
    if (way === 'forward' && states.every((state) => runs(state, image.id)))
      return { is: 'done', output: { services: pin.services.names, imageId: image.id } }
    if (states.every((state, index) => asBefore(state, before.states[index]))) return { is: 'absent' }
    return {
      is: 'torn',
      why: states
        .map(
          (state) =>
            `${state.service} is ${state.state}${state.instances.length === 0 ? '' : ` on ${imagesOf(state).join(', ')}`}`,
        )
        .join('; '),
    }
  },
  rerunnable: true,
  // The tag is still pinned when this is undone, so the one before is given over the env file.
  undo: async (io, { input: { pin, chosen }, before }) => {
    const on = (wanted: (state: ServiceState) => boolean): ServiceGroup => ({
      ...withTag(pin.services, pin, chosen.from),
      names: before.states.filter(wanted).map(({ service }) => service),
    })
    // One that was stopped too: whoever starts it later starts its container as it is.
    await io.services.up(on(({ state }) => state !== 'missing'))
    await io.services.stop(
      on(({ state }) => state === 'missing' || state === 'stopped'),
      10,
    )
  },
})

const imagesOf = ({ instances }: ServiceState): readonly string[] =>
  [...new Set(instances.map(({ imageId }) => imageId))].sort()
const runs = (state: ServiceState, id: string): boolean =>
  state.state === 'running' && imagesOf(state).every((one) => one === id)

/** Containers are made anew by an undo; the images they run are the same. One that was not there may lie there stopped. */
function asBefore(now: ServiceState, before: ServiceState | undefined): boolean {
  if (before === undefined || before.state === 'missing')
    return now.state === 'missing' || now.state === 'stopped'
  return now.state === before.state && imagesOf(now).join() === imagesOf(before).join()
}

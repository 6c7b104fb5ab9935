import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Look,
  type ServiceGroup,
  type ServiceState,
} from '../../src/index.ts'
import { putBack, type EditedFile } from '../config/kept-file.ts'
import type { ChosenRelease } from '../images/choose-release.ts'
import { putNamesBack, type MovedNames } from '../images/retag-images.ts'
import { isActive } from './active.ts'

type Input = {
  readonly services: ServiceGroup
  readonly release: ChosenRelease
  /** What was done so that the stack means that release: to names of images, or to a file of the stack. It is put back before the old containers are made again. */
  readonly by: MovedNames | EditedFile
}

type Seen = {
  readonly service: string
  readonly state: ServiceState['state']
  readonly imageIds: readonly string[]
  readonly instances: readonly string[]
}
type Before = { readonly services: readonly Seen[] }
type Output = { readonly services: readonly { readonly service: string; readonly imageId: string }[] }

/**
 * `up` of a release: what differs from the stack's files is made anew, nothing is built, and nothing else is touched. Proven by the id of the image
 * that each container runs. Undone by bringing up what ran before.
 */
export const deployRelease = defineStep<Input, Output, Before>({
  kind: 'services.deploy-release',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  timeoutSeconds: 600,
  describe: ({ services }) =>
    isPending(services)
      ? 'Brings the release up.'
      : say`Brings up ${services.names}, building nothing, and sees that each runs the image of the release.`,
  marks: { downFrom: true },
  survey: async (look, { services }) => ({ services: await seen(look, services) }),
  predict: ({ input: { services } }) =>
    isPending(services)
      ? { output: null }
      : {
          output: null,
          changes: services.names.map((name) => `${name} is made anew on the image of the release`),
        },
  run: async (io, { input: { services, release } }) => {
    await io.services.up(services)
    const wrong = othersThan(release, await seen(io, services))
    if (wrong.length > 0)
      throw new RunbookError(
        'failed',
        `not every service runs the release ${release.tag}: ${wrong.join(', ')}`,
        { hint: 'its log says why' },
      )
    return outputOf(release)
  },
  probe: async (look, { input: { services, release }, before, way }) => {
    const now = await seen(look, services)
    if (way === 'back') {
      const differing = now.filter(
        (one) =>
          !asBefore(
            one,
            before.services.find(({ service }) => service === one.service),
          ),
      )
      return differing.length === 0
        ? { is: 'absent' }
        : { is: 'torn', why: `${differing.map(({ service }) => service).join(', ')} not yet as before` }
    }
    const wrong = othersThan(release, now)
    if (wrong.length === 0) return { is: 'done', output: outputOf(release) }
    const same = now.every((one) =>
      before.services.some(
        (was) =>
          was.service === one.service &&
          was.state === one.state &&
          String(was.instances) === String(one.instances),
      ),
    )
    return same
      ? { is: 'absent' }
      : { is: 'torn', why: `not every service runs the release: ${wrong.join(', ')}` }
  },
  rerunnable: true,
  undo: async (io, { input: { services, by }, before }) => {
    await ('moves' in by ? putNamesBack(io, by as MovedNames) : putBack(io, by as EditedFile))
    const had = (wanted: (one: Seen) => boolean): ServiceGroup => ({
      stack: services.stack,
      names: before.services.filter(wanted).map(({ service }) => service),
    })
    const there = had(({ state }) => state !== 'missing')
    if (there.names.length > 0) await io.services.up(there)
    const idle = had(({ state }) => state === 'stopped' || state === 'missing')
    if (idle.names.length > 0) await io.services.stop(idle, 10)
  },
})

async function seen(look: Pick<Look, 'services'>, services: ServiceGroup): Promise<readonly Seen[]> {
  const states = await look.services.states(services)
  return states.map(({ service, state, instances }) => ({
    service,
    state,
    imageIds: instances.map(({ imageId }) => imageId),
    instances: instances.map(({ id }) => id),
  }))
}

/** A service that had no container may keep one that is stopped: it does nothing. */
function asBefore(now: Seen, was: Seen | undefined): boolean {
  if (was === undefined || isActive(now) !== isActive(was)) return false
  return was.state === 'missing' || String(now.imageIds) === String(was.imageIds)
}

function othersThan({ images }: ChosenRelease, now: readonly Seen[]): readonly string[] {
  return now.flatMap(({ service, state, imageIds }) => {
    if (state !== 'running') return [`${service} is ${state}`]
    const wanted = images.find((one) => one.service === service)?.id
    const other = imageIds.find((id) => id !== wanted)
    return other === undefined ? [] : [`${service} runs ${other.slice(0, 19)}`]
  })
}

const outputOf = ({ images }: ChosenRelease): Output => ({
  services: images.map(({ service, id }) => ({ service, imageId: id })),
})

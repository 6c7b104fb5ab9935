import { defineStep, isPending, say, type ServiceGroup, type ServiceState } from '../../src/index.ts'
import { putBack, standsAs, type EditedFile } from '../config/kept-file.ts'
import { activeNames } from './active.ts'
import type { JudgedComposeFile } from './judge-compose-file.ts'

type Input = {
  readonly services: ServiceGroup
  readonly copy: JudgedComposeFile
  /** Put back before the services are brought up on the way back. */
  readonly edited: EditedFile
}
type Before = {
  readonly states: readonly { readonly service: string; readonly state: ServiceState['state'] }[]
  readonly outdated: readonly string[]
}
type Output = { readonly names: readonly string[] }

/**
 * `up` with the Compose file as it is by now: what differs from it is made anew. Undone by `up` with the file as it was; where Compose could
 * not read that one, what runs is left as it is.
 */
export const applyComposeFile = defineStep<Input, Output, Before>({
  kind: 'services.apply-compose-file',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  timeoutSeconds: 600,
  describe: ({ services }) =>
    isPending(services)
      ? 'Brings the services up.'
      : say`Brings up ${services.names} as the copy declares them, building nothing.`,
  marks: { downFrom: true },
  survey: async (look, { services }) => ({
    states: (await look.services.states(services)).map(({ service, state }) => ({ service, state })),
    outdated: await look.services.outdated(services),
  }),
  predict: ({ input: { services }, before }) => ({
    output: isPending(services) ? null : { names: services.names },
    changes: before === undefined ? [] : before.outdated.map((name) => `${name} is made anew`),
  }),
  run: async (io, { input: { services } }) => {
    await io.services.up(services)
    return { names: services.names }
  },
  probe: async (look, { input: { services, copy, edited }, before, way }) => {
    const active = activeNames(await look.services.states(services))
    // Of a file that Compose cannot read there is nothing to be asked.
    const outdated =
      way === 'back' && copy.presentOutdated === null ? [] : await look.services.outdated(services)
    const ran = activeBefore(before)
    if (way === 'back') {
      const same =
        (await standsAs(look, edited)) === 'before' &&
        sameNames(active, ran) &&
        outdated.every((name) => isMissing(before, name) || copy.presentOutdated?.includes(name) === true)
      return same ? { is: 'absent' } : { is: 'torn', why: 'the services are not yet as before' }
    }
    if (outdated.length === 0 && services.names.every((name) => active.includes(name)))
      return { is: 'done', output: { names: services.names } }
    return sameNames(active, ran) && sameNames(outdated, before.outdated)
      ? { is: 'absent' }
      : {
          is: 'torn',
          why: `${[...outdated, ...services.names.filter((name) => !active.includes(name))].join(', ')} not yet as the copy declares`,
        }
  },
  rerunnable: true,
  undo: async (io, { input: { services, copy, edited }, before }) => {
    await putBack(io, edited)
    const had = (wanted: (state: ServiceState['state']) => boolean): ServiceGroup => ({
      stack: services.stack,
      names: before.states.filter(({ state }) => wanted(state)).map(({ service }) => service),
    })
    const there = had((state) => state !== 'missing')
    if (copy.presentOutdated !== null && there.names.length > 0) await io.services.up(there)
    const idle = had((state) => state === 'stopped' || state === 'missing')
    if (idle.names.length > 0) await io.services.stop(idle, 10)
  },
})

const activeBefore = ({ states }: Before): readonly string[] =>
  states.filter(({ state }) => state !== 'stopped' && state !== 'missing').map(({ service }) => service)
const isMissing = ({ states }: Before, name: string): boolean =>
  states.some(({ service, state }) => service === name && state === 'missing')
const sameNames = (one: readonly string[], other: readonly string[]): boolean =>
  one.toSorted().join() === other.toSorted().join()

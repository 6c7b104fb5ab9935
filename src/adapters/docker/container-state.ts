import type Dockerode from 'dockerode'
import type { Instance, ServiceState } from '../../drivers/services.ts'

/** The part of `docker inspect` that is used here. */
export type InspectedContainer = Pick<Dockerode.ContainerInspectInfo, 'Id' | 'Image'> & {
  readonly Config: { readonly Image: string; readonly Env?: readonly string[] }
  readonly State: {
    readonly Status: string
    readonly StartedAt: string
    readonly ExitCode: number
    readonly OOMKilled: boolean
    readonly Health?: { readonly Status: string } | undefined
  }
}

type State = ServiceState['state']
type Health = ServiceState['health']

/**
 * Container states of the Engine API, and the state of the service: a created or dead container does not run.
 */
const states: { readonly [status: string]: State } = {
  running: 'running',
  restarting: 'restarting',
  paused: 'paused',
  created: 'stopped',
  exited: 'stopped',
  dead: 'stopped',
  removing: 'stopped',
}

// The first of these that any instance is in is the state of the service: the worst one counts, and it is
// stopped only
// when all instances are.
const statesByWeight: readonly State[] = ['restarting', 'paused', 'running', 'stopped']
const healthsByWeight: readonly Health[] = ['unhealthy', 'starting', 'healthy']

export function serviceState(service: string, inspected: readonly InspectedContainer[]): ServiceState {
  const found = inspected.map(({ State }) => states[State.Status] ?? 'stopped')
  const healths = inspected
    .filter(({ State }) => State.Status === 'running')
    .map(({ State }) => State.Health?.Status)
  return {
    service,
    state: statesByWeight.find((state) => found.includes(state)) ?? 'missing',
    health: healthsByWeight.find((health) => healths.includes(health)) ?? 'none',
    instances: inspected.map(instanceOf),
  }
}

export function instanceOf({ Id, Image, Config, State }: InspectedContainer): Instance {
  const ended = State.Status === 'exited' || State.Status === 'dead'
  return {
    id: Id,
    image: Config.Image,
    imageId: Image,
    // Go's zero time means never started.
    startedAt: State.StartedAt.startsWith('0001-') ? null : State.StartedAt,
    exitCode: ended ? State.ExitCode : null,
    outOfMemory: State.OOMKilled,
  }
}

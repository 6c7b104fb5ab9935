import type { Scope } from '../drivers/scope.ts'
import type { Instance, ServiceGroup, Services, ServiceState } from '../drivers/services.ts'
import { RunbookError } from '../kernel/errors.ts'
import { digestOf } from '../kernel/json.ts'
import { refuseUnknown } from '../kernel/misspelt.ts'

/** A pretended stack: plain data, so a test lays out any state and looks at any outcome. */
export type Fleet = {
  readonly services: Map<string, PretendedService>
  /** Asked before each change; throw from it to make the change fail, or change the fleet to make it fail half-way. */
  beforeChange: (operation: 'stop' | 'start' | 'pull' | 'up' | 'run', service: string) => void | Promise<void>
  /** Instances made so far; each gets a number of its own. */
  made: number
}

export type PretendedService = {
  /** What the stack's files say now: an image, or anything else that tells one declaration from another. */
  declared: string
  instance: PretendedInstance | null
  /** Health of an instance that runs. */
  health: ServiceState['health']
  log: string
  /** For a service that runs once: what it prints and how it ends. */
  once: ((command: readonly string[], signal: AbortSignal) => Ending | Promise<Ending>) | null
}

export type PretendedInstance = {
  readonly id: string
  /** What was declared when it was made. */
  readonly image: string
  state: 'running' | 'restarting' | 'paused' | 'stopped'
  exitCode: number | null
  outOfMemory: boolean
}

export type Ending = { readonly exitCode: number; readonly output: string }

/** @param declared names of services with what their files say of them; none runs */
export function emptyFleet(declared: { readonly [service: string]: string } = {}): Fleet {
  const services = Object.entries(declared).map(([name, what]) => [name, pretendedService(what)] as const)
  return { services: new Map(services), beforeChange: () => undefined, made: 0 }
}

export function pretendedService(declared: string, once: PretendedService['once'] = null): PretendedService {
  return { declared, instance: null, health: 'none', log: '', once }
}

/** A fleet in which all of these run. */
export function runningFleet(declared: { readonly [service: string]: string }): Fleet {
  const fleet = emptyFleet(declared)
  for (const [name, service] of fleet.services) make(fleet, name, service)
  return fleet
}

/** The services of a pretended stack. Every stack named is this one. */
export function memoryServices(fleet: Fleet, scope: Pick<Scope, 'signal' | 'output'>): Services {
  const known = (names: readonly string[]): readonly (readonly [string, PretendedService])[] => {
    refuseUnknown('service', names, [...fleet.services.keys()], 'the pretended stack')
    return names.flatMap((name) => {
      const service = fleet.services.get(name)
      return service === undefined ? [] : [[name, service] as const]
    })
  }
  const each = async (operation: 'stop' | 'start' | 'pull' | 'up', group: ServiceGroup, work: (name: string, service: PretendedService) => void): Promise<void> => {
    for (const [name, service] of known(group.names)) {
      scope.signal.throwIfAborted()
      await fleet.beforeChange(operation, name)
      work(name, service)
    }
  }
  return {
    facts: async (stack) => ({
      manager: 'memory',
      services: [...fleet.services.keys()].sort(),
      configDigest: digestOf([stack.project, [...fleet.services].map(([name, { declared }]) => [name, declared])]),
    }),
    states: async (group) => known(group.names).map(([name, service]) => stateOf(name, service)),
    logs: async (group, { maxBytes }) => {
      const lines = known(group.names).flatMap(([name, { log }]) => log.split('\n').filter((line) => line !== '').map((line) => `${name} | ${line}\n`))
      return lastLines(lines, maxBytes)
    },
    stop: (group) =>
      each('stop', group, (_name, { instance }) => {
        if (instance === null || instance.state === 'stopped') return
        instance.state = 'stopped'
        instance.exitCode = 0
      }),
    start: (group) =>
      each('start', group, (name, service) => {
        if (service.instance === null) make(fleet, name, service)
        else service.instance.state = 'running'
      }),
    pull: (group) => each('pull', group, () => undefined),
    up: (group) =>
      each('up', group, (name, service) => {
        if (service.instance?.image !== service.declared) make(fleet, name, service)
        else service.instance.state = 'running'
      }),
    async runOneOff(_stack, name, command) {
      const [found] = known([name])
      scope.signal.throwIfAborted()
      await fleet.beforeChange('run', name)
      const { exitCode, output } = (await found?.[1].once?.(command, scope.signal)) ?? { exitCode: 0, output: '' }
      scope.signal.throwIfAborted()
      scope.output(Buffer.from(output))
      return { exitCode }
    },
  }
}

function make(fleet: Fleet, name: string, service: PretendedService): void {
  if (service.once !== null) {
    throw new RunbookError('usage', `${name} runs once and ends, so it cannot be started as a service`, { hint: 'run it as a one-off' })
  }
  fleet.made += 1
  service.instance = { id: `${name}-${fleet.made}`, image: service.declared, state: 'running', exitCode: null, outOfMemory: false }
  service.log += `${name} runs ${service.declared}\n`
}

function stateOf(name: string, { instance, health }: PretendedService): ServiceState {
  if (instance === null) return { service: name, state: 'missing', health: 'none', instances: [] }
  return { service: name, state: instance.state, health: instance.state === 'running' ? health : 'none', instances: [factsOf(instance)] }
}

function factsOf({ id, image, exitCode, outOfMemory, state }: PretendedInstance): Instance {
  return { id, image, imageId: digestOf(image), startedAt: null, exitCode: state === 'stopped' ? exitCode : null, outOfMemory }
}

/** As many whole lines from the end as fit. */
function lastLines(lines: readonly string[], maxBytes: number): string {
  let from = lines.length
  for (let left = maxBytes; from > 0; from -= 1) {
    left -= Buffer.byteLength(lines[from - 1] ?? '')
    if (left < 0) break
  }
  return lines.slice(from).join('')
}

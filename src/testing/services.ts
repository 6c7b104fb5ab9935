import type { Scope } from '../drivers/scope.ts'
import type { ServiceGroup, Services, Stack, StackFacts } from '../drivers/services.ts'
import { RunbookError } from '../kernel/errors.ts'
import { digestOf, sameJson, sha256 } from '../kernel/json.ts'
import { refuseUnknown } from '../kernel/did-you-mean.ts'
import { changesBetween, declarationsOf, declaredOn, readsFile, withEdit } from './declared.ts'
import type { Disk } from './disk.ts'
import { emptyStore, type ImageStore } from './images.ts'
import {
  creationsOf,
  driftOf,
  environmentFor,
  heldId,
  make,
  seenBy,
  stateOf,
  storageOf,
  type FakeService,
} from './instances.ts'

/** A fake stack as plain data that a test sets up and inspects. */
export type Fleet = {
  /** False: the engine does not answer. */
  reachable?: boolean
  readonly services: Map<string, FakeService>
  /** Ports of the machine that services publish; none where left out. */
  published?: StackFacts['published']
  /** Named volumes of the machine; every declared one exists where left out. */
  volumes?: Set<string> | undefined
  /** Services that another project runs from the same files, with its name. */
  elsewhere?: { readonly [service: string]: string }
  /** Called before each change; throw to make it fail, or change the fleet to make it fail half-way. */
  beforeChange: (
    operation: 'stop' | 'start' | 'pull' | 'up' | 'recreate' | 'remove' | 'run',
    service: string,
  ) => void | Promise<void>
  /** Instances created so far, for numbering them. */
  made: number
}

/**
 * A fleet in which no service runs.
 * @param declared the declaration of each service, by name
 */
export function emptyFleet(declared: { readonly [service: string]: string } = {}): Fleet {
  const services = Object.entries(declared).map(([name, what]) => [name, fakeService(what)] as const)
  return { services: new Map(services), beforeChange: () => undefined, made: 0 }
}

/**
 * A service without an instance.
 * @param once behaviour of a one-off service; null for a service that keeps running
 */
export function fakeService(declared: string, once: FakeService['once'] = null): FakeService {
  return { declared, instance: null, health: 'none', log: '', once }
}

/** A fleet in which every service runs. */
export function runningFleet(declared: { readonly [service: string]: string }): Fleet {
  const fleet = emptyFleet(declared)
  for (const [name, service] of fleet.services) make(fleet, name, service, null)
  return fleet
}

/** The services of a fake stack. Every stack name resolves to it. */
export function fakeServices(
  fleet: Fleet,
  scope: Pick<Scope, 'signal' | 'output'>,
  disk: Disk | null = null,
  images: ImageStore = emptyStore(),
): Services {
  const filled = declaredOn(disk)
  const known = (names: readonly string[]): readonly (readonly [string, FakeService])[] => {
    if (fleet.reachable === false)
      throw new RunbookError(
        'preflight',
        'cannot connect to Docker: Docker does not answer at the fake engine',
        {
          hint: 'make the fleet of the test reachable',
        },
      )
    refuseUnknown('service', names, [...fleet.services.keys()], 'the fake stack')
    for (const name of names) {
      const project = fleet.elsewhere?.[name]
      if (project !== undefined && fleet.services.get(name)?.instance === null)
        throw new RunbookError(
          'preflight',
          `cannot find ${name}: it has no instance, and the project ${project} has one from the same files`,
          { hint: `set stack.project to '${project}' in runbook.config.ts` },
        )
    }
    return names.flatMap((name) => {
      const service = fleet.services.get(name)
      return service === undefined ? [] : [[name, service] as const]
    })
  }
  const isAsDeclared = (stack: Stack, service: FakeService): boolean => {
    const image = filled(stack, service.declared)
    return (
      service.instance?.image === image &&
      service.instance.imageId === heldId(images, image) &&
      service.instance.settings === service.settings &&
      sameJson(service.instance.volumes ?? {}, service.volumes ?? {}) &&
      sameJson(service.instance.environment ?? {}, environmentFor(service, disk) ?? {})
    )
  }
  const each = async (
    operation: 'stop' | 'start' | 'pull' | 'up' | 'recreate' | 'remove',
    group: ServiceGroup,
    work: (name: string, service: FakeService) => void,
  ): Promise<void> => {
    for (const [name, service] of known(group.names)) {
      scope.signal.throwIfAborted()
      await fleet.beforeChange(operation, name)
      work(name, service)
      if (service.instance !== null)
        for (const volume of Object.values(service.instance.volumes ?? {})) fleet.volumes?.add(volume)
    }
  }
  return {
    facts: async (stack) => ({
      manager: 'memory',
      services: [...fleet.services.keys()].sort(),
      configDigest: digestOf([
        stack.project,
        [...fleet.services].map(([name, { declared }]) => [name, filled(stack, declared)]),
      ]),
      published: fleet.published ?? [],
    }),
    states: async (group) => known(group.names).map(([name, service]) => stateOf(name, service)),
    declared: async (group) =>
      known(group.names).map(([service, { declared }]) => ({
        service,
        image: filled(group.stack, declared),
      })),
    outdated: async (group) =>
      known(group.names).flatMap(([name, service]) => (isAsDeclared(group.stack, service) ? [] : [name])),
    creations: async (group) =>
      known(group.names).flatMap(([service, { instance }]) =>
        instance === null ? [] : creationsOf(service, instance),
      ),
    drift: async (group, edit) =>
      withEdit(disk, edit, () => known(group.names).flatMap(([service, one]) => driftOf(service, one, disk))),
    declaredChanges: async (stack, edit) => {
      if (!readsFile(fleet.services, stack, edit.file)) return null
      const was = declarationsOf(fleet.services, stack, disk)
      return changesBetween(
        was,
        withEdit(disk, edit, () => declarationsOf(fleet.services, stack, disk)),
      )
    },
    storage: async () => {
      known([])
      return storageOf(fleet.services, fleet.volumes ?? null)
    },
    declaredVariables: async (group) =>
      known(group.names).map(([service, one]) => ({
        service,
        digests: Object.fromEntries(
          Object.entries(environmentFor(one, disk) ?? {}).map(([name, value]) => [name, sha256(value)]),
        ),
      })),
    variables: async (group) =>
      known(group.names).flatMap(([service, { instance }]) => {
        if (instance?.state !== 'running') return []
        const values = Object.entries(instance.environment ?? {})
        return [
          {
            service,
            instance: instance.id,
            digests: Object.fromEntries(values.map(([name, value]) => [name, sha256(value)])),
          },
        ]
      }),
    digests: async (group, path) =>
      known(group.names).flatMap(([service, { instance }]) => {
        if (instance?.state !== 'running') return []
        const body = disk?.files.get(seenBy(instance, path))
        return [{ service, instance: instance.id, sha256: body === undefined ? null : sha256(body) }]
      }),
    logs: async (group, { maxBytes }) => {
      const lines = known(group.names).flatMap(([name, { log }]) =>
        log
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => `${name} | ${line}\n`),
      )
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
        if (service.instance === null)
          make(fleet, name, service, disk, { images, image: filled(group.stack, service.declared) })
        else service.instance.state = 'running'
      }),
    pull: (group) => each('pull', group, () => undefined),
    up: (group, counts) =>
      each('up', group, (name, service) => {
        const count = counts?.[name] ?? service.replicas
        if (service.instance === null || !isAsDeclared(group.stack, service))
          make(fleet, name, service, disk, { images, image: filled(group.stack, service.declared), count })
        else Object.assign(service.instance, { state: 'running', count: count ?? 1 })
      }),
    recreate: (group, counts) =>
      each('recreate', group, (name, service) =>
        make(fleet, name, service, disk, {
          images,
          image: filled(group.stack, service.declared),
          count: counts?.[name] ?? service.replicas,
        }),
      ),
    remove: (group) =>
      each('remove', group, (_name, service) => {
        service.instance = null
      }),
    async runOneOff(_stack, name, command) {
      const [found] = known([name])
      scope.signal.throwIfAborted()
      await fleet.beforeChange('run', name)
      const { exitCode, output } = (await found?.[1].once?.(command, scope.signal)) ?? {
        exitCode: 0,
        output: '',
      }
      scope.signal.throwIfAborted()
      scope.output(Buffer.from(output))
      return { exitCode }
    },
  }
}

/** Recreates every instance with the images of the fake machine, as if they had run from the start. */
export function runOn(fleet: Fleet, images: ImageStore): void {
  for (const [name, service] of fleet.services)
    if (service.instance !== null) make(fleet, name, service, null, { images, image: service.declared })
}

/**
 * Recreates instances of some services with their current env files, as if they had run from the start.
 * @param envFiles env files by service
 * @throws TypeError for an unknown service
 */
export function runWith(
  fleet: Fleet,
  disk: Disk,
  envFiles: { readonly [service: string]: readonly string[] },
): void {
  for (const [name, files] of Object.entries(envFiles)) {
    const service = fleet.services.get(name)
    if (service === undefined) throw new TypeError(`service ${name} not found`)
    service.envFiles = files
    make(fleet, name, service, disk)
  }
}

/** As many complete lines from the end as fit. */
function lastLines(lines: readonly string[], maxBytes: number): string {
  let from = lines.length
  for (let left = maxBytes; from > 0; from -= 1) {
    left -= Buffer.byteLength(lines[from - 1] ?? '')
    if (left < 0) break
  }
  return lines.slice(from).join('')
}

import type { Scope } from '../drivers/scope.ts'
import type { Instance, ServiceGroup, Services, ServiceState, Stack } from '../drivers/services.ts'
import { RunbookError } from '../kernel/errors.ts'
import { digestOf, sameJson, sha256 } from '../kernel/json.ts'
import { refuseUnknown } from '../kernel/did-you-mean.ts'
import { variablesOf } from '../formats/env-file.ts'
import { declaredOn } from './declared.ts'
import { resolvedOn, type Disk } from './disk.ts'
import { emptyStore, type ImageStore } from './images.ts'

/** A fake stack as plain data that a test sets up and inspects. */
export type Fleet = {
  /** False: the engine does not answer. */
  reachable?: boolean
  readonly services: Map<string, FakeService>
  /** Called before each change; throw to make it fail, or change the fleet to make it fail half-way. */
  beforeChange: (
    operation: 'stop' | 'start' | 'pull' | 'up' | 'recreate' | 'run',
    service: string,
  ) => void | Promise<void>
  /** Instances created so far, for numbering them. */
  made: number
}

export type FakeService = {
  /**
   * The current declaration in the stack's files: an image, or any text that differs between declarations.
   * `${NAME}` is a variable.
   */
  declared: string
  instance: FakeInstance | null
  /** Env files on the in-memory disk for new instances. */
  envFiles?: readonly string[]
  /**
   * Folders of the in-memory disk, by path in the instance. An instance keeps the folder to which a link led
   * when it was created.
   */
  mounts?: { readonly [inside: string]: string }
  /** Health of a running instance. */
  health: ServiceState['health']
  log: string
  /** For a one-off service: what it prints and how it ends. */
  once: ((command: readonly string[], signal: AbortSignal) => Ending | Promise<Ending>) | null
}

export type FakeInstance = {
  readonly id: string
  /** The declaration when it was created. */
  readonly image: string
  /** ID of the image with this name at that time; missing where the fake machine had none. */
  readonly imageId?: string
  /** From its env files when it was created; missing for a service without env files. */
  readonly environment?: { readonly [name: string]: string }
  /** The folders behind its mounts when it was created. */
  readonly mounted?: { readonly [inside: string]: string }
  state: 'running' | 'restarting' | 'paused' | 'stopped'
  exitCode: number | null
  outOfMemory: boolean
}

export type Ending = { readonly exitCode: number; readonly output: string }

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
      throw new RunbookError('preflight', 'cannot connect to Docker: the fake engine does not answer', {
        hint: 'make the fleet of the test reachable',
      })
    refuseUnknown('service', names, [...fleet.services.keys()], 'the fake stack')
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
      sameJson(service.instance.environment ?? {}, environmentFor(service, disk) ?? {})
    )
  }
  const each = async (
    operation: 'stop' | 'start' | 'pull' | 'up' | 'recreate',
    group: ServiceGroup,
    work: (name: string, service: FakeService) => void,
  ): Promise<void> => {
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
      configDigest: digestOf([
        stack.project,
        [...fleet.services].map(([name, { declared }]) => [name, filled(stack, declared)]),
      ]),
    }),
    states: async (group) => known(group.names).map(([name, service]) => stateOf(name, service)),
    declared: async (group) =>
      known(group.names).map(([service, { declared }]) => ({
        service,
        image: filled(group.stack, declared),
      })),
    outdated: async (group) =>
      known(group.names).flatMap(([name, service]) => (isAsDeclared(group.stack, service) ? [] : [name])),
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
    up: (group) =>
      each('up', group, (name, service) => {
        if (service.instance === null || !isAsDeclared(group.stack, service))
          make(fleet, name, service, disk, { images, image: filled(group.stack, service.declared) })
        else service.instance.state = 'running'
      }),
    recreate: (group) =>
      each('recreate', group, (name, service) =>
        make(fleet, name, service, disk, { images, image: filled(group.stack, service.declared) }),
      ),
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

function make(
  fleet: Fleet,
  name: string,
  service: FakeService,
  disk: Disk | null,
  { images, image } = { images: emptyStore(), image: service.declared },
): void {
  if (service.once !== null) {
    throw new RunbookError('usage', `cannot start ${name}: it is a one-off, not a service`, {
      hint: 'run it as a one-off',
    })
  }
  const environment = environmentFor(service, disk)
  const imageId = heldId(images, image)
  const mounted =
    service.mounts === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(service.mounts).map(([inside, folder]) => [
            inside,
            disk === null ? folder : resolvedOn(disk, folder),
          ]),
        )
  const made = {
    ...(environment === undefined ? {} : { environment }),
    ...(imageId === undefined ? {} : { imageId }),
    ...(mounted === undefined ? {} : { mounted }),
  }
  fleet.made += 1
  service.instance = {
    id: `${name}-${fleet.made}`,
    image,
    state: 'running',
    exitCode: null,
    outOfMemory: false,
    ...made,
  }
  service.log += `${name} runs ${image}\n`
}

/** Where a path in an instance is on the disk. */
function seenBy({ mounted = {} }: FakeInstance, path: string): string {
  const [inside, folder] = Object.entries(mounted).find(
    ([one]) => path === one || path.startsWith(`${one}/`),
  ) ?? ['', '']
  return `${folder}${path.slice(inside.length)}`
}

const heldId = ({ images }: ImageStore, name: string): string | undefined =>
  [...images].find(([, { tags }]) => tags.includes(name))?.[0]

/** Recreates every instance with the images of the fake machine, as if they had run from the start. */
export function runOn(fleet: Fleet, images: ImageStore): void {
  for (const [name, service] of fleet.services)
    if (service.instance !== null) make(fleet, name, service, null, { images, image: service.declared })
}

/** Merged as Compose does: the later file wins. */
function environmentFor({ envFiles }: FakeService, disk: Disk | null): FakeInstance['environment'] {
  if (envFiles === undefined || disk === null) return undefined
  const bodies = envFiles.map((file) => {
    const body = disk.files.get(file)
    if (body === undefined)
      throw new RunbookError('failed', `cannot read env file ${file}: no such file`, {
        hint: 'check the disk of the test',
      })
    return variablesOf(body, () => null)
  })
  return Object.assign({}, ...bodies) as NonNullable<FakeInstance['environment']>
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

function stateOf(name: string, { instance, health }: FakeService): ServiceState {
  if (instance === null) return { service: name, state: 'missing', health: 'none', instances: [] }
  return {
    service: name,
    state: instance.state,
    health: instance.state === 'running' ? health : 'none',
    instances: [factsOf(instance)],
  }
}

function factsOf({ id, image, imageId, exitCode, outOfMemory, state }: FakeInstance): Instance {
  return {
    id,
    image,
    imageId: imageId ?? digestOf(image),
    startedAt: null,
    exitCode: state === 'stopped' ? exitCode : null,
    outOfMemory,
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

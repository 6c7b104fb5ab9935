import type {
  Creation,
  Drift,
  Instance,
  Mount,
  ServiceState,
  StackStorage,
  UnkeptData,
} from '../drivers/services.ts'
import { variablesOf } from '../formats/env-file.ts'
import { RunbookError } from '../kernel/errors.ts'
import { digestOf, sameJson } from '../kernel/json.ts'
import { resolvedOn, type Disk } from './disk.ts'
import { emptyStore, type ImageStore } from './images.ts'

export type FakeService = {
  /**
   * The current declaration in the stack's files: an image, or any text that differs between declarations.
   * `${NAME}` is a variable.
   */
  declared: string
  /** Everything else that the stack's files declare of it; any text. */
  settings?: string
  /** How many instances the stack's files declare; 1 where left out. */
  replicas?: number
  instance: FakeInstance | null
  /** Env files on the in-memory disk for new instances. */
  envFiles?: readonly string[]
  /**
   * Folders of the in-memory disk, by path in the instance. An instance keeps the folder to which a link led
   * when it was created.
   */
  mounts?: { readonly [inside: string]: string }
  /** Named volumes for new instances, by path in the instance. */
  volumes?: { readonly [inside: string]: string }
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
  /** The settings when it was created. */
  readonly settings?: string
  /** How many of its kind there are; 1 where left out. */
  count?: number
  /** When it was started last, where that matters to a test. */
  startedAt?: string
  /** ID of the image with this name at that time; missing where the fake machine had none. */
  readonly imageId?: string
  /** From its env files when it was created; missing for a service without env files. */
  readonly environment?: { readonly [name: string]: string }
  /** The folders behind its mounts when it was created. */
  readonly mounted?: { readonly [inside: string]: string }
  /** Its named volumes when it was created. */
  readonly volumes?: { readonly [inside: string]: string }
  /** Data of a server of Postgres that only this instance has. */
  readonly unkept?: UnkeptData
  state: 'running' | 'restarting' | 'paused' | 'stopped'
  exitCode: number | null
  outOfMemory: boolean
}

export type Ending = { readonly exitCode: number; readonly output: string }

/** Creates the instance of a service by its present declaration. */
export function make(
  fleet: { made: number },
  name: string,
  service: FakeService,
  disk: Disk | null,
  {
    images,
    image,
    count = service.replicas,
  }: { readonly images: ImageStore; readonly image: string; readonly count?: number | undefined } = {
    images: emptyStore(),
    image: service.declared,
  },
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
    ...(service.volumes === undefined ? {} : { volumes: service.volumes }),
    ...(service.settings === undefined ? {} : { settings: service.settings }),
    ...counted(count),
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

const counted = (count: number | undefined): Pick<FakeInstance, 'count'> =>
  count === undefined ? {} : { count }

/** Ids of its kind: the first is its own. */
const idsOf = ({ id, count = 1 }: FakeInstance): readonly string[] =>
  Array.from({ length: count }, (_, index) => (index === 0 ? id : `${id}/${index + 1}`))

export const creationsOf = (service: string, instance: FakeInstance): readonly Creation[] =>
  idsOf(instance).map((id, index) => ({
    service,
    instance: id,
    number: index + 1,
    files: [],
    declaration: digestOf([instance.image, instance.settings ?? null]),
    createdBy: null,
    environment: digestOf(instance.environment ?? {}),
    mounts: [...mountsOf('folder', instance.mounted), ...mountsOf('volume', instance.volumes)],
    ...(instance.unkept === undefined ? {} : { unkept: instance.unkept }),
    networks: [],
  }))

const mountsOf = (
  kind: Mount['kind'],
  places: { readonly [inside: string]: string } = {},
): readonly Mount[] => Object.entries(places).map(([target, source]) => ({ kind, source, target }))

/** @param there the volumes of the machine; null: those that are declared */
export function storageOf(
  services: ReadonlyMap<string, FakeService>,
  there: ReadonlySet<string> | null,
): StackStorage {
  const mounts = [...services].flatMap(([service, { mounts: folders, volumes }]) => [
    ...mountsOf('folder', folders).map((mount) => ({ ...mount, service, exists: null })),
    ...mountsOf('volume', volumes).map((mount) => ({
      ...mount,
      service,
      exists: there?.has(mount.source) ?? true,
    })),
  ])
  const named = new Set(mounts.map(({ source }) => source))
  return { mounts, unnamed: [...(there ?? [])].filter((name) => !named.has(name)).toSorted() }
}

export function driftOf(service: string, one: FakeService, disk: Disk | null): readonly Drift[] {
  const { instance, settings } = one
  if (instance === null) return []
  const environment = !sameJson(instance.environment ?? {}, environmentFor(one, disk) ?? {})
  const mounts = !sameJson(instance.volumes ?? {}, one.volumes ?? {})
  const other = instance.settings !== settings
  if (!environment && !mounts && !other) return []
  return [
    {
      service,
      kinds: [
        ...(environment ? (['environment'] as const) : []),
        ...(mounts ? (['mounts'] as const) : []),
        ...(other ? (['other'] as const) : []),
      ],
      problem: `${service} runs with other settings than the stack's files declare`,
      hint: 'set stack.files in runbook.config.ts to the files that it was created from',
    },
  ]
}

/** Where a path in an instance is on the disk. */
export function seenBy({ mounted = {} }: FakeInstance, path: string): string {
  const [inside, folder] = Object.entries(mounted).find(
    ([one]) => path === one || path.startsWith(`${one}/`),
  ) ?? ['', '']
  return `${folder}${path.slice(inside.length)}`
}

export const heldId = ({ images }: ImageStore, name: string): string | undefined =>
  [...images].find(([, { tags }]) => tags.includes(name))?.[0]

/** Merged as Compose does: the later file wins. */
export function environmentFor({ envFiles }: FakeService, disk: Disk | null): FakeInstance['environment'] {
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

export function stateOf(name: string, { instance, health }: FakeService): ServiceState {
  if (instance === null) return { service: name, state: 'missing', health: 'none', instances: [] }
  return {
    service: name,
    state: instance.state,
    health: instance.state === 'running' ? health : 'none',
    instances: idsOf(instance).map((id) => ({ ...factsOf(instance), id })),
  }
}

function factsOf({ id, image, imageId, startedAt, exitCode, outOfMemory, state }: FakeInstance): Instance {
  return {
    id,
    image,
    imageId: imageId ?? digestOf(image),
    startedAt: startedAt ?? null,
    exitCode: state === 'stopped' ? exitCode : null,
    outOfMemory,
  }
}

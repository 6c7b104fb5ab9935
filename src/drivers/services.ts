import type { JsonObject } from '../kernel/json.ts'

/** The project that services belong to. Plain data, so that the plan records project and files. */
export type Stack = ComposeStack | ProcessStack

export type ComposeStack = {
  readonly kind: 'compose'
  readonly project: string
  /** Absolute. Compose resolves relative paths of its files against it. */
  readonly directory: string
  /** Absolute, in the order Compose merges them. */
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
  readonly profiles: readonly string[]
  /** Variables of every `docker compose` call on this stack; override the env files. */
  readonly environment: { readonly [name: string]: string }
}

/** Services as local processes, for the demo and for a machine without containers. */
export type ProcessStack = {
  readonly kind: 'process'
  readonly project: string
  readonly directory: string
  /** Folder for pid and log files. */
  readonly state: string
  readonly services: { readonly [name: string]: ProcessService }
}

export type ProcessService = {
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  /** Runs once, as a smoke test does; never started with the other services. */
  readonly oneOff: boolean
}

/** Some services of one stack. */
export type ServiceGroup = {
  readonly stack: Stack
  readonly names: readonly string[]
}

export type ServiceState = JsonObject & {
  readonly service: string
  readonly state: 'running' | 'restarting' | 'paused' | 'stopped' | 'missing'
  readonly health: 'healthy' | 'unhealthy' | 'starting' | 'none'
  readonly instances: readonly Instance[]
}

/** A service that its own health check, which its manager runs, decides about: for one that no address reaches. */
export type OwnHealthCheck = {
  readonly name: string
  /** One service. */
  readonly service: ServiceGroup
  /** Consecutive passes that count as healthy. */
  readonly passes: number
  readonly withinSeconds: number
  readonly everySeconds: number
}

/** Why services are not healthy by their own checks, for messages; null where all are. Unknown is not healthy. */
export function whyNotHealthy(states: readonly ServiceState[]): string | null {
  if (states.length === 0) return 'nothing is known of it'
  for (const { service, state, health } of states) {
    if (state !== 'running') return `${service} is ${state}`
    if (health === 'none') return `${service} runs, but has no health check of its own`
    if (health === 'starting') return `the health check of ${service} is still starting`
    if (health === 'unhealthy') return `${service} is unhealthy by its own check`
  }
  return null
}

export type Instance = JsonObject & {
  /** Container id, or pid and start time. */
  readonly id: string
  /** Image reference and image id; for a process the digest of its command. */
  readonly image: string
  readonly imageId: string
  readonly startedAt: string | null
  readonly exitCode: number | null
  readonly outOfMemory: boolean
}

export type StackFacts = JsonObject & {
  /** `docker 28.2, compose 2.26` or `process`. */
  readonly manager: string
  /** All services in the stack's files, including those of inactive profiles. */
  readonly services: readonly string[]
  /** Of the resolved configuration, so that an edit between plan and resume is detected. */
  readonly configDigest: string
  /** TCP ports of this machine that the stack's files publish, at most 100 of one range; also of services that do not run. */
  readonly published: readonly { readonly service: string; readonly port: number }[]
}

/** Current declaration of a service in the stack's files. */
export type Declared = JsonObject & {
  readonly service: string
  /** The image reference, or the program of a process; null if the files have none. */
  readonly image: string | null
  /** The files say how to build its image. */
  readonly built?: true
  /** The services that have to run for it, as the files say: `depends_on` of a Compose file. */
  readonly needs?: readonly string[]
}

/** Variables of an instance, including those of its image. Values may be secret, so only as SHA-256. */
export type Variables = JsonObject & {
  readonly service: string
  readonly instance: string
  readonly digests: { readonly [name: string]: string }
}

/** Variables that the stack's files give a service, without those of its image. Values only as SHA-256. */
export type DeclaredVariables = JsonObject & {
  readonly service: string
  readonly digests: { readonly [name: string]: string }
}

/** A file as an instance sees it; null if it is missing or the instance has no `cat`. */
export type SeenFile = JsonObject & {
  readonly service: string
  readonly instance: string
  readonly sha256: string | null
}

/** A named volume, or a folder or file of this machine, in an instance. */
export type Mount = JsonObject & {
  readonly kind: 'volume' | 'folder'
  /** Name of the volume; absolute path on this machine. */
  readonly source: string
  readonly target: string
}

/**
 * The data folder of a server that only this instance has. `volume`: in one without a name, which its successor takes over
 * only if its image declares a volume there; `instance`: gone with it.
 */
export type UnkeptData = JsonObject & { readonly folder: string; readonly in: 'volume' | 'instance' }

/** How an instance was created, whether it runs or not. Values of variables may be secret, so only a digest. */
export type Creation = JsonObject & {
  readonly service: string
  readonly instance: string
  /** Counts the instances of a service; two with one number are one instance and its half-made successor. */
  readonly number: number
  /** The stack's files when it was created; empty where that was not recorded. */
  readonly files: readonly string[]
  /** Digest of the service's declaration when it was created; null where that was not recorded. */
  readonly declaration: string | null
  /**
   * What that digest depends on besides the declaration: how it was created, by which version; null where not
   * recorded.
   */
  readonly createdBy: string | null
  readonly environment: string
  /** Without volumes that have no name. Ordered by target. */
  readonly mounts: readonly Mount[]
  /** Of a server of Postgres whose data is in none of these mounts. */
  readonly unkept?: UnkeptData
  readonly networks: readonly string[]
}

/** How recreating a service by the stack's present files would change it, its image aside. */
export type Drift = JsonObject & {
  readonly service: string
  /**
   * `files`: it was created from other files of the stack. `other`: something that is not compared one by one. `unknown`: it was created by another version, whose
   * digest says nothing, and nothing that is compared differs.
   */
  readonly kinds: readonly ('files' | 'environment' | 'mounts' | 'networks' | 'other' | 'unknown')[]
  readonly problem: string
  /** The setting that cures it. */
  readonly hint: string
}

/** A place that the stack's files give a service for its files, and where it is in the service. */
export type DeclaredMount = Mount & {
  readonly service: string
  /** Whether the volume is on this machine; null for a folder, which is not looked for. */
  readonly exists: boolean | null
}

/** Where a stack keeps its files. */
export type StackStorage = JsonObject & {
  /** Of all services in the stack's files, including those of inactive profiles. */
  readonly mounts: readonly DeclaredMount[]
  /** Volumes of the project that are on this machine and that the stack's files no longer name, sorted. */
  readonly unnamed: readonly string[]
}

/** A file as it would be after an edit. */
export type FileEdit = { readonly file: string; readonly body: Uint8Array }

/** A place in the stack's declaration that an edit of a file would change. */
export type DeclaredChange = JsonObject & {
  /** Null for what services share, such as a network. */
  readonly service: string | null
  /** With dots: `image`, `environment.MODEL`. Empty for a service that appears or disappears. */
  readonly path: string
}

/** How many instances of a service `up` leaves; of those not named, as many as the stack's files declare. */
export type InstanceCounts = { readonly [service: string]: number }

export interface ServicesView {
  /** @throws RunbookError `preflight` if the engine or a file of the stack cannot be reached */
  facts(stack: Stack): Promise<StackFacts>
  /**
   * One state per name, in order. A service without instances is `missing`.
   * @throws RunbookError `usage` for an unknown service; `preflight` for one without instances that runs from
   * the same files under another project name, as every method does
   */
  states(group: ServiceGroup): Promise<readonly ServiceState[]>
  /** One per name, in order. @throws RunbookError `usage` for an unknown service */
  declared(group: ServiceGroup): Promise<readonly Declared[]>
  /**
   * Services that `up` would create or recreate: without an instance, or with one of other files or another
   * image than the current ones. In the order of the group; a service that is only stopped is not included.
   * @throws RunbookError like `up`, also for an image that is not found
   */
  outdated(group: ServiceGroup): Promise<readonly string[]>
  /** Of all instances, also stopped ones. */
  creations(group: ServiceGroup): Promise<readonly Creation[]>
  /**
   * Services whose instances differ from the stack's present files in more than their image. A service
   * without instances is not included.
   * @param edit of one of the stack's Compose files, to compare with the files after it
   */
  drift(group: ServiceGroup, edit?: FileEdit): Promise<readonly Drift[]>
  /**
   * What an edit would change in the declaration of the complete stack, inactive profiles included, without
   * writing anything. Null if no place is known where the stack reads the file.
   * @throws RunbookError `preflight` if the stack's files cannot be read, now or after the edit
   */
  declaredChanges(stack: Stack, edit: FileEdit): Promise<readonly DeclaredChange[] | null>
  /** @throws RunbookError `preflight` if the engine or a file of the stack cannot be reached */
  storage(stack: Stack): Promise<StackStorage>
  /** One per name, in order. @throws RunbookError `usage` for an unknown service */
  declaredVariables(group: ServiceGroup): Promise<readonly DeclaredVariables[]>
  /** Of all running instances. */
  variables(group: ServiceGroup): Promise<readonly Variables[]>
  /**
   * A file (absolute path) as every running instance sees it. Read inside the instance: a folder mounted
   * through a link stays the link's target at start, but `docker cp` reads its current target.
   */
  digests(group: ServiceGroup, path: string): Promise<readonly SeenFile[]>
  /** The last lines of each service's log, at most `maxBytes` in total; does not follow. */
  logs(
    group: ServiceGroup,
    limit: { readonly sinceSeconds: number; readonly maxBytes: number },
  ): Promise<string>
}

export interface Services extends ServicesView {
  /** Returns once none is running; KILL after `graceSeconds`. An already stopped service is not an error. */
  stop(group: ServiceGroup, graceSeconds: number): Promise<void>
  /**
   * Starts existing instances unchanged and creates missing ones; never builds an image.
   * @throws RunbookError `failed` for an instance that cannot be started or exits at once
   */
  start(group: ServiceGroup): Promise<void>
  /** Pulls the images of these services. Running instances are not touched; nothing is built. */
  pull(group: ServiceGroup): Promise<void>
  /** `up -d --no-build`: recreates instances that differ from the stack's files. */
  up(group: ServiceGroup, counts?: InstanceCounts): Promise<void>
  /** `up -d --no-build --force-recreate`: recreates every instance. */
  recreate(group: ServiceGroup, counts?: InstanceCounts): Promise<void>
  /** Stops and removes the instances of these services. Their volumes stay. */
  remove(group: ServiceGroup): Promise<void>
  /** Runs a service once in a new instance, removed afterwards; output goes to the step's log. */
  runOneOff(stack: Stack, service: string, command: readonly string[]): Promise<{ readonly exitCode: number }>
}

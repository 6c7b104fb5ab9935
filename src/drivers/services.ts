import type { JsonObject } from '../kernel/json.ts'

/** Where services live. Plain data: it stands in the plan, so the plan says which project on which files it is about. */
export type Stack = ComposeStack | ProcessStack

export type ComposeStack = {
  readonly kind: 'compose'
  readonly project: string
  /** Absolute. Compose resolves relative paths in its files against it. */
  readonly directory: string
  /** Absolute, in the order Compose merges them. */
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
  readonly profiles: readonly string[]
  /** Variables set for every `docker compose` call on this stack, over the env files. */
  readonly environment: { readonly [name: string]: string }
}

/** Services as plain local processes: for the demo, and for one machine without containers. */
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
  /** Runs once and ends, as a smoke test does; never started with the others. */
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

export type Instance = JsonObject & {
  /** Container id, or pid with start time. */
  readonly id: string
  /** Image reference and image id; the command's digest for a process. */
  readonly image: string
  readonly imageId: string
  readonly startedAt: string | null
  readonly exitCode: number | null
  readonly outOfMemory: boolean
}

export type StackFacts = JsonObject & {
  /** `docker 28.2, compose 2.26` or `process`. */
  readonly manager: string
  /** Every service that the stack's files declare, those of inactive profiles included. */
  readonly services: readonly string[]
  /** Of the resolved configuration, so that an edit between plan and resume is seen. */
  readonly configDigest: string
}

/** What the stack's files declare of a service now. */
export type Declared = JsonObject & {
  readonly service: string
  /** The image reference, or the program of a process; null where the files name none. */
  readonly image: string | null
}

/** Variables that an instance was made with, those of its image included. Values may be secret, so only their SHA-256 is told. */
export type Variables = JsonObject & {
  readonly service: string
  readonly instance: string
  readonly digests: { readonly [name: string]: string }
}

/** A file as an instance sees it; null where it sees none, or has no `cat` to read it with. */
export type SeenFile = JsonObject & {
  readonly service: string
  readonly instance: string
  readonly sha256: string | null
}

export interface ServicesView {
  /** @throws RunbookError `preflight` where the engine or a file of the stack cannot be reached. */
  facts(stack: Stack): Promise<StackFacts>
  /** One state a name, in the order asked; a service without instances is `missing`, a misspelt one throws `usage`. */
  states(group: ServiceGroup): Promise<readonly ServiceState[]>
  /** One a name, in the order asked; a misspelt one throws `usage`. */
  declared(group: ServiceGroup): Promise<readonly Declared[]>
  /**
   * Services that have no instance, or one made from other files or another image than are there now: those that `up` would make. Told in the
   * order asked; one that is only stopped is none of them. @throws RunbookError as `up` does, for an image that is nowhere too
   */
  outdated(group: ServiceGroup): Promise<readonly string[]>
  /** Of every instance that runs. */
  variables(group: ServiceGroup): Promise<readonly Variables[]>
  /**
   * A file, by its absolute path, as every instance that runs sees it. It is read in there: a folder that is mounted by way of a link stays the one that
   * the link led to when the instance was started, and `docker cp` looks at the one to which it leads now.
   */
  digests(group: ServiceGroup, path: string): Promise<readonly SeenFile[]>
  /** The last lines of each service's log, at most `maxBytes` in all; it never follows. */
  logs(
    group: ServiceGroup,
    limit: { readonly sinceSeconds: number; readonly maxBytes: number },
  ): Promise<string>
}

export interface Services extends ServicesView {
  /** Returns when none of them runs; a service that is already stopped is no error. `graceSeconds`, then KILL. */
  stop(group: ServiceGroup, graceSeconds: number): Promise<void>
  /**
   * Starts instances that exist as they are, and creates missing ones without ever building an image.
   * @throws RunbookError `failed` for one that cannot be started, or that ends at once
   */
  start(group: ServiceGroup): Promise<void>
  /** Fetches the images that the stack's files name for these services. What runs goes on running, and nothing is built. */
  pull(group: ServiceGroup): Promise<void>
  /** `up -d --no-build`: recreates what differs from the stack's files. */
  up(group: ServiceGroup): Promise<void>
  /** `up -d --no-build --force-recreate`: makes every instance anew, though nothing differs. */
  recreate(group: ServiceGroup): Promise<void>
  /** Runs a service once in a fresh instance that is removed afterwards; output goes to the step's log. */
  runOneOff(stack: Stack, service: string, command: readonly string[]): Promise<{ readonly exitCode: number }>
}

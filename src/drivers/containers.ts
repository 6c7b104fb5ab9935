import type { JsonObject } from '../kernel/json.ts'

/** A container that a run starts for itself and removes again. Not part of any stack. */
export type Throwaway = {
  readonly name: string
  /** `NAME:TAG` of an image on this machine. */
  readonly image: string
  /** Empty: the default command of the image. */
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  /** Variables set to one random value, generated with the container and known only inside it. */
  readonly random: readonly string[]
}

export type ThrowawayFacts = JsonObject & {
  readonly id: string
  readonly image: string
  readonly imageId: string
  /** A container that was created but never started counts as stopped. */
  readonly state: 'running' | 'stopped'
  /** Null until the container has exited. */
  readonly exitCode: number | null
}

/** What a container, of a stack or not, mounts of the machine on which its engine runs. */
export type ContainerMount = JsonObject & {
  readonly container: string
  /**
   * Path of the folder or file, as it was when the container was created; of a volume, where the engine has it, or the
   * path that it is bound to.
   */
  readonly source: string
  /** Name of the volume that the engine keeps there; null for a path of the machine, also one that a volume is bound to. */
  readonly volume: string | null
  /** Since when the container runs, ISO 8601; null where it does not run. */
  readonly since: string | null
}

export interface ContainersView {
  /** Of all containers of the engine, running or not. Null where no engine listens: then no container runs. */
  mounts(): Promise<readonly ContainerMount[] | null>
  /** Null if no container has the name. */
  state(name: string): Promise<ThrowawayFacts | null>
  /** The last `lines` lines of its log; empty if no container has the name. */
  log(name: string, lines: number): Promise<string>
}

/** A run's own containers. They have no network and publish no port. */
export interface Containers extends ContainersView {
  /**
   * Creates and starts a container without pulling its image. It outlives this process and the cleanup of
   * orphans, so its caller must remove it.
   * @throws RunbookError `failed` if the name is taken or the image is not on this machine
   */
  start(throwaway: Throwaway): Promise<ThrowawayFacts>
  /**
   * Kills and removes it with its anonymous volumes; waits for the removal. A missing one is not an error.
   * @throws RunbookError `failed` for a container that was not created by a run
   */
  remove(name: string): Promise<void>
}

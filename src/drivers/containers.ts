import type { JsonObject } from '../kernel/json.ts'

/** What a run starts for itself and removes again. It is no service of any stack. */
export type Throwaway = {
  readonly name: string
  /** `NAME:TAG` of an image that is on this machine. */
  readonly image: string
  /** Empty: as the image says. */
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  /** Variables that all get one random value, made together with the container and known in it alone. */
  readonly random: readonly string[]
}

export type ThrowawayFacts = JsonObject & {
  readonly id: string
  readonly image: string
  readonly imageId: string
  /** One that was made and never started is stopped too. */
  readonly state: 'running' | 'stopped'
  /** Of one that ran and ended; null before. */
  readonly exitCode: number | null
}

export interface ContainersView {
  /** Null where none has the name. */
  state(name: string): Promise<ThrowawayFacts | null>
  /** The end of its log, so many lines. Empty where none has the name. */
  log(name: string, lines: number): Promise<string>
}

/** Containers of a run's own. Nothing outside can reach them, nor they anything: they have no network, and no port is published. */
export interface Containers extends ContainersView {
  /**
   * Makes it and starts it; fetches nothing. It outlives this process, and no clearing away of what a dead run left takes it: whoever
   * starts one removes it. @throws RunbookError `failed` where the name is taken or the image is not on this machine
   */
  start(throwaway: Throwaway): Promise<ThrowawayFacts>
  /**
   * Kills and removes it with the volumes that were made for it; returns when it is gone. None is no error.
   * @throws RunbookError `failed` for a container that no run made
   */
  remove(name: string): Promise<void>
}

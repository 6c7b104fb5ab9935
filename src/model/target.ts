import { digestOf, type JsonObject } from '../kernel/json.ts'
import type { ResolvedSections } from '../sections/index.ts'

/**
 * A named system, with everything that a runbook needs to know of it. Made from `runbook.config.ts`; plain JSON, since it stands in the plan.
 * Sections are optional: a runbook names those it needs, and is refused for a target without them.
 */
export interface Target extends ResolvedSections {
  readonly name: TargetName
  readonly title: string
  readonly objectives: Objectives
  /** Whatever else a team's own runbooks need; typed from the configuration. */
  readonly settings: Settings
}

export type Objectives = {
  /** Recovery time objective: from the start of the run to the service being up. Seconds. */
  readonly rtoSeconds: number | null
  /** Recovery point objective: how much data may be lost at the most. Seconds. */
  readonly rpoSeconds: number | null
}

/**
 * Augmented by `runbook.config.ts`, so that runbooks are checked against the team's own configuration (names of targets, their
 * sections, their settings): `declare module 'runbook' { interface Registered { config: typeof config } }`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type
export interface Registered {}

type Configured = Registered extends { readonly config: { readonly targets: infer T } }
  ? T
  : { readonly [name: string]: JsonObject }
export type TargetName = Extract<keyof Configured, string>
type SettingsOf<T> = T extends { readonly settings: infer S } ? S : never
export type Settings = [SettingsOf<Configured[keyof Configured]>] extends [never]
  ? JsonObject
  : SettingsOf<Configured[keyof Configured]>

export type Section = keyof ResolvedSections

type KeysOfEach<T> = T extends unknown ? keyof T : never
/** Sections that at least one configured target has: a runbook that needs another could run nowhere. */
export type ConfiguredSection = string extends keyof Configured
  ? Section
  : Extract<Section, KeysOfEach<Configured[keyof Configured]>>

/** A target that has the sections named. */
export type TargetWith<S extends Section> = Target & { readonly [K in S]-?: NonNullable<Target[K]> }

/**
 * The real system behind a target, whatever it is called: runs on the same database, images or stack exclude each other.
 * A target with neither is known by its name.
 */
export function systemOf(target: Target): string {
  const { database, images, stack } = target
  if (database?.engine === 'sqlite') return digestOf(['sqlite', database.file]).slice(0, 16)
  if (database?.engine === 'postgres' && database.via.kind === 'server') {
    return digestOf(['postgres', database.via.host, database.via.port, database.name]).slice(0, 16)
  }
  // Production and development side by side share names of images, pointers and tar files: what the one rolls back to, the other must not prune.
  if (images !== undefined) return digestOf(['images', images.repository, images.folder]).slice(0, 16)
  if (stack !== undefined) return digestOf(['stack', stack.kind, stack.project, stack.directory]).slice(0, 16)
  return digestOf(['name', target.name]).slice(0, 16)
}

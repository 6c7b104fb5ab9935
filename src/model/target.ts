import { digestOf, type JsonObject } from '../kernel/json.ts'
import type { ResolvedSections } from '../sections/index.ts'

/**
 * A named system with everything a runbook needs to know about it, resolved from `runbook.config.ts`.
 * Plain JSON, since it is part of the plan. Sections are optional: a runbook lists those it needs and is
 * refused for a target without them.
 */
export interface Target extends ResolvedSections {
  readonly name: TargetName
  readonly title: string
  readonly objectives: Objectives
  /** Anything else a team's own runbooks need; typed from the configuration. */
  readonly settings: Settings
}

export type Objectives = {
  /** Recovery time objective in seconds, from the start of the run until the service is up. */
  readonly rtoSeconds: number | null
  /** Recovery point objective in seconds: the longest period whose data may be lost. */
  readonly rpoSeconds: number | null
}

/**
 * Augmented by `runbook.config.ts`, so that runbooks are type-checked against the team's targets, sections
 * and settings: `declare module 'runbook' { interface Registered { config: typeof config } }`.
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
/** Sections that at least one configured target has: a runbook that needs another could not run anywhere. */
export type ConfiguredSection = string extends keyof Configured
  ? Section
  : Extract<Section, KeysOfEach<Configured[keyof Configured]>>

/** A target that has these sections. */
export type TargetWith<S extends Section> = Target & { readonly [K in S]-?: NonNullable<Target[K]> }

/**
 * Identifies the real system behind a target by its database, images or stack, so that runs on the same one
 * exclude each other. A target without any of them is identified by its name.
 */
export function systemOf(target: Target): string {
  const { database, images, stack } = target
  if (database?.engine === 'sqlite') return digestOf(['sqlite', database.file]).slice(0, 16)
  if (database?.engine === 'postgres' && database.via.kind === 'server') {
    return digestOf(['postgres', database.via.host, database.via.port, database.name]).slice(0, 16)
  }
  // Production and development on one machine share image names, pointers and tar files: one must not prune
  // what the other rolls back to.
  if (images !== undefined) return digestOf(['images', images.repository, images.folder]).slice(0, 16)
  if (stack !== undefined) return digestOf(['stack', stack.kind, stack.project, stack.directory]).slice(0, 16)
  return digestOf(['name', target.name]).slice(0, 16)
}

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

/** A section that is not configured: what applies instead, and what that costs in certainty. */
export type DefaultUsed = JsonObject & { readonly section: Section; readonly says: string }

/** What applies to sections that a target does not configure; a null value: runbooks go on without one. */
export type Defaults = {
  readonly [S in Section]?: { readonly value: Target[S] | null; readonly says: string }
}

/** Beside the targets, since a target is part of plans, and plans hold only what their runbook needs. */
const defaultsOf = new WeakMap<Target, Defaults>()

/** A target whose missing sections have defaults, for runbooks that need them. */
export function withDefaults(target: Target, defaults: Defaults): Target {
  defaultsOf.set(target, defaults)
  return target
}

/** The sections that a runbook can work with on a target: configured, or with a default. */
export function sectionsOf(target: Target): readonly string[] {
  const more = Object.entries(defaultsOf.get(target) ?? {}).flatMap(([name, { value }]) =>
    value === null ? [] : [name],
  )
  return [...new Set([...Object.keys(target), ...more])]
}

type Needing = { readonly needs: readonly Section[]; readonly wants?: readonly Section[] }

/** The sections that a runbook needs, and that a target neither configures nor has a default for. */
export function missingSections({ needs }: Needing, target: Target): readonly Section[] {
  const defaults = defaultsOf.get(target)
  return needs.filter(
    (section) => target[section] === undefined && (defaults?.[section]?.value ?? null) === null,
  )
}

/** The target as a runbook sees it: with the defaults of what it needs, which are listed. */
export function completed(
  { needs, wants = [] }: Needing,
  target: Target,
): { readonly target: Target; readonly used: readonly DefaultUsed[] } {
  const defaults = defaultsOf.get(target)
  if (defaults === undefined) return { target, used: [] }
  const used = [...needs, ...wants].flatMap((section) => {
    const given = target[section] === undefined ? defaults[section] : undefined
    return given === undefined ? [] : [{ section, ...given }]
  })
  if (used.length === 0) return { target, used: [] }
  const values = used.flatMap(({ section, value }) => (value === null ? [] : [[section, value] as const]))
  return {
    target: withDefaults({ ...target, ...Object.fromEntries(values) }, defaults),
    used: used.map(({ section, says }) => ({ section, says })),
  }
}

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

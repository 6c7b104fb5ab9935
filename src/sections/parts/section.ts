import type { z } from 'zod'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Stack } from '../../drivers/services.ts'
import type { RunbookError } from '../../kernel/errors.ts'

/** One section of a target: what may be configured, and what runbooks and steps get to see. */
export type SectionDefinition<S extends z.ZodType, R> = {
  /** What the section is for and what does not work without it, for `runbook help config`. */
  readonly about: string
  /** Every setting in it carries a description, and what stands in for it where it may be left out. */
  readonly schema: S
  /** Fits the examples of all other sections, so that together they are one target. */
  readonly example: z.input<S>
  /** Other ways to write it, each good beside the example of `stack`. */
  readonly alternatives?: readonly z.input<S>[]
  /** Pure. @throws RunbookError `usage` for settings that do not fit together or need another section */
  readonly resolve: (raw: z.output<S>, around: Around) => R
}

/** What a section is resolved in: the place of the configuration, and the other sections of its target. */
export type Around = {
  /** The name of this machine. */
  readonly host: string
  /** An absolute path: `~` is the home folder, and a relative path starts at the configuration's folder. */
  path(given: string): string
  /** A secret with an absolute path where it is in a file; null where none is configured. */
  secret<H extends SecretHandle | undefined>(handle: H): H extends SecretHandle ? SecretHandle : null
  /** The stack in which the section's services live. @throws RunbookError `usage` for a target without one */
  stack(setting?: string): Stack
  /** Another section of the target, resolved; undefined where the target does not have it. */
  other<S extends z.ZodType, R>(section: SectionDefinition<S, R>): R | undefined
  /** The error for a target with which the section cannot work. */
  unusable(problem: string, hint: string): RunbookError
}

/** Defines a section. The table in `index.ts` gives it its name. */
export const section = <S extends z.ZodType, R>(
  definition: SectionDefinition<S, R>,
): SectionDefinition<S, R> => definition

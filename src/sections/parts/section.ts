import type { z } from 'zod'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Stack } from '../../drivers/services.ts'
import type { RunbookError } from '../../kernel/errors.ts'

/** One section of a target: what can be configured, and what runbooks and steps see of it. */
export type SectionDefinition<S extends z.ZodType, R> = {
  /** What the section is for and what does not work without it, for `runbook help config`. */
  readonly about: string
  /** Every setting has a description, and the meaning of leaving it out where it is optional. */
  readonly schema: S
  /** Works together with the examples of all other sections as one target. */
  readonly example: z.input<S>
  /** Other ways to write it; each works with the example of `stack`. */
  readonly alternatives?: readonly z.input<S>[]
  /**
   * Resolves the settings; pure.
   * @throws RunbookError `usage` for settings that do not fit together or need another section
   */
  readonly resolve: (raw: z.output<S>, context: SectionContext) => R
  /** What applies where the section is not configured; without it, runbooks that need the section are refused. */
  readonly absent?: Absent<R>
}

/** What runbooks use of a section that is not configured. */
export type Absent<R> = {
  /** For documents, after "Default: ". Markdown. */
  readonly about: string
  /**
   * Null where the default would build on a section that is missing too. Pure.
   * @returns the value, null where runbooks go on without one, and what plans and reports say: what applies instead, and what
   * that costs in certainty
   */
  readonly resolve: (context: SectionContext) => { readonly value: R | null; readonly says: string } | null
}

/**
 * The context in which a section is resolved: the configuration's location, and the target's other sections.
 */
export type SectionContext = {
  /** Host name of this machine. */
  readonly host: string
  /**
   * Makes a path absolute: `~` is the home folder, and a relative path starts at the configuration's folder.
   */
  path(given: string): string
  /** A folder below the state folder of this program. */
  stateFolder(name: string): string
  /** The project name in a Compose file or env file; undefined where it has none. */
  projectName(file: string): string | undefined
  /** The secret, with an absolute path where it is a file; null where none is configured. */
  secret<H extends SecretHandle | undefined>(handle: H): H extends SecretHandle ? SecretHandle : null
  /**
   * The stack that has the section's services.
   * @throws RunbookError `usage` for a target without a stack
   */
  stack(setting?: string): Stack
  /** Another section of the target, resolved; undefined where the target does not have it. */
  other<S extends z.ZodType, R>(section: SectionDefinition<S, R>): R | undefined
  /** The `usage` error for a target that the section cannot use. */
  unusable(problem: string, hint: string): RunbookError
}

/** Defines a section. Its name is its key in `index.ts`. */
export const section = <S extends z.ZodType, R>(
  definition: SectionDefinition<S, R>,
): SectionDefinition<S, R> => definition

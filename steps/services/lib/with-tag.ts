import type { ServiceGroup, VersionPin } from '../../../src/index.ts'

/** The services with another tag than their env file holds: a variable set for a call overrides the file. */
export const withTag = (
  { stack, names }: ServiceGroup,
  { variable }: Pick<VersionPin, 'variable'>,
  tag: string | null,
): ServiceGroup => ({
  stack:
    stack.kind === 'compose'
      ? { ...stack, environment: { ...stack.environment, [variable]: tag ?? '' } }
      : stack,
  names,
})

import type { ServiceGroup, VersionPin } from '../../../src/index.ts'

/** The services as they would be with another tag than their env file holds: what is set for a call wins over the file. */
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

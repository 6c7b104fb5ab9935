import type { Stack } from '../drivers/services.ts'
import { variablesOf } from '../formats/env-file.ts'
import type { Disk } from './disk.ts'

/**
 * Expands `${NAME}` in a service's declaration as Compose does: from the stack's own variables, else from its
 * env files.
 */
export function declaredOn(disk: Disk | null): (stack: Stack, declared: string) => string {
  return (stack, declared) =>
    declared.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
      if (stack.kind !== 'compose') return whole
      const found = stack.envFiles.map(
        (file) => variablesOf(disk?.files.get(file) ?? new Uint8Array(), () => null)[name],
      )
      return stack.environment[name] ?? found.findLast((value) => value !== undefined) ?? ''
    })
}

import type { DeclaredChange, FileEdit, Stack } from '../drivers/services.ts'
import { variablesOf } from '../formats/env-file.ts'
import type { Disk } from './disk.ts'
import { environmentFor, type FakeService } from './instances.ts'

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

type Services = ReadonlyMap<string, FakeService>

/** Looks at the disk as it would be after an edit. Whatever is declared by a getter sees it too. */
export function withEdit<T>(disk: Disk | null, edit: FileEdit | undefined, look: () => T): T {
  if (disk === null || edit === undefined) return look()
  const was = disk.files.get(edit.file)
  disk.files.set(edit.file, edit.body)
  try {
    return look()
  } finally {
    if (was === undefined) disk.files.delete(edit.file)
    else disk.files.set(edit.file, was)
  }
}

/** Whether the fake stack takes anything from a file. */
export const readsFile = (services: Services, stack: Stack, file: string): boolean =>
  (stack.kind === 'compose' && [...stack.files, ...stack.envFiles].includes(file)) ||
  [...services.values()].some(({ envFiles = [] }) => envFiles.includes(file))

type Declarations = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Everything that is declared of each service, by its path. */
export const declarationsOf = (services: Services, stack: Stack, disk: Disk | null): Declarations =>
  new Map(
    [...services].map(([name, service]) => [
      name,
      new Map([
        ['image', declaredOn(disk)(stack, service.declared)],
        ['settings', service.settings ?? ''],
        ...Object.entries(environmentFor(service, disk) ?? {}).map(
          ([variable, value]) => [`environment.${variable}`, value] as const,
        ),
      ]),
    ]),
  )

export const changesBetween = (was: Declarations, is: Declarations): readonly DeclaredChange[] =>
  [...was].flatMap(([service, before]) => {
    const after = is.get(service)
    const paths = [...new Set([...before.keys(), ...(after?.keys() ?? [])])].toSorted()
    return paths.flatMap((path) => (before.get(path) === after?.get(path) ? [] : [{ service, path }]))
  })

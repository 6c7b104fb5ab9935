import { dirname } from 'node:path/posix'
import type { VolumePath } from '../../drivers/volumes.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { composeLine } from '../../model/compose-line.ts'

/** The command that shows what is at a place in a service. */
export function lookAt({ stack, service, path }: VolumePath, flags: '-l' | '-ld' = '-l'): string {
  const words = `ls ${flags} ${shellWord(path)}`
  return `check: ${stack.kind === 'compose' ? composeLine(stack, `exec ${service} ${words}`) : words}`
}

/** The command that shows what is beside a place in a service. */
export const lookBeside = (at: VolumePath): string => lookAt({ ...at, path: dirname(at.path) })

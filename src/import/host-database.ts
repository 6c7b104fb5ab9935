import { inContainer } from './docker.ts'
import type { Step } from './procedure.ts'
import { writtenValues } from './shell-variables.ts'
import { copied, isLiveDatabase } from './traps/sqlite.ts'

/** What a command does with a SQLite file on this machine that an application has open. */
type Use = {
  readonly file: string
  readonly as: 'restored' | 'kept' | 'read'
  /** The other side of a copy; empty where it is not known. */
  readonly other: string
}

/**
 * What a command does with a live SQLite file of this machine; null: nothing.
 * @param before the commands before it, which may set the variables in it
 */
export function useOf(step: Step, before: readonly Step[]): Use | null {
  const valueOf = writtenValues(before)
  const { program, main, docker, compose } = step
  const isLive = (path: string): boolean =>
    isLiveDatabase(path) && inContainer(path) === null && !/[$`<*{]/.test(path)
  if (docker !== null || compose !== null) return null
  if (program.program === 'sqlite3') {
    const file = valueOf(program.args.find((arg) => !arg.startsWith('-')) ?? '')
    if (!isLive(file)) return null
    const asked = [...program.args.slice(1), main.input ?? ''].join('\n')
    const as = /^\s*\.restore\b/im.test(asked)
      ? 'restored'
      : /^\s*\.(?:backup|save|clone)\b|\bvacuum\s+(?:main\s+)?into\b/im.test(asked)
        ? 'kept'
        : 'read'
    return { file, as, other: '' }
  }
  const copy = copied(step) ?? moved(step)
  if (copy === null || main.program === 'scp') return null
  const [from, to] = [valueOf(copy.from), valueOf(copy.to)]
  // Of rsync, what comes before a colon is another host.
  if (/:/.test(from) || /:/.test(to)) return null
  if (isLive(to) && !isLive(from)) return { file: to, as: 'restored', other: from }
  return isLive(from) && !isLive(to) ? { file: from, as: 'kept', other: to } : null
}

function moved({ main }: Step): { readonly from: string; readonly to: string } | null {
  if (main.program !== 'mv') return null
  const [from, to, ...more] = main.args.filter((arg) => !arg.startsWith('-'))
  return from === undefined || to === undefined || more.length > 0 ? null : { from, to }
}

/** The SQLite file of this machine that a document is about: the one that it restores, else one that it copies or asks. */
export function hostDatabaseIn(steps: readonly Step[]): string | null {
  const uses = steps.flatMap((step, index) => useOf(step, steps.slice(0, index)) ?? [])
  return (
    (uses.find(({ as }) => as === 'restored') ?? uses.find(({ as }) => as === 'kept') ?? uses[0])?.file ??
    null
  )
}

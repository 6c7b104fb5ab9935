import type { Step } from './procedure.ts'
import { writtenValues } from './shell-variables.ts'

/**
 * The folder that `mv data data.$(date)` moves out of the way, so that an archive can be unpacked in its place; null for every other command.
 * @param before the commands before it, which may set the variables in it
 */
export function folderMovedBy({ main }: Step, before: readonly Step[]): string | null {
  if (main.program !== 'mv') return null
  const valueOf = writtenValues(before)
  const [from, to, ...more] = main.args
    .filter((arg) => !arg.startsWith('-'))
    .map((arg) => valueOf(arg).replace(/\/+$/, ''))
  if (from === undefined || to === undefined || more.length > 0) return null
  const name = from.replace(/^.*\//, '')
  const isFolder = /^\.?[\w-]+$/.test(name) && !/[$`<*{]/.test(from)
  return isFolder && to.replace(/^.*\//, '').startsWith(name) ? from : null
}

import { expect } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import type { Kill } from './kill.ts'
import { promisedAfter, type Fate, type Promised } from './recovery.ts'
import { whole, type Scene } from './scene.ts'
import type { Way } from './points.ts'

export type Crashed = {
  readonly killed: boolean
  readonly outcome: Promised['outcome']
  readonly entries: readonly Stored[]
  readonly commands: number
}

/**
 * Types the command with a kill in it, then what an operator would type, until the run is settled, and holds every exit code to what is
 * promised. A command that came to its end before it was killed counts as such.
 * @param again a kill for the first command of the recovery too
 */
export async function crash(
  scene: Scene,
  args: readonly string[],
  { kill, way, again = null }: { readonly kill: Kill; readonly way: Way; readonly again?: Kill | null },
  fate: Fate,
  confirm: readonly string[],
): Promise<Crashed> {
  const died = await scene.type(args, kill)
  if (died.signal !== 'SIGKILL') {
    expect(died.code, whole(died)).toBe(fate.outcome === 'succeeded' ? 0 : fate.exit)
    return { killed: false, outcome: fate.outcome, entries: await scene.entries(), commands: 1 }
  }
  let commands = 1
  if (again !== null) {
    const promised = promisedAfter(await scene.entries(), way, fate)
    const first = promised.commands.at(-1)?.type ?? way
    const diedAgain = await scene.type([first, ...confirmOf(first, confirm)], again)
    commands += 1
    if (diedAgain.signal !== 'SIGKILL')
      expect(diedAgain.code, whole(diedAgain)).toBe(promised.commands.at(-1)?.exit)
  }
  const promised = promisedAfter(await scene.entries(), way, fate)
  for (const { type, exit, says } of promised.commands) {
    const finished = await scene.type([
      type,
      ...(promised.outcome === 'never begun' ? [] : await runOf(scene)),
      ...confirmOf(type, confirm),
    ])
    commands += 1
    expect(finished.code, whole(finished)).toBe(exit)
    if (says !== undefined) expect(whole(finished)).toMatch(says)
  }
  return { killed: true, outcome: promised.outcome, entries: await scene.entries(), commands }
}

/** Named, for a run that is settled is not found without its name. */
const runOf = async (scene: Scene): Promise<readonly string[]> =>
  (await scene.entries()).slice(0, 1).map(({ run }) => run)

const confirmOf = (type: Way, confirm: readonly string[]): readonly string[] =>
  type === 'resume' ? confirm : []

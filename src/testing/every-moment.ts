import { RunbookError } from '../kernel/errors.ts'
import { canonical, isFields, type Json, type JsonObject } from '../kernel/json.ts'
import type { Result } from '../run/engine/ending.ts'
import { stateOf } from '../run/journal/state.ts'
import { Killed } from './faults.ts'
import type { FakeMachine } from './machine.ts'

export interface EveryMoment {
  /** Parameters of the runs. Try each choice that changes which steps run. */
  readonly params?: JsonObject
  /**
   * The part of `world.state()` that counts. Default: all of it. Leave out what differs on purpose: a log that is written
   * whatever happens, data that an undo keeps aside.
   */
  compare?(state: JsonObject): Json
}

/** Problems that are listed; the first ones say enough. */
const most = 10

/**
 * Tries a runbook at every moment: each fails once, and each is once the last of its process, after which the run is
 * resumed, or rolled back. Every run must end settled, with the world as before or as after an undisturbed run, and a dry
 * run must change nothing.
 * @param machine returns a machine on a fresh world, the same one each time
 * @returns the moments, in order
 * @throws RunbookError `failed` with the moments at which that did not hold; `usage` if `machine` returns different
 *   worlds, or the run does not succeed undisturbed
 */
export async function everyMoment(
  machine: () => FakeMachine,
  { params = {}, compare = (state) => state }: EveryMoment = {},
): Promise<readonly string[]> {
  const stateIn = ({ world }: FakeMachine): Json => compare(world.state())
  const calm = machine()
  const before = stateIn(calm)
  const { outcome, failure } = await calm.run(params)
  if (outcome !== 'succeeded')
    throw new RunbookError('usage', `the run without faults ended ${outcome}: ${failure?.message}`, {
      hint: 'prepare the world so that the runbook succeeds on it',
    })
  const after = stateIn(calm)
  const other = differences(before, stateIn(machine()))
  if (other.length > 0)
    throw new RunbookError('usage', `two fresh machines differ in ${other.join(', ')}`, {
      hint: 'make a new world in each call of machine(), and the same one each time',
    })
  const problems: string[] = []
  const check = (where: string, ended: string, one: FakeMachine): void => {
    const expected = ended === 'succeeded' ? after : before
    if (!['succeeded', 'rolled-back', 'refused', 'foretold', 'not begun'].includes(ended))
      problems.push(`${where}: not settled: ${ended}`)
    else {
      const differing = differences(expected, stateIn(one))
      if (differing.length > 0)
        problems.push(
          `${where}: ended ${ended}, and differs from the world ${ended === 'succeeded' ? 'after an undisturbed run' : 'before'} in ${differing.join(', ')}`,
        )
    }
  }

  const dry = machine()
  check('dry run', await endOf(dry.dryRun(params)), dry)
  const moments = [...calm.world.faults.reached]
  for (const [index, moment] of moments.entries()) {
    const time = moments.slice(0, index + 1).filter((one) => one === moment).length
    const failing = machine()
    failing.world.faults.order(moment, 'fail', time)
    const ended = await endOf(failing.run(params))
    check(`${moment} fails, time ${time}`, final(ended) ? ended : await settled(failing, 'resume'), failing)
    for (const way of ['resume', 'rollback'] as const) {
      const killed = machine()
      killed.world.faults.killAfter(index + 1)
      const where = `killed at ${moment}, time ${time}, then ${way}`
      const end = await endOf(killed.run(params))
      if (end !== 'killed') problems.push(`${where}: the run is not the same each time: it ended ${end}`)
      else check(where, await settled(killed, way), killed)
    }
  }
  if (problems.length === 0) return moments
  const more = problems.length > most ? [`and ${problems.length - most} more`] : []
  throw new RunbookError(
    'failed',
    `not safe at every moment:\n${[...problems.slice(0, most), ...more].map((line) => `  ${line}`).join('\n')}`,
    {
      hint: 'order one of them alone, with world.faults.order(…) or killAfter(…), and look at machine.entries',
    },
  )
}

const final = (outcome: string): boolean => ['succeeded', 'rolled-back', 'refused'].includes(outcome)

/** The outcome of a run, `killed`, or what it threw. */
async function endOf(run: Promise<Result>): Promise<string> {
  try {
    return (await run).outcome
  } catch (thrown) {
    return thrown instanceof Killed ? 'killed' : String(thrown)
  }
}

/** Continues a run until it is settled and sealed, at most three times. */
async function settled(machine: FakeMachine, wanted: 'resume' | 'rollback'): Promise<string> {
  if (machine.entries.length === 0) return 'not begun'
  for (let tries = 0; tries < 3; tries += 1) {
    const { settled: ending, sealed, way, pivoted } = stateOf(machine.entries)
    const isOpen = ending === null || ending.outcome === 'needs-human'
    if (!isOpen && sealed) return ending.outcome
    const goesBack = isOpen && (way === 'back' || (wanted === 'rollback' && !pivoted))
    const ended = await endOf(goesBack ? machine.rollback() : machine.resume())
    if (!(final(ended) || ended === 'needs-human' || ended === 'open')) return ended
  }
  return stateOf(machine.entries).settled?.outcome ?? 'open'
}

/** Paths at which two values differ, at most five. */
function differences(one: Json | undefined, other: Json | undefined, path = ''): readonly string[] {
  if (one !== undefined && other !== undefined && canonical(one) === canonical(other)) return []
  if (!isFields(one) || !isFields(other)) return [path === '' ? 'all of it' : path]
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort()
  return keys
    .flatMap((key) =>
      differences(
        one[key] as Json | undefined,
        other[key] as Json | undefined,
        path === '' ? key : `${path}.${key}`,
      ),
    )
    .slice(0, 5)
}

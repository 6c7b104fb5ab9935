import { RunbookError } from '../kernel/errors.ts'
import { isFields, type Json, type JsonObject } from '../kernel/json.ts'
import type { Result } from '../run/engine/ending.ts'
import { stateOf } from '../run/journal/state.ts'
import { Killed } from './faults.ts'
import { recordsFolder, type FakeMachine } from './machine.ts'
import { differences, listed, notRepeatable, problemOf, type MomentProblem } from './moment-problem.ts'

export interface EveryMoment {
  /** Parameters of the runs. Try each choice that changes which steps run. */
  readonly params?: JsonObject
  /**
   * The part of `world.state()` that counts. Default: all of it. Leave out what differs on purpose: data that an undo keeps
   * aside. What a run adds beside its evidence, as `logResult` does, is left out already: a record stays whatever happens.
   */
  compare?(state: JsonObject): Json
}

/**
 * Tries a runbook at every moment: each fails once, and each is once the last of its process, after which the run is
 * resumed, or rolled back. Every run must end settled, with the world as before or as after an undisturbed run, and a dry
 * run must change nothing.
 * @param machine returns a machine on a fresh world, the same one each time
 * @returns the moments, in order
 * @throws RunbookError `failed` with the moments at which that did not hold, those first that leave a service down or lose
 *   data, then those that report what is not so, then those that are not settled, with the reason; `usage` if `machine` returns different
 *   worlds, or the run does not succeed undisturbed
 */
export async function everyMoment(
  machine: () => FakeMachine,
  { params = {}, compare = (state) => state }: EveryMoment = {},
): Promise<readonly string[]> {
  const calm = machine()
  const there = pathsIn(calm.world.state())
  const stateIn = ({ world }: FakeMachine): Json => compare(withoutRecords(world.state(), there))
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
  const problems: MomentProblem[] = []
  const check = (where: string, { ended, why }: Ended, one: FakeMachine): void => {
    const problem = problemOf({ where, ended, why, found: stateIn(one) }, { before, after })
    if (problem !== null) problems.push(problem)
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
      if (end.ended === 'killed') check(where, await settled(killed, way), killed)
      else problems.push(notRepeatable(where, end.ended))
    }
  }
  if (problems.length === 0) return moments
  throw new RunbookError('failed', `not safe at every moment:\n${listed(problems)}`, {
    hint: 'order one of them alone, with world.faults.order(…) or killAfter(…), and look at machine.entries',
  })
}

const pathsIn = ({ files, folders }: JsonObject): ReadonlySet<string> =>
  new Set([...Object.keys(isFields(files) ? files : {}), ...textsIn(folders)])

const textsIn = (list: Json | undefined): readonly string[] =>
  Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []

/** Without what a run added beside its evidence; what was there before has to stay as it was. */
function withoutRecords({ files, folders, ...rest }: JsonObject, before: ReadonlySet<string>): JsonObject {
  const isRecord = (path: string): boolean =>
    !before.has(path) && (path === recordsFolder || path.startsWith(`${recordsFolder}/`))
  return {
    ...rest,
    files: Object.fromEntries(
      Object.entries(isFields(files) ? files : {}).filter(([path]) => !isRecord(path)),
    ),
    folders: textsIn(folders).filter((path) => !isRecord(path)),
  }
}

/** An outcome, `not begun`, `killed`, or what a run threw; and why, where that is no success. */
type Ended = { readonly ended: string; readonly why: string | null }

const final = ({ ended }: Ended): boolean => ['succeeded', 'rolled-back', 'refused'].includes(ended)

async function endOf(run: Promise<Result>): Promise<Ended> {
  try {
    const { outcome, failure } = await run
    return { ended: outcome, why: failure?.message ?? null }
  } catch (thrown) {
    return { ended: thrown instanceof Killed ? 'killed' : String(thrown), why: null }
  }
}

/** Continues a run until it is settled and sealed, at most three times. */
async function settled(machine: FakeMachine, wanted: 'resume' | 'rollback'): Promise<Ended> {
  if (machine.entries.length === 0) return { ended: 'not begun', why: null }
  let last: Ended = { ended: 'open', why: null }
  for (let tries = 0; tries < 3; tries += 1) {
    const { settled: ending, sealed, way, pivoted } = stateOf(machine.entries)
    const isOpen = ending === null || ending.outcome === 'needs-human'
    if (!isOpen && sealed) return { ended: ending.outcome, why: ending.failure?.message ?? null }
    const goesBack = isOpen && (way === 'back' || (wanted === 'rollback' && !pivoted))
    last = await endOf(goesBack ? machine.rollback() : machine.resume())
    if (!(final(last) || last.ended === 'needs-human' || last.ended === 'open')) return last
  }
  const ending = stateOf(machine.entries).settled
  return ending === null
    ? { ended: 'open', why: last.why }
    : { ended: ending.outcome, why: ending.failure?.message ?? last.why }
}

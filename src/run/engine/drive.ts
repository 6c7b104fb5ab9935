import { errorOf, RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Finding } from '../../model/step.ts'
import { agendaOf, type Todo } from './agenda.ts'
import { announce, announceTurn } from './announce.ts'
import type { Conductor, Single } from './conductor.ts'
import { lostLock } from '../journal/code.ts'
import { openResult, settle, type Result, type Sealer } from './ending.ts'
import type { RunState } from '../journal/state.ts'
import { perform, type Ended } from './perform.ts'
import { failureOn, type RunContext } from './run-context.ts'
import { boundary, Stopped } from './stop.ts'
import { lookAtUndos } from './undo-guards.ts'
import { undo } from './undo.ts'

export interface Driving extends Sealer {
  readonly conductor: Conductor
}

/** Works through the agenda, computed again after each round, until nothing is left. */
export async function drive(
  driving: Driving,
  context: RunContext,
  findings: readonly Finding[] = [],
): Promise<Result> {
  for (;;) {
    const agenda = agendaOf(context.journal.state)
    if (agenda.act === 'settle') return settle(driving, context, agenda.outcome, agenda.failure, findings)
    boundary(context.stop)
    if (agenda.act === 'turn') {
      await context.journal.write({
        type: 'turned',
        because: agenda.failure?.message ?? 'a step failed',
        failure: agenda.failure,
      })
      announceTurn(driving, context)
    } else if (!(await leaveOut(context, agenda.todos))) {
      if (agenda.act === 'back') await lookAtUndos(context, agenda.todos)
      await driving.conductor.conduct(agenda.act, agenda.todos, (todo) => work(context, todo))
    }
  }
}

/** Journals skipped branches up front: as items on the screen they would only be noise. */
async function leaveOut(context: RunContext, todos: readonly Todo[]): Promise<boolean> {
  const skips = todos
    .flatMap((todo) => (todo.do === 'together' ? todo.todos : [todo]))
    .filter((todo) => todo.do === 'skip')
  for (const { step, because } of skips)
    await context.journal.write({ type: 'skipped', step: step.id, because })
  return skips.length > 0
}

async function work(context: RunContext, todo: Single): Promise<Ended> {
  boundary(context.stop)
  switch (todo.do) {
    case 'pivot':
      await context.fence()
      await context.journal.write({ type: 'pivoted', because: todo.because })
      return { ok: true, as: 'done' }
    case 'undo':
      return undo(context, todo.step)
    default:
      return perform(context, todo.step)
  }
}

/**
 * Handles a stop: the run stays open and can be resumed. A step in doubt requires a person, so nothing more
 * is done, not even the `lastly` steps: the step may still act on what they would clean up.
 * A journal that cannot be written ends the run like a kill: started steps are in doubt, and reported so.
 */
export async function underStop(
  driving: Sealer,
  context: RunContext,
  body: () => Promise<Result>,
): Promise<Result> {
  try {
    try {
      return await body()
    } catch (thrown) {
      if (!(thrown instanceof Stopped)) throw thrown
      await context.journal.idle()
      return await stopped(driving, context, thrown)
    }
  } catch (thrown) {
    await context.journal.idle()
    const { broken } = context.journal
    if (broken === null || !(thrown instanceof RunbookError)) throw thrown
    const { code, message, hint } = failureOn(context, errorOf(broken))
    const failure: Failure = {
      code,
      message: `the run stopped, because its journal cannot be written: ${message}`,
      hint: hint ?? `fix the cause, then \`runbook resume ${context.run}\``,
    }
    return openResult(context, failure, null)
  }
}

async function stopped(driving: Sealer, context: RunContext, thrown: Stopped): Promise<Result> {
  const failure = failureOn(context, thrown, thrown.code)
  // A dry run has no effects, so it cannot be in doubt.
  if (thrown.code === 'in-doubt' && context.journal.state.opened.mode === 'run') {
    const hint = `${thrown.hint ?? 'check the target'}; then ${waysOn(context.run, context.journal.state)}`
    return {
      ...(await settle(driving, context, 'needs-human', { ...failure, hint }, [], thrown.down)),
      doubt: thrown.doubt,
    }
  }
  const signal = thrown.code === 'held' ? lostLock : (context.stop.asked ?? 'SIGINT')
  const { boot } = context
  await context.journal.write({ type: 'interrupted', signal, ...(boot === null ? {} : { boot }) })
  await announce(driving, context)
  return openResult(context, failure, thrown.doubt)
}

/** The commands that a run in doubt accepts: each that is named can be typed. */
function waysOn(run: string, { way, pivoted }: Pick<RunState, 'way' | 'pivoted'>): string {
  const resume = `\`runbook resume ${run}\``
  const rollback = `\`runbook rollback ${run}\``
  if (way === 'back')
    return `${rollback}; or, if the target is right as it is, \`runbook unlock ${run} --reason TEXT\`, which says what is down and how to start it`
  return pivoted ? resume : `${resume} or ${rollback}`
}

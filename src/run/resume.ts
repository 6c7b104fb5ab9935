import { RunbookError } from '../kernel/errors.ts'
import type { Scope } from '../drivers/scope.ts'
import { codeFor, leavesOf, type Plan, type Planned } from '../model/plan.ts'
import { doesTheSame } from '../model/work.ts'
import { agendaOf } from './engine/agenda.ts'
import { launch, runContextFor, type Runtime } from './start.ts'
import { drive, underStop } from './engine/drive.ts'
import { seal, type Result } from './engine/ending.ts'
import { missingAnswers } from './engine/preflight.ts'
import type { RunContext } from './engine/run-context.ts'
import type { Entry } from './journal/entry.ts'
import { stateOf, type RunState } from './journal/state.ts'

type Resumed = Extract<Entry, { readonly type: 'resumed' }>

/** Request to resume or roll back an open run. */
export interface ResumeRequest {
  readonly run: string
  readonly way: 'forward' | 'back'
  /** Today's plan of the runbook, with the parameters and target of the run. */
  readonly planned: Planned
  /**
   * The difference between the opened and today's plan, if a person accepted it. The run continues with the
   * opened plan, but with today's code of its steps.
   */
  readonly accepted: string | null
}

/**
 * Resumes an open run, forward or back. First ends everything that the run had started; then probes steps in
 * doubt. A run that has done nothing yet begins with its preflight. A settled run without sealed evidence is sealed.
 * @throws RunbookError `usage` for a run that is settled and sealed, or a way that is closed; `changed` if
 *   the plan has changed; `preflight` if an answer needed on the way forward is not available; `in-doubt` if
 *   an orphan cannot be ended
 */
export async function resume(runtime: Runtime, asked: ResumeRequest): Promise<Result> {
  const { run, way, planned, accepted } = asked
  const before = stateOf(await runtime.journal.read(run))
  refuseClosed(asked, before)
  refuseChanged(asked, before)
  const hold = await runtime.journal.hold(before.plan.system, {
    ...runtime.identity,
    run,
    since: runtime.clock.now().toISOString(),
  })
  try {
    // Read again under the hold: until here another process could write.
    const entries = await runtime.journal.read(run)
    const state = stateOf(entries)
    refuseClosed(asked, state)
    const folder = await runtime.evidence.open(state.opened.evidence)
    const { steps } = codeFor(state.plan, planned)
    const context = runContextFor(runtime, {
      run,
      planned: { plan: state.plan, steps },
      folder,
      hold,
      entries,
    })
    if (!needsWork(state)) return await seal(runtime, context)
    if (way === 'forward') await refuseUnanswered(context)
    const orphans = await runtime.drivers(scopeOf(runtime, run)).orphans.end(run)
    const result = await underStop(runtime, context, async () => {
      await context.journal.write({
        type: 'resumed',
        way,
        by: runtime.identity.by,
        host: runtime.identity.host,
        orphans,
        accepted,
        ...(accepted === null ? {} : acceptedLeaves(state.plan, planned.plan)),
      })
      if (way === 'back' && state.way === 'forward') {
        const { act, failure } = agendaOf(context.journal.state)
        await context.journal.write({
          type: 'turned',
          because: `requested by ${runtime.identity.by}`,
          failure: act === 'turn' ? failure : null,
        })
      }
      return way === 'forward' && hasDoneNothing(state) ? launch(runtime, context) : drive(runtime, context)
    })
    // A requested rollback that completes is a success.
    return way === 'back' && result.outcome === 'rolled-back' && context.journal.state.sealed
      ? { ...result, code: 'succeeded' }
      : result
  } finally {
    await hold.release()
  }
}

async function refuseUnanswered(context: RunContext): Promise<void> {
  const { act } = agendaOf(context.journal.state)
  if (act === 'turn' || act === 'back') return
  const missing = (await missingAnswers(context)).filter(({ level }) => level === 'refuse')
  if (missing.length === 0) return
  throw new RunbookError(
    'preflight',
    `cannot resume ${context.run}: ${missing.map(({ problem }) => problem).join('; ')}`,
    {
      hint: missing.map(({ hint }) => hint).join('; '),
    },
  )
}

const needsWork = (state: RunState): boolean =>
  state.settled === null || state.settled.outcome === 'needs-human'

/** Its preflight may have been interrupted, or have found a blocker that was not acted on. */
const hasDoneNothing = ({ pivoted, steps }: RunState): boolean =>
  !pivoted && [...steps.values()].every(({ attempts }) => attempts === 0)

function refuseClosed({ run, way }: ResumeRequest, state: RunState): void {
  const refuse = (why: string, hint: string): never => {
    throw new RunbookError('usage', `cannot ${way === 'forward' ? 'resume' : 'roll back'} ${run}: ${why}`, {
      hint,
    })
  }
  if (state.opened.mode === 'dry-run')
    refuse('it is a dry run, which changed nothing', 'start a real run with `runbook run`')
  if (state.released) refuse('it was released', 'start a new run')
  if (!needsWork(state)) {
    if (!state.sealed && way === 'forward') return
    refuse(
      `it is settled as ${state.settled?.outcome}`,
      state.sealed ? 'start a new run' : `seal its evidence with \`runbook resume ${run}\``,
    )
  }
  if (way === 'back' && state.pivoted)
    refuse('it is past its point of no return', `finish it with \`runbook resume ${run}\``)
  if (way === 'forward' && state.way === 'back')
    refuse('it is already rolling back', `finish the rollback with \`runbook rollback ${run}\``)
}

function refuseChanged({ run, planned, accepted }: ResumeRequest, { plan }: RunState): void {
  if (doesTheSame(plan, planned.plan)) return
  if (accepted === null) {
    throw new RunbookError(
      'changed',
      `cannot continue ${run}: its runbook, parameters or target changed since it began`,
      {
        hint: 'restore the old files, or accept the difference with --accept-changes',
      },
    )
  }
  // Accepting covers changed code for the same steps; if one is missing, the plan cannot be completed.
  const [lost] = codeFor(plan, planned).lost
  if (lost === undefined) return
  throw new RunbookError(
    'changed',
    `cannot continue ${run}: its step "${lost.title}" (${lost.kind}) is not in the runbook any more`,
    {
      hint: 'restore that step, or release the run with `runbook unlock` and fix the target by hand',
    },
  )
}

/** What the accepted code of steps leaves elsewhere than their plan says: the next resume must search there. */
function acceptedLeaves(opened: Plan, today: Plan): Pick<Resumed, 'leaves'> {
  const more = opened.steps.flatMap((step) => {
    const now = today.steps.find(({ id }) => id === step.id)
    const places = now === undefined ? [] : leavesOf(now).filter((place) => !leavesOf(step).includes(place))
    return places.length === 0 ? [] : [[step.id, places] as const]
  })
  return more.length === 0 ? {} : { leaves: Object.fromEntries(more) }
}

const scopeOf = (runtime: Runtime, run: string): Scope => ({
  run,
  step: 'resume',
  signal: runtime.stop.now,
  output: () => undefined,
  progress: () => undefined,
  spawned: () => undefined,
})

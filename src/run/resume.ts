import { RunbookError } from '../kernel/errors.ts'
import type { Scope } from '../drivers/scope.ts'
import { codeFor, type Planned } from '../model/plan.ts'
import { doesTheSame } from '../model/work.ts'
import { agendaOf } from './engine/agenda.ts'
import { runContextFor, type Runtime } from './start.ts'
import { drive, underStop } from './engine/drive.ts'
import { seal, type Result } from './engine/ending.ts'
import { missingAnswers } from './engine/preflight.ts'
import type { RunContext } from './engine/run-context.ts'
import { stateOf, type RunState } from './journal/state.ts'

/** What a person asks for when taking an interrupted run up again. */
export interface ResumeRequest {
  readonly run: string
  readonly way: 'forward' | 'back'
  /** The runbook as it plans today, with the parameters and target of the run. */
  readonly planned: Planned
  /**
   * The difference between the plan as opened and as planned today, where a person accepted it. The run goes on with the plan as opened;
   * what is taken from today is how its steps are carried out.
   */
  readonly accepted: string | null
}

/**
 * Takes an open run up again. First whatever it had started is proven dead; then steps in doubt are probed, never guessed at.
 * An answer that the way forward still needs and nobody can give is refused before that. A settled run whose evidence was not sealed is sealed.
 * @throws RunbookError `usage` for a run that is settled and sealed, or a way that is closed; `changed` where the plan is another by now;
 *   `preflight` where an answer cannot be had; `in-doubt` where something that the run had started will not die
 */
export async function resume(around: Runtime, asked: ResumeRequest): Promise<Result> {
  const { run, way, planned, accepted } = asked
  const before = stateOf(await around.journal.read(run))
  refuseClosed(asked, before)
  refuseChanged(asked, before)
  const hold = await around.journal.hold(before.plan.system, {
    ...around.carrier,
    run,
    since: around.clock.now().toISOString(),
  })
  try {
    // Read again under the hold: until now somebody else could still write.
    const entries = await around.journal.read(run)
    const state = stateOf(entries)
    refuseClosed(asked, state)
    const folder = await around.evidence.open(state.opened.evidence)
    const { steps } = codeFor(state.plan, planned)
    const stage = runContextFor(around, { run, planned: { plan: state.plan, steps }, folder, hold, entries })
    if (!needsWork(state)) return await seal(around, stage)
    if (way === 'forward') await refuseUnanswered(stage)
    const orphans = await around.drivers(scopeOf(around, run)).orphans.end(run)
    const result = await underStop(around, stage, async () => {
      await stage.ledger.write({
        type: 'resumed',
        way,
        by: around.carrier.by,
        host: around.carrier.host,
        orphans,
        accepted,
      })
      if (way === 'back' && state.way === 'forward') {
        const { act, failure } = agendaOf(stage.ledger.state)
        await stage.ledger.write({
          type: 'turned',
          because: `${around.carrier.by} asked for it`,
          failure: act === 'turn' ? failure : null,
        })
      }
      return drive(around, stage)
    })
    // Whoever asked for the way back has got what was asked for.
    return way === 'back' && result.outcome === 'rolled-back' && stage.ledger.state.sealed
      ? { ...result, code: 'succeeded' }
      : result
  } finally {
    await hold.release()
  }
}

async function refuseUnanswered(stage: RunContext): Promise<void> {
  const { act } = agendaOf(stage.ledger.state)
  if (act === 'turn' || act === 'back') return
  const missing = (await missingAnswers(stage)).filter(({ level }) => level === 'refuse')
  if (missing.length === 0) return
  throw new RunbookError(
    'preflight',
    `cannot resume ${stage.run}: ${missing.map(({ problem }) => problem).join('; ')}`,
    {
      hint: missing.map(({ hint }) => hint).join('; '),
    },
  )
}

const needsWork = (state: RunState): boolean =>
  state.settled === null || state.settled.outcome === 'needs-human'

function refuseClosed({ run, way }: ResumeRequest, state: RunState): void {
  const refuse = (why: string, hint: string): never => {
    throw new RunbookError('usage', `cannot ${way === 'forward' ? 'resume' : 'roll back'} ${run}: ${why}`, {
      hint,
    })
  }
  if (state.opened.mode === 'dry-run')
    refuse('it is a dry run, which changed nothing', 'start a real run with `runbook run`')
  if (state.released) refuse('a person has released it', 'start a new run')
  if (!needsWork(state)) {
    if (!state.sealed && way === 'forward') return
    refuse(
      `it is settled as ${state.settled?.outcome}`,
      state.sealed
        ? 'a settled run is neither resumed nor undone; start another one'
        : `seal its evidence with \`runbook resume ${run}\``,
    )
  }
  if (way === 'back' && state.pivoted)
    refuse('it is past its point of no return', `finish it with \`runbook resume ${run}\``)
  if (way === 'forward' && state.way === 'back')
    refuse('it has turned round and only goes back', `finish that with \`runbook rollback ${run}\``)
}

function refuseChanged({ run, planned, accepted }: ResumeRequest, { plan }: RunState): void {
  if (doesTheSame(plan, planned.plan)) return
  if (accepted === null) {
    throw new RunbookError(
      'changed',
      `cannot go on with ${run}: its runbook, parameters or target changed since it began`,
      {
        hint: 'put the old files back, or accept the difference with --accept-changes',
      },
    )
  }
  // What was accepted is another way of carrying out the same steps; without one of them the plan cannot be finished either way.
  const [lost] = codeFor(plan, planned).lost
  if (lost === undefined) return
  throw new RunbookError(
    'changed',
    `cannot go on with ${run}: the runbook no longer has its step "${lost.title}" (${lost.kind})`,
    {
      hint: 'put that step back, or release the run with `runbook unlock` and mend the target by hand',
    },
  )
}

const scopeOf = (around: Runtime, run: string): Scope => ({
  run,
  step: 'resume',
  signal: around.stop.now,
  output: () => undefined,
  progress: () => undefined,
  spawned: () => undefined,
})

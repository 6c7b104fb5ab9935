import { RunbookError } from '../kernel/errors.ts'
import { canonical } from '../kernel/json.ts'
import type { Scope } from '../drivers/scope.ts'
import { codeFor, leavesOf, type Plan, type Planned } from '../model/plan.ts'
import { doesTheSame } from '../model/work.ts'
import { agendaOf } from './engine/agenda.ts'
import { announce } from './engine/announce.ts'
import { launch, runContextFor, type Runtime } from './start.ts'
import { drive, underStop } from './engine/drive.ts'
import { lookAtProofs } from './engine/look-at-proofs.ts'
import { lookAtDone } from './engine/undo-guards.ts'
import { seal, type Result } from './engine/ending.ts'
import { lockPartsOf } from './engine/lock-parts.ts'
import { noLock, takeLocks } from './engine/system-lock.ts'
import { missingAnswers } from './engine/preflight.ts'
import type { RunContext } from './engine/run-context.ts'
import { readableIn, secretsNamedIn, unmaskedPlan } from './engine/secrets-in-plan.ts'
import { unlogged } from './journal/evidence.ts'
import type { Entry } from './journal/entry.ts'
import { holdLease, leaseOf } from './journal/leases.ts'
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
  /** Remarks to record, such as files that were loaded although they are not trusted. */
  readonly remarks?: readonly string[]
  /** Continue although secrets that were masked at the beginning cannot be read, and so not be masked. */
  readonly unmasked?: boolean
}

/**
 * Resumes an open run, forward or back. First ends everything that the run had started; then probes steps in
 * doubt. A run that has done nothing yet begins with its preflight. A settled run without sealed evidence is sealed.
 * @throws RunbookError `usage` for a run that is settled and sealed, or a way that is closed; `changed` if
 *   the plan has changed; `held` if another run holds what it changes; `preflight` if an answer needed on the way forward is not available; `in-doubt` if
 *   an orphan cannot be ended
 */
export async function resume(runtime: Runtime, asked: ResumeRequest): Promise<Result> {
  const { run, way, planned, accepted } = asked
  const before = stateOf(await runtime.journal.read(run))
  const known = await runtime.registerSecrets([
    ...secretsNamedIn(before.plan),
    ...secretsNamedIn(planned.plan),
  ])
  for (const { plan } of [before, planned]) runtime.mask.publish(readableIn(plan).text)
  refuseClosed(asked, before)
  // Sealing runs no step, so it does not matter which code the runbook has today.
  if (needsWork(before)) refuseChanged(asked, before)
  const since = runtime.clock.now().toISOString()
  const hold = await holdLease(runtime.journal, runtime.clock, leaseOf(before.opened), {
    ...runtime.identity,
    run,
    since,
  })
  let lock = noLock
  try {
    // Read again under the hold: until here another process could write.
    const entries = await runtime.journal.read(run)
    const state = stateOf(entries)
    refuseClosed(asked, state)
    if (needsWork(state)) {
      const { by, host } = runtime.identity
      // Of today's plan: the opened one may hold masked values, such as the address of a server.
      const parts = lockPartsOf(planned.plan)
      lock = await takeLocks(runtime.locks, parts, { run, by, host, since }, runtime.clock)
    }
    const folder = await runtime.evidence.open(state.opened.evidence)
    const { steps } = codeFor(state.plan, planned)
    const plan = unmaskedPlan(state.plan, planned.plan, runtime.mask)
    const context = runContextFor(runtime, {
      run,
      planned: { plan, steps },
      folder,
      hold,
      lock,
      entries,
    })
    if (!needsWork(state)) {
      await endLeftovers(runtime, run)
      // The process that settled it may have been killed before it announced that.
      await announce(runtime, context)
      const result = await seal(runtime, context)
      return state.released && context.journal.state.sealed ? { ...result, code: 'succeeded' } : result
    }
    const unread = (state.opened.masked ?? []).filter((name) => !known.includes(name))
    if (unread.length > 0 && asked.unmasked !== true) throw notMasked(asked, unread)
    refuseStillMasked(context, asked)
    if (way === 'forward') await refuseUnanswered(context)
    const orphans = await runtime.drivers(scopeOf(runtime, run)).orphans.end(run)
    const result = await underStop(runtime, context, async () => {
      // Whether it was killed shows before the resume is recorded.
      if (state.settled === null) await announce(runtime, context)
      await context.journal.write({
        type: 'resumed',
        way,
        by: runtime.identity.by,
        host: runtime.identity.host,
        orphans,
        accepted,
        ...remarksOf(asked, unread),
        ...(lock.record.length === 0 ? {} : { locks: lock.record }),
        ...(accepted === null ? {} : acceptedLeaves(state.plan, planned.plan)),
      })
      await folder.unseal()
      if (way === 'back' && state.way === 'forward') {
        const { act, failure } = agendaOf(context.journal.state)
        await context.journal.write({
          type: 'turned',
          because: `requested by ${runtime.identity.by}`,
          failure: act === 'turn' ? failure : null,
        })
      }
      if (way === 'forward' && hasDoneNothing(state)) return launch(runtime, context, lock.findings)
      if (way === 'forward') {
        await lookAtDone(context)
        await lookAtProofs(context)
      }
      return drive(runtime, context)
    })
    // A requested rollback that completes is a success.
    return way === 'back' && result.outcome === 'rolled-back' && context.journal.state.sealed
      ? { ...result, code: 'succeeded' }
      : result
  } finally {
    await lock.release()
    await hold.release()
  }
}

/**
 * The process that settled a run may have been killed with a program still running. A place that does not answer
 * keeps nobody from sealing what is settled, such as a run that was released because its server is gone.
 */
async function endLeftovers(runtime: Runtime, run: string): Promise<void> {
  await runtime
    .drivers(scopeOf(runtime, run))
    .orphans.end(run)
    .catch(() => runtime.stop.now.throwIfAborted())
}

/** Without their values nothing could be masked, and a step that needs one would fail half-way. */
const notMasked = ({ run, way }: ResumeRequest, names: readonly string[]): RunbookError =>
  new RunbookError(
    'preflight',
    `cannot ${verbOf(way)} ${run}: not available here, so not masked in its output: ${names.join(', ')}`,
    {
      hint: `set ${names.join(' and ')} as when the run began, or continue with --accept-unmasked, which is recorded`,
    },
  )

function remarksOf(
  { remarks = [] }: ResumeRequest,
  unread: readonly string[],
): { readonly remarks?: readonly string[] } {
  const all = [...remarks, ...(unread.length === 0 ? [] : [`not masked from here on: ${unread.join(', ')}`])]
  return all.length === 0 ? {} : { remarks: all }
}

/** A mask that was restored to nothing would reach the system as text. */
function refuseStillMasked({ run, planned: { plan }, journal }: RunContext, asked: ResumeRequest): void {
  const lost = plan.steps.find(({ id, input }) => {
    const same = asked.planned.plan.steps.find((step) => step.id === id)?.input
    return (
      (asked.way === 'forward' || (journal.state.steps.get(id)?.attempts ?? 0) > 0) &&
      (same === undefined || canonical(same) !== canonical(input)) &&
      /\[redacted(?::[^\]"]*)?\]|\[\*{3}\]/.test(canonical(input))
    )
  })
  if (lost === undefined) return
  throw new RunbookError(
    'changed',
    `cannot continue ${run}: the journal masks a value that "${lost.title}" needs, and today's configuration has another one`,
    { hint: 'restore the value in the configuration or the environment from when the run began' },
  )
}

async function refuseUnanswered(context: RunContext): Promise<void> {
  const { act } = agendaOf(context.journal.state)
  if (act === 'turn' || act === 'back') return
  // The folder may be sealed, and this may be refused.
  const missing = (await missingAnswers({ ...context, folder: unlogged(context.folder) })).filter(
    ({ level }) => level === 'refuse',
  )
  if (missing.length === 0) return
  throw new RunbookError(
    'preflight',
    `cannot resume ${context.run}: ${missing.map(({ problem }) => problem).join('; ')}`,
    {
      hint: missing.map(({ hint }) => hint).join('; '),
    },
  )
}

const verbOf = (way: ResumeRequest['way']): string => (way === 'forward' ? 'resume' : 'roll back')

/** Whether anything but the seal is left to do. */
export const needsWork = (state: RunState): boolean =>
  !state.released && (state.settled === null || state.settled.outcome === 'needs-human')

/** Its preflight may have been interrupted, or have found a blocker that was not acted on. */
const hasDoneNothing = ({ pivoted, steps }: RunState): boolean =>
  !pivoted && [...steps.values()].every(({ attempts }) => attempts === 0)

function refuseClosed({ run, way }: ResumeRequest, state: RunState): void {
  const refuse = (why: string, hint: string): never => {
    throw new RunbookError('usage', `cannot ${verbOf(way)} ${run}: ${why}`, {
      hint,
    })
  }
  if (state.opened.mode === 'dry-run')
    refuse('it is a dry run, which changed nothing', 'start a real run with `runbook run`')
  if (state.released && (state.sealed || way === 'back')) refuse('it was released', 'start a new run')
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
      hint: `restore that step, or release the run with \`runbook unlock ${run} --reason TEXT\` and fix the target by hand`,
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

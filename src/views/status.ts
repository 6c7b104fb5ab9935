import { oneLine, sanitize } from '../kernel/sanitize.ts'
import type { Holder } from '../run/journal/entry.ts'
import type { PlannedStep } from '../model/plan.ts'
import type { RunState, StepState } from '../run/journal/state.ts'
import type { Standing } from '../run/journal/standing.ts'
import { changedLines, downLines } from './standing.ts'

export type OpenRun = {
  readonly run: string
  readonly state: RunState
  readonly standing: Standing
  readonly holder: Holder | null
}

/** A run that has ended, but whose evidence is not sealed. */
export type UnsealedRun = {
  readonly run: string
  readonly runbook: string
  readonly target: string
  readonly startedAt: string
  readonly ended: string
}

/** The open runs: the state of each step, and what to type next. Then those that are only not sealed. */
export function statusText(runs: readonly OpenRun[], unsealed: readonly UnsealedRun[] = []): string {
  if (runs.length + unsealed.length === 0) return 'No open runs.\n'
  return [...runs.map(one), ...unsealed.map(toSeal)].join('\n')
}

const toSeal = ({ run, runbook, target, startedAt, ended }: UnsealedRun): string =>
  [
    `${run}  ${oneLine(runbook)} on ${oneLine(target)}, started ${startedAt}: ${oneLine(ended)}`,
    `  Seal its evidence:  runbook resume ${run}`,
    '',
  ].join('\n')

function one({ run, state, standing, holder }: OpenRun): string {
  const running = isRunning({ run, holder })
  const { plan, opened, startedAt } = state
  const what = `${oneLine(plan.title)} on ${oneLine(String(plan.target['name']))}`
  const stateOfStep = (step: PlannedStep): StepState | undefined => state.steps.get(step.id)
  return [
    `${run}  ${what}, started ${startedAt} by ${oneLine(opened.by)}`,
    ...downLines(standing).map((text) => `  ${text}`),
    ...plan.steps.map(
      (step) =>
        `  ${mark(stateOfStep(step), running)} ${oneLine(step.title)}${remark(stateOfStep(step), running)}`,
    ),
    ...(running ? [] : changedLines(standing)).map((text) => `  ${text}`),
    ...advice(run, state, holder).map((text) => `  ${text}`),
    '',
  ].join('\n')
}

const isRunning = ({ run, holder }: Pick<OpenRun, 'run' | 'holder'>): boolean => holder?.run === run

/** @param running a process works on the run, so that a step without an ending is in progress */
function mark(step: StepState | undefined, running: boolean): string {
  if (step === undefined) return ' '
  const doubt = running ? '▸' : '?'
  if (step.undo !== 'none') return { undone: '↩', failed: '✖', doubt }[step.undo]
  return { waiting: '·', doubt, done: '✔', failed: '✖', skipped: '-' }[step.status]
}

function remark(step: StepState | undefined, running: boolean): string {
  if (step === undefined) return ''
  const why = step.failure === null ? '' : `: ${oneLine(step.failure.message)}`
  if (step.undo !== 'none')
    return {
      undone: ' (undone)',
      failed: ` (undo failed${why})`,
      doubt: running ? ' (undo in progress)' : ' (undo interrupted)',
    }[step.undo]
  return {
    waiting: '',
    doubt: running ? ' (in progress)' : ' (interrupted: not yet checked whether it took effect)',
    done: '',
    failed: ` (failed${why})`,
    skipped: ' (skipped)',
  }[step.status]
}

function advice(run: string, state: RunState, holder: Holder | null): readonly string[] {
  if (holder !== null && isRunning({ run, holder })) {
    return [
      `Currently running: started by ${oneLine(holder.by)} on ${oneLine(holder.host)}, ` +
        `pid ${holder.pid}, since ${holder.since}.`,
    ]
  }
  const failure = state.settled?.failure ?? null
  const why =
    failure === null
      ? []
      : [
          `Needs a person: ${sanitize(failure.message)}`,
          ...(failure.hint === undefined ? [] : [`hint: ${sanitize(failure.hint)}`]),
        ]
  if (state.way === 'back') return [...why, `Finish the rollback:  runbook rollback ${run}`]
  return [
    ...why,
    `Resume:     runbook resume ${run}`,
    ...(state.pivoted
      ? ['It is past its point of no return and cannot be rolled back.']
      : [`Roll back:  runbook rollback ${run}`]),
  ]
}

import { oneLine, sanitize } from '../kernel/sanitize.ts'
import type { Holder } from '../run/journal/entry.ts'
import type { PlannedStep } from '../model/plan.ts'
import type { RunState, StepState } from '../run/journal/state.ts'

export type OpenRun = { readonly run: string; readonly state: RunState; readonly holder: Holder | null }

/** The open runs: the state of each step, and what to type next. */
export function statusText(runs: readonly OpenRun[]): string {
  if (runs.length === 0) return 'No run is open.\n'
  return runs.map(one).join('\n')
}

function one({ run, state, holder }: OpenRun): string {
  const { plan } = state
  const standing = (step: PlannedStep): StepState | undefined => state.steps.get(step.id)
  return [
    `${run}  ${oneLine(plan.title)} on ${oneLine(String(plan.target['name']))}, begun ${state.startedAt} by ${oneLine(state.opened.by)}`,
    ...plan.steps.map((step) => `  ${mark(standing(step))} ${oneLine(step.title)}${remark(standing(step))}`),
    ...advice(run, state, holder).map((text) => `  ${text}`),
    '',
  ].join('\n')
}

function mark(step: StepState | undefined): string {
  if (step === undefined) return ' '
  if (step.undo !== 'none') return { undone: '↩', failed: '✖', doubt: '?' }[step.undo]
  return { waiting: '·', doubt: '?', done: '✔', failed: '✖', skipped: '-' }[step.status]
}

function remark(step: StepState | undefined): string {
  if (step === undefined) return ''
  const why = step.failure === null ? '' : `: ${oneLine(step.failure.message)}`
  if (step.undo !== 'none')
    return { undone: ' (undone)', failed: ` (its undo failed${why})`, doubt: ' (its undo was cut off)' }[
      step.undo
    ]
  return {
    waiting: '',
    doubt: ' (cut off: nobody has looked yet whether it happened)',
    done: '',
    failed: ` (failed${why})`,
    skipped: ' (not taken)',
  }[step.status]
}

function advice(run: string, state: RunState, holder: Holder | null): readonly string[] {
  if (holder !== null && holder.run === run) {
    return [
      `It is being carried on right now by ${oneLine(holder.by)} on ${oneLine(holder.host)}, pid ${holder.pid}, since ${holder.since}.`,
    ]
  }
  const failure = state.settled?.failure ?? null
  const why =
    failure === null
      ? []
      : [
          `It waits for a person: ${sanitize(failure.message)}`,
          ...(failure.hint === undefined ? [] : [`hint: ${sanitize(failure.hint)}`]),
        ]
  if (state.way === 'back') return [...why, `Finish the way back:  runbook rollback ${run}`]
  return [
    ...why,
    `Go on:    runbook resume ${run}`,
    ...(state.pivoted
      ? ['There is no way back past its point of no return.']
      : [`Go back:  runbook rollback ${run}`]),
  ]
}

import { oneLine, sanitize } from '../kernel/sanitize.ts'
import type { Failure } from '../kernel/errors.ts'
import type { PlannedStep } from '../model/plan.ts'
import type { Finding } from '../model/step.ts'
import type { Result } from '../run/engine/ending.ts'
import type { Stored } from '../run/journal/entry.ts'
import { conclusionOf } from '../run/journal/conclusion.ts'
import { stateOf, type RunState } from '../run/journal/state.ts'
import { standingOf, type Standing } from '../run/journal/standing.ts'
import { fitted, type Width } from './fit.ts'
import { downLines } from '../run/journal/down.ts'
import { changedLines, startHints } from './standing.ts'

/**
 * The closing text of a command on a run: what is down, its outcome, the reason, what stays changed, and what
 * to type next.
 */
export function endingText(result: Result, entries: readonly Stored[], width: Width = null): string {
  const state = stateOf(entries)
  const standing = standingOf(entries)
  const what = `${oneLine(state.plan.title)} on ${oneLine(String(state.plan.target['name']))}`
  const unfinished = result.outcome === 'open' || result.outcome === 'needs-human'
  const lines = [
    ...(unfinished ? downLines(standing) : []),
    ...body(result, state, standing, what),
    ...state.remains.map((one) => `  ${state.kept.includes(one) ? 'kept' : 'remains'}: ${sanitize(one)}`),
    ...announcedLines(entries),
    `Evidence: ${oneLine(result.folder)}`,
    '',
  ]
  return fitted(lines.join('\n'), width)
}

function body(result: Result, state: RunState, standing: Standing, what: string): readonly string[] {
  const { run, failure, code } = result
  const resume = `  runbook resume ${run}`
  const rollback = `  runbook rollback ${run}`
  switch (result.outcome) {
    case 'succeeded':
      return code === 'succeeded'
        ? succeeded(state, what)
        : [`Completed, but the evidence could not be sealed: ${what}.`, ...because(failure)]
    case 'foretold':
      // The dry run's own text, printed before this, has the reasons.
      return [
        failure === null
          ? `No blockers found: ${what}.`
          : `A real run would fail in the current state: ${what}.`,
      ]
    case 'refused':
      return [`Refused; nothing was touched: ${what}.`, ...findingLines(result.findings)]
    case 'rolled-back':
      if (failure === null) return [`Rolled back as requested${afterwards(state)}: ${what}.`]
      if (code === 'succeeded')
        return [`Rollback completed: ${what}. The run had failed:`, ...because(failure)]
      return [
        state.remains.length > 0
          ? `Failed; every step is rolled back${afterwards(state)}: ${what}.`
          : code === 'failed'
            ? `Failed and fully rolled back: ${what}.`
            : `Failed; no changes remain: ${what}.`,
        ...because(failure),
      ]
    case 'needs-human':
      if (state.way === 'back')
        return [
          `Failed; the rollback is INCOMPLETE: ${what}.`,
          ...because(failure),
          ...undone(state),
          'Fix the cause, then continue with:',
          rollback,
        ]
      return [
        `In doubt; a person must decide: ${what}.`,
        ...because(failure),
        ...(result.doubt === null ? [] : [`It is unknown whether "${oneLine(result.doubt)}" took effect.`]),
        ...changedLines(standing),
        'Check the target, then resume with:',
        resume,
        ...(state.pivoted
          ? ['It is past its point of no return and cannot be rolled back.']
          : ['or roll back with:', rollback]),
      ]
    case 'open':
      if (state.released)
        return [
          `Stopped: ${what}.`,
          ...because(failure),
          ...changedLines(standing),
          'The run is closed: it is neither resumed nor rolled back, and its changes stay as they are.',
          ...startHints(standing),
        ]
      return [
        `${result.doubt === null ? 'Stopped between two steps' : 'Stopped'}: ${what}.`,
        ...(failure?.code === 'held' ? because(failure) : []),
        ...(result.doubt === null
          ? []
          : [`"${oneLine(result.doubt)}" was interrupted; a resume first checks whether it took effect.`]),
        ...changedLines(standing),
        ...next(state),
        ...(state.way === 'back'
          ? ['Finish the rollback with:', rollback]
          : ['Resume with:', resume, ...(state.pivoted ? [] : ['or roll back with:', rollback])]),
      ]
  }
}

/** What was asked for comes before that it went well. */
function succeeded(state: RunState, what: string): readonly string[] {
  const conclusion = conclusionOf(state)
  if (conclusion === null) return [`Succeeded: ${what}.`]
  return [...conclusion.lines.map((line) => sanitize(line)), `${sanitize(conclusion.summary)}: ${what}.`]
}

/** Changes are a reason to look; data that was only put aside is not. */
function afterwards({ remains, kept }: RunState): string {
  if (remains.length === 0) return ''
  return remains.every((one) => kept.includes(one))
    ? ', and the data that was live meanwhile is kept'
    : ', but changes that no undo takes back REMAIN'
}

function because(failure: Failure | null): readonly string[] {
  if (failure === null) return []
  return [
    `  ${sanitize(failure.message)}`,
    ...(failure.hint === undefined ? [] : [`  hint: ${sanitize(failure.hint)}`]),
  ]
}

export function findingLines(findings: readonly Finding[]): readonly string[] {
  return findings.flatMap(({ level, about, problem, hint }) => [
    `  ${level === 'refuse' ? 'refused' : 'warning'} (${oneLine(about)}): ${sanitize(problem)}`,
    `    hint: ${sanitize(hint)}`,
  ])
}

/** Which effects are undone and which remain. */
function undone(state: RunState): readonly string[] {
  const stateOfStep = (step: PlannedStep) => state.steps.get(step.id)
  const touched = state.plan.steps.filter(
    (step) =>
      step.phase !== 'lastly' && step.reversal !== 'not needed' && (stateOfStep(step)?.attempts ?? 0) > 0,
  )
  const undoneSteps = touched.filter((step) => stateOfStep(step)?.undo === 'undone')
  const failed = touched.filter((step) => stateOfStep(step)?.undo === 'failed')
  const left = touched.filter((step) => ['none', 'doubt'].includes(stateOfStep(step)?.undo ?? 'none'))
  const list = (label: string, steps: readonly PlannedStep[]): readonly string[] =>
    steps.length === 0 ? [] : [`${label}: ${steps.map((step) => oneLine(step.title)).join(', ')}`]
  return [
    ...list('Undone', undoneSteps),
    ...list('Could not be undone', failed),
    ...list('Not undone yet', left),
  ]
}

function next(state: RunState): readonly string[] {
  const status = (step: PlannedStep) => state.steps.get(step.id)?.status
  const taken = state.plan.steps.filter((step) => step.phase !== 'lastly' && status(step) !== 'skipped')
  return [`${taken.filter((step) => status(step) === 'done').length} of ${taken.length} steps are done.`]
}

/** Whether the operators know of it, as far as this command announced it. */
function announcedLines(entries: readonly Stored[]): readonly string[] {
  const since = entries.findLastIndex(({ entry }) => entry.type === 'resumed' || entry.type === 'opened')
  const ours = entries.slice(since).flatMap(({ entry }) => (entry.type === 'announced' ? [entry] : []))
  const last = ours.filter(({ key }) => key === ours.at(-1)?.key)
  const failed = last.flatMap(({ to, problem }) =>
    problem === null ? [] : [`${to === undefined ? '' : `by ${sanitize(to)}: `}${sanitize(problem)}`],
  )
  if (last.length === 0) return []
  if (failed.length === last.length) return [`The operators were NOT notified: ${failed.join('; ')}`]
  return ['The operators were notified.', ...failed.map((why) => `NOT on every channel: ${why}`)]
}

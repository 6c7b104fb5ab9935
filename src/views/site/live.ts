import type { PlannedStep } from '../../model/plan.ts'
import { duration, moment } from '../amounts.ts'
import { code, list, paragraph, strong, table, type Block, type Inline } from '../document.ts'
import { blockAsHtml } from '../html/blocks.ts'
import { fragment, type Html } from '../html/template.ts'
import { downLines } from '../../run/journal/down.ts'
import { changedLines } from '../standing.ts'
import type { OpenRun } from '../status.ts'

/** How an open run stands now: who works on it, what is down, and the state of each step. */
export function standingAsHtml(open: OpenRun, now: Date): Html {
  const { state, standing, holder, run } = open
  const running = holder?.run === run
  const since = elapsed(state.startedAt, now)
  const blocks: readonly Block[] = [
    paragraph(
      ...(running && holder !== null
        ? [
            strong(state.way === 'back' ? 'Rolling back' : 'Running'),
            `: pid ${holder.pid} of ${holder.by} on ${holder.host}; ${since} since the start of the run.`,
          ]
        : [strong('No process works on it.'), ` Started ${moment(state.startedAt)}.`]),
    ),
    ...items([...downLines(standing), ...(running ? [] : changedLines(standing))]),
    ...(running ? [] : advice(open)),
    table(
      ['Step', 'State', 'Time'],
      state.plan.steps.map((step): readonly Inline[] => [
        step.title,
        stateOfStep(open, step, running),
        timeOfStep(open, step, running, now),
      ]),
    ),
  ]
  return fragment`${blocks.map(blockAsHtml)}`
}

const items = (lines: readonly string[]): readonly Block[] =>
  lines.length === 0 ? [] : [list(lines.map((line) => strong(line)))]

function stateOfStep({ state, next }: OpenRun, step: PlannedStep, running: boolean): Inline {
  const now = state.steps.get(step.id)
  if (now === undefined) return ''
  const why = now.failure === null ? '' : `: ${now.failure.message}`
  if (now.undo !== 'none')
    return {
      undone: 'undone',
      failed: strong(`undo failed${why}`),
      doubt: strong(running ? 'undo in progress' : 'undo interrupted'),
    }[now.undo]
  return {
    waiting: running && step.id === next ? strong('next, or looking before it acts') : '',
    doubt: strong(
      running
        ? step.effect === 'decide'
          ? 'waits for a person'
          : 'in progress'
        : 'interrupted: not yet checked whether it took effect',
    ),
    done: 'done',
    failed: strong(`failed${why}`),
    skipped: 'skipped',
  }[now.status]
}

function timeOfStep({ state, times }: OpenRun, { id }: PlannedStep, running: boolean, now: Date): string {
  const { since = null, milliseconds = null } = times.get(id) ?? {}
  if (milliseconds !== null) return duration(milliseconds / 1000)
  const step = state.steps.get(id)
  const busy = step?.undo === 'doubt' || (step?.undo === 'none' && step.status === 'doubt')
  return running && busy && since !== null ? elapsed(since, now) : ''
}

/** In whole seconds. */
function elapsed(since: string, now: Date): string {
  const seconds = Math.round((now.getTime() - Date.parse(since)) / 1000)
  return Number.isNaN(seconds) ? 'an unknown time' : duration(Math.max(0, seconds))
}

function advice({ run, state }: OpenRun): readonly Block[] {
  const { failure = null } = state.settled ?? {}
  const back: Inline = ['Roll back: ', code(`runbook rollback ${run}`)]
  return [
    ...(failure === null ? [] : [paragraph(strong('Needs a person: '), failure.message)]),
    list(
      state.way === 'back'
        ? [back]
        : [
            ['Resume: ', code(`runbook resume ${run}`)],
            state.pivoted ? 'It is past its point of no return and cannot be rolled back.' : back,
          ],
    ),
  ]
}

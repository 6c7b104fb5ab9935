import prettyMilliseconds from 'pretty-ms'
import type { JsonObject } from '../kernel/json.ts'
import { oneLine, sanitize } from '../kernel/sanitize.ts'
import type { Holder } from '../run/journal/entry.ts'
import type { Plan, PlannedStep } from '../model/plan.ts'
import type { RunState, StepState } from '../run/journal/state.ts'
import type { Standing } from '../run/journal/standing.ts'
import type { StepTime } from '../run/journal/step-times.ts'
import { packed, wrapped, type Width } from './fit.ts'
import { downLines } from '../run/journal/down.ts'
import { changedLines } from './standing.ts'

export type OpenRun = {
  readonly run: string
  readonly state: RunState
  readonly standing: Standing
  readonly holder: Holder | null
  /** By step id. */
  readonly times: ReadonlyMap<string, StepTime>
  /** Id of the step that comes next, if none is in progress: a running process looks at it before it acts. */
  readonly next: string | null
  /** Of a run that a process works on: how long it runs, what is down, what is left of the objective. */
  readonly situation?: readonly string[]
  /** The time left of such a run, for programs. */
  readonly timeLeft?: JsonObject
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
export function statusText(
  runs: readonly OpenRun[],
  {
    unsealed = [],
    now,
    width = null,
  }: { readonly unsealed?: readonly UnsealedRun[]; readonly now: Date; readonly width?: Width },
): string {
  if (runs.length + unsealed.length === 0) return 'No open runs.\n'
  return [...runs.map((open) => one(open, now, width)), ...unsealed.map(toSeal)]
    .flatMap((text) =>
      // A command is left to the terminal, which breaks it such that it can still be copied.
      text.split('\n').flatMap((line) => (line.includes('runbook ') ? [line] : wrapped(line, width, '    '))),
    )
    .join('\n')
}

const toSeal = ({ run, runbook, target, startedAt, ended }: UnsealedRun): string =>
  [
    `${run}  ${oneLine(runbook)} on ${oneLine(target)}, started ${startedAt}: ${oneLine(ended)}`,
    `  Seal its evidence:  runbook resume ${run}`,
    '',
  ].join('\n')

function one(
  { run, state, standing, holder, times, next, situation = [] }: OpenRun,
  now: Date,
  width: Width,
): string {
  const running = isRunning({ run, holder })
  const seenOf = (step: PlannedStep): Seen => ({
    running,
    next: step.id === next,
    asks: step.effect === 'decide',
    time: times.get(step.id) ?? { since: null, milliseconds: null },
    now,
  })
  const { plan, opened, startedAt } = state
  const what = `${oneLine(plan.title)} on ${oneLine(String(plan.target['name']))}`
  const stateOfStep = (step: PlannedStep): StepState | undefined => state.steps.get(step.id)
  return [
    `${run}  ${what}, started ${startedAt} by ${oneLine(opened.by)}`,
    ...(holder !== null && running ? [`  ${runningLine(holder, now)}`] : []),
    ...waitingLines(plan.steps, state, running).map((text) => `  ${text}`),
    ...packed(situation, width === null ? widest : width - 2).map((text) => `  ${text}`),
    ...(situation.length > 0 ? [] : downLines(standing)).map((text) => `  ${text}`),
    ...plan.steps.map(
      (step) =>
        `  ${mark(stateOfStep(step), seenOf(step))} ${oneLine(step.title)}${remark(stateOfStep(step), seenOf(step))}`,
    ),
    ...(running ? [] : changedLines(standing)).map((text) => `  ${text}`),
    ...advice(run, state, holder).map((text) => `  ${text}`),
    '',
  ].join('\n')
}

/** Where the width of the screen is not known. */
const widest = 120

export const isRunning = ({ run, holder }: Pick<OpenRun, 'run' | 'holder'>): boolean => holder?.run === run

/** What is known of one step besides its state. `running`: a process works on the run. */
type Seen = {
  readonly running: boolean
  readonly next: boolean
  readonly asks: boolean
  readonly time: StepTime
  readonly now: Date
}

const runningLine = ({ by, host, pid, since }: Holder, now: Date): string =>
  `RUNNING for ${elapsed(since, now)}: pid ${pid} of ${oneLine(by)} on ${oneLine(host)}, since ${since}`

/** A run that waits for an answer does nothing until somebody gives it. */
function waitingLines(steps: Plan['steps'], state: RunState, running: boolean): readonly string[] {
  if (!running || state.way === 'back') return []
  return steps
    .filter(({ id, effect }) => effect === 'decide' && state.steps.get(id)?.status === 'doubt')
    .map(({ title }) => `Waits for a person: ${oneLine(title)}`)
}

const elapsed = (since: string, now: Date): string => {
  const seconds = (now.getTime() - Date.parse(since)) / 1000
  return Number.isNaN(seconds)
    ? 'an unknown time'
    : prettyMilliseconds(Math.max(0, Math.round(seconds)) * 1000)
}

/** The state of a step in words, without the times that change while it is looked at. */
export function wordsOf(open: OpenRun, step: PlannedStep): string {
  const { state, times, next } = open
  const time = times.get(step.id) ?? { since: null, milliseconds: null }
  const said = remark(state.steps.get(step.id), {
    running: isRunning(open),
    next: step.id === next,
    asks: step.effect === 'decide',
    time: { ...time, since: null },
    now: new Date(state.startedAt),
  })
  return state.steps.get(step.id)?.status === 'done' && !said.includes('undo') ? ` done${said}` : said
}

function mark(step: StepState | undefined, { running, next }: Seen): string {
  if (step === undefined) return ' '
  const doubt = running ? '▸' : '?'
  if (step.undo !== 'none') return { undone: '↩', failed: '✖', doubt }[step.undo]
  const waiting = running && next ? '▸' : '·'
  return { waiting, doubt, done: '✔', failed: '✖', skipped: '-' }[step.status]
}

function remark(step: StepState | undefined, { running, next, asks, time, now }: Seen): string {
  if (step === undefined) return ''
  const why = step.failure === null ? '' : `: ${oneLine(step.failure.message)}`
  const took = time.milliseconds === null ? '' : ` (${prettyMilliseconds(time.milliseconds)})`
  const soFar = time.since === null ? '' : ` for ${elapsed(time.since, now)}`
  if (step.undo !== 'none')
    return {
      undone: ' (undone)',
      failed: ` (undo failed${why})`,
      doubt: running ? ` (undo in progress${soFar})` : ' (undo interrupted)',
    }[step.undo]
  return {
    waiting: running && next ? ' (next, or looking before it acts)' : '',
    doubt: running
      ? asks
        ? ` (waits for a person${soFar})`
        : ` (in progress${soFar})`
      : ' (interrupted: not yet checked whether it took effect)',
    done: took,
    failed: ` (failed${why})`,
    skipped: ' (skipped)',
  }[step.status]
}

function advice(run: string, state: RunState, holder: Holder | null): readonly string[] {
  if (isRunning({ run, holder })) return []
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

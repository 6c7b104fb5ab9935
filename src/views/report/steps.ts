import type { Json, JsonObject } from '../../kernel/json.ts'
import { dutiesIn } from '../../model/plan.ts'
import type { LogFile } from '../../run/journal/entry.ts'
import type { RunRecord } from '../../run/record/record.ts'
import type { AttemptRecord, StepRecord } from '../../run/record/step-record.ts'
import { duration, moment, size } from '../amounts.ts'
import {
  code,
  list,
  literal,
  paragraph,
  strong,
  table,
  verbatim,
  type Block,
  type Inline,
} from '../document.ts'
import { statuses } from './words.ts'

const undone: { readonly [U in StepRecord['undone']]: Inline } = {
  'not needed': '',
  undone: ', undone',
  failed: [', ', strong('undo failed')],
  'in doubt': [', ', strong('undo in doubt')],
}

export function stepsTable({ steps }: RunRecord): readonly Block[] {
  const rows = steps.map((step, index) => {
    const last = step.attempts.at(-1)
    const tries = step.attempts.length > 1 ? ` (attempt ${step.attempts.length})` : ''
    const because: Inline = step.because === null ? '' : [': ', code(step.because)]
    return [
      String(index + 1),
      step.title,
      step.effect,
      [statuses[step.status], tries, undone[step.undone], because],
      took(last),
      foretoldTime(step),
      logLink(last?.log ?? null),
    ]
  })
  return [
    table([literal('#'), 'Step', 'Effect', 'Outcome', 'Took', 'Predicted', 'Log'], rows),
    ...failures(steps),
  ]
}

/** The message of every failed attempt and undo; the failure of the run may be a different one. */
function failures(steps: readonly StepRecord[]): readonly Block[] {
  return steps.flatMap((step) =>
    [
      ...step.attempts.map((one) => ({ one, what: '' })),
      ...step.undo.map((one) => ({ one, what: 'Undo of ' })),
    ].flatMap(({ one, what }) =>
      one.failure === null
        ? []
        : [paragraph(what, step.title, `, attempt ${one.attempt}:`), verbatim(one.failure.message, 'text')],
    ),
  )
}

export function undoTable({ steps }: RunRecord): readonly Block[] {
  const rows = steps
    .flatMap((step) => step.undo.map((one) => ({ step, one })))
    .sort(({ one: a }, { one: b }) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? -1 : 1))
    .map(({ step, one }): readonly Inline[] => [
      one.startedAt === null ? '' : moment(one.startedAt),
      step.title,
      { undone: 'undone, confirmed by its probe', absent: 'nothing to undo' }[String(one.result)] ??
        strong(one.result),
      took(one),
      logLink(one.log),
    ])
  return rows.length === 0 ? [] : [table(['When', 'Undo of', 'Outcome', 'Took', 'Log'], rows)]
}

/** What is changed now, what was undone, and what could not be undone. */
export function changes({ steps, mode }: RunRecord): readonly Block[] {
  const acting = steps.filter((step) => step.effect === 'change' || step.effect === 'destroy')
  if (mode === 'dry-run') {
    const foretold = acting.filter((step) => step.status !== 'skipped')
    return titled(
      'A real run would make these changes:',
      foretold.flatMap((step) =>
        (step.prediction?.changes.length ?? 0) > 0 ? (step.prediction?.changes ?? []).map(code) : [step.says],
      ),
    )
  }
  const took = acting.filter((step) => ['done', 'recovered'].includes(step.status))
  const doubtful = acting.filter(
    (step) =>
      ['failed', 'timeout', 'in doubt'].includes(step.status) &&
      step.undone !== 'undone' &&
      step.attempts.some((one) => one.startedAt !== null),
  )
  const inEffect = took.filter((step) => step.undone === 'not needed')
  const back = acting.filter((step) => step.undone === 'undone')
  const stuck = acting.filter((step) => step.undone === 'failed' || step.undone === 'in doubt')
  const lists = [
    ...titled('Changed, still in effect:', inEffect.map(changeLine)),
    ...titled(
      'Already in place, no action taken:',
      acting.filter((step) => step.status === 'already').map(changeLine),
    ),
    ...titled('Undone:', back.map(changeLine)),
    ...titled(strong('Not undone:'), stuck.map(changeLine)),
    ...titled(
      strong('In doubt, check the target:'),
      doubtful.filter((step) => !stuck.includes(step)).map(changeLine),
    ),
  ]
  return lists.length === 0 ? [paragraph('Nothing.')] : lists
}

const changeLine = ({ title, reversal }: StepRecord): Inline =>
  typeof reversal === 'object' ? [title, '. It cannot be undone: ', code(reversal.irreversible)] : title

export function predictions({ steps, mode }: RunRecord): readonly Block[] {
  if (mode === 'dry-run') return []
  const compared = steps.filter(
    (step) => step.comparison !== null && step.comparison.verdict !== 'not foretold',
  )
  if (compared.length === 0) return []
  const wrong = compared.filter((step) => step.comparison?.verdict === 'differs')
  const rows = wrong.flatMap((step) =>
    (step.comparison?.differences ?? []).map(({ path, foretold, found }) => [
      step.title,
      path === '' ? 'complete output' : code(path),
      code(JSON.stringify(foretold)),
      found === undefined ? 'missing' : code(JSON.stringify(found)),
    ]),
  )
  const summary = paragraph(
    `${compared.length - wrong.length} of ${compared.length} predicted outputs matched.`,
  )
  return rows.length === 0 ? [summary] : [summary, table(['Step', 'Path', 'Predicted', 'Found'], rows)]
}

export function approvals({ steps, plan }: RunRecord): readonly Block[] {
  const duties = dutiesIn(plan)
  const lines = steps
    .filter((step) => step.effect === 'decide' && !duties.has(step.id) && step.status === 'done')
    .map((step) => {
      const { by, at, how, text } = (step.output ?? {}) as JsonObject
      if (![by, at, how, text].every((part) => typeof part === 'string'))
        return [step.title, ': ', code(JSON.stringify(step.output))]
      const answer = [code(String(text)), ' by ', code(String(by))]
      return [step.title, ': ', answer, ', ', moment(String(at)), ', via ', code(String(how))]
    })
  return lines.length === 0 ? [] : [list(lines)]
}

/**
 * What people had to do, who did it and when, or why it was skipped; in a dry run, what they will be asked.
 */
export function duties({ steps, mode, plan }: RunRecord): readonly Block[] {
  const found = dutiesIn(plan)
  const asked = steps.filter(({ id, status }) => found.has(id) && (mode === 'run' || status !== 'skipped'))
  if (asked.length === 0) return []
  if (mode === 'dry-run') return [list(asked.map(({ says }) => code(says)))]
  const rows = asked.map((step): readonly Inline[] => {
    const { name, outcome, by, at, how, text } = (step.output ?? {}) as {
      readonly [part: string]: Json | undefined
    }
    if (step.status !== 'done' || typeof at !== 'string')
      return [step.title, '', statuses[step.status], '', '', '', '']
    return [
      step.title,
      code(String(name)),
      outcome === 'skipped' ? strong('skipped') : 'done',
      code(String(by)),
      moment(at),
      code(String(how)),
      code(String(text)),
    ]
  })
  return [
    table(['Duty', 'Name', 'Outcome', 'By', 'When', 'Answered by', 'Work done, or reason to skip'], rows),
  ]
}

/** Lines of one output that the report shows; run.json has the complete output. */
const most = 60

export function outputs({ steps, mode }: RunRecord): readonly Block[] {
  return steps.flatMap((step) => {
    const value = mode === 'dry-run' ? (step.prediction?.output ?? null) : step.output
    return value === null ? [] : [paragraph(step.title, ':'), verbatim(pretty(value), 'json')]
  })
}

function pretty(value: Json): string {
  const lines = JSON.stringify(value, null, 2).split('\n')
  return lines.length <= most
    ? lines.join('\n')
    : [...lines.slice(0, most), `… ${lines.length - most} more lines in run.json`].join('\n')
}

const titled = (title: Inline, items: readonly Inline[]): readonly Block[] =>
  items.length === 0 ? [] : [paragraph(title), list(items)]

const took = (one: AttemptRecord | undefined): string =>
  one === undefined || one.milliseconds === null ? '' : duration(one.milliseconds / 1000)

const foretoldTime = ({ prediction }: StepRecord): string =>
  prediction === null || prediction.seconds === null ? '' : duration(prediction.seconds)

function logLink(log: LogFile | null): Inline {
  if (log === null) return ''
  const omitted = log.whole === undefined ? '' : ` of ${size(log.whole.bytes)}, middle omitted`
  const problem: Inline =
    log.problem === undefined ? '' : [', ', strong('incomplete'), ': ', code(log.problem)]
  // Log names come from this program; any other name does not become a link.
  const name: Inline = /^logs\/[\w.-]+$/.test(log.file)
    ? { link: log.file, label: size(log.bytes) }
    : [code(log.file), `, ${size(log.bytes)}`]
  return [name, omitted, problem]
}

import type { Json, JsonObject } from '../../kernel/json.ts'
import { dutiesIn } from '../../model/plan.ts'
import type { LogFile } from '../../run/journal/entry.ts'
import type { RunRecord } from '../../run/record/record.ts'
import type { AttemptRecord, StepRecord, StepStatus } from '../../run/record/step-record.ts'
import { duration, moment, size } from '../amounts.ts'
import { block, cell, code, markdown } from '../markup.ts'
import { table } from './table.ts'

const statuses: { readonly [S in StepStatus]: string } = {
  'not reached': 'not reached',
  done: 'done',
  already: 'already done',
  recovered: 'done, confirmed after a crash',
  failed: '**failed**',
  timeout: '**timed out**',
  skipped: 'skipped',
  'in doubt': '**in doubt**',
  seen: 'observed',
  foretold: 'predicted',
}

const undone = {
  'not needed': '',
  undone: ', undone',
  failed: ', **undo failed**',
  'in doubt': ', **undo in doubt**',
}

export function stepsTable({ steps }: RunRecord): readonly string[] {
  const rows = steps.map((step, index) => {
    const last = step.attempts.at(-1)
    const tries = step.attempts.length > 1 ? ` (attempt ${step.attempts.length})` : ''
    const because = step.because === null ? '' : `: ${cell(step.because)}`
    return [
      String(index + 1),
      markdown(step.title),
      step.effect,
      `${statuses[step.status]}${tries}${undone[step.undone]}${because}`,
      took(last),
      foretoldTime(step),
      logLink(last?.log ?? null),
    ]
  })
  return [table(['#', 'Step', 'Effect', 'Outcome', 'Took', 'Predicted', 'Log'], rows), ...failures(steps)]
}

/** The message of every failed attempt and undo; the failure of the run may be a different one. */
function failures(steps: readonly StepRecord[]): readonly string[] {
  return steps.flatMap((step) =>
    [
      ...step.attempts.map((one) => ({ one, what: '' })),
      ...step.undo.map((one) => ({ one, what: 'Undo of ' })),
    ].flatMap(({ one, what }) =>
      one.failure === null
        ? []
        : [`${what}${markdown(step.title)}, attempt ${one.attempt}:`, block(one.failure.message, 'text')],
    ),
  )
}

export function undoTable({ steps }: RunRecord): readonly string[] {
  const rows = steps
    .flatMap((step) => step.undo.map((one) => ({ step, one })))
    .sort(({ one: a }, { one: b }) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? -1 : 1))
    .map(({ step, one }) => [
      one.startedAt === null ? '' : moment(one.startedAt),
      markdown(step.title),
      { undone: 'undone, confirmed by its probe', absent: 'nothing to undo' }[String(one.result)] ??
        `**${one.result}**`,
      took(one),
      logLink(one.log),
    ])
  return rows.length === 0 ? [] : [table(['When', 'Undo of', 'Outcome', 'Took', 'Log'], rows)]
}

/** What is changed now, what was undone, and what could not be undone. */
export function changes({ steps, mode }: RunRecord): readonly string[] {
  const acting = steps.filter((step) => step.effect === 'change' || step.effect === 'destroy')
  if (mode === 'dry-run') {
    const foretold = acting.filter((step) => step.status !== 'skipped')
    return list(
      'A real run would make these changes:',
      foretold.flatMap((step) =>
        (step.prediction?.changes.length ?? 0) > 0
          ? (step.prediction?.changes ?? []).map((change) => code(change))
          : [markdown(step.says)],
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
    ...list('Changed, still in effect:', inEffect.map(changeLine)),
    ...list(
      'Already in place, no action taken:',
      acting.filter((step) => step.status === 'already').map(changeLine),
    ),
    ...list('Undone:', back.map(changeLine)),
    ...list('**Not undone:**', stuck.map(changeLine)),
    ...list(
      '**In doubt, check the target:**',
      doubtful.filter((step) => !stuck.includes(step)).map(changeLine),
    ),
  ]
  return lists.length === 0 ? ['Nothing.'] : lists
}

const changeLine = ({ title, reversal }: StepRecord): string =>
  typeof reversal === 'object'
    ? `${markdown(title)}. It cannot be undone: ${code(reversal.irreversible)}`
    : markdown(title)

export function predictions({ steps, mode }: RunRecord): readonly string[] {
  if (mode === 'dry-run') return []
  const compared = steps.filter(
    (step) => step.comparison !== null && step.comparison.verdict !== 'not foretold',
  )
  if (compared.length === 0) return []
  const wrong = compared.filter((step) => step.comparison?.verdict === 'differs')
  const rows = wrong.flatMap((step) =>
    (step.comparison?.differences ?? []).map(({ path, foretold, found }) => [
      markdown(step.title),
      path === '' ? 'complete output' : cell(path),
      cell(JSON.stringify(foretold)),
      found === undefined ? 'missing' : cell(JSON.stringify(found)),
    ]),
  )
  const summary = `${compared.length - wrong.length} of ${compared.length} predicted outputs matched.`
  return rows.length === 0 ? [summary] : [summary, table(['Step', 'Path', 'Predicted', 'Found'], rows)]
}

export function approvals({ steps, plan }: RunRecord): readonly string[] {
  const duties = dutiesIn(plan)
  const lines = steps
    .filter((step) => step.effect === 'decide' && !duties.has(step.id) && step.status === 'done')
    .map((step) => {
      const { by, at, how, text } = (step.output ?? {}) as JsonObject
      if (![by, at, how, text].every((part) => typeof part === 'string'))
        return `- ${markdown(step.title)}: ${code(JSON.stringify(step.output))}`
      const answer = `${code(String(text))} by ${code(String(by))}`
      return `- ${markdown(step.title)}: ${answer}, ${moment(String(at))}, via ${code(String(how))}`
    })
  return lines.length === 0 ? [] : [lines.join('\n')]
}

/**
 * What people had to do, who did it and when, or why it was skipped; in a dry run, what they will be asked.
 */
export function duties({ steps, mode, plan }: RunRecord): readonly string[] {
  const found = dutiesIn(plan)
  const asked = steps.filter(({ id, status }) => found.has(id) && (mode === 'run' || status !== 'skipped'))
  if (asked.length === 0) return []
  if (mode === 'dry-run')
    return list(
      '',
      asked.map(({ says }) => code(says)),
    ).slice(1)
  const rows = asked.map((step) => {
    const { name, outcome, by, at, how, text } = (step.output ?? {}) as {
      readonly [part: string]: Json | undefined
    }
    if (step.status !== 'done' || typeof at !== 'string')
      return [markdown(step.title), '', statuses[step.status], '', '', '', '']
    return [
      markdown(step.title),
      cell(String(name)),
      outcome === 'skipped' ? '**skipped**' : 'done',
      cell(String(by)),
      moment(at),
      cell(String(how)),
      cell(String(text)),
    ]
  })
  return [
    table(['Duty', 'Name', 'Outcome', 'By', 'When', 'Answered by', 'Work done, or reason to skip'], rows),
  ]
}

/** Lines of one output that the report shows; run.json has the complete output. */
const most = 60

export function outputs({ steps, mode }: RunRecord): readonly string[] {
  return steps.flatMap((step) => {
    const value = mode === 'dry-run' ? (step.prediction?.output ?? null) : step.output
    return value === null ? [] : [`${markdown(step.title)}:`, block(pretty(value), 'json')]
  })
}

function pretty(value: Json): string {
  const lines = JSON.stringify(value, null, 2).split('\n')
  return lines.length <= most
    ? lines.join('\n')
    : [...lines.slice(0, most), `… ${lines.length - most} more lines in run.json`].join('\n')
}

function list(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [title, items.map((item) => `- ${item}`).join('\n')]
}

const took = (one: AttemptRecord | undefined): string =>
  one === undefined || one.milliseconds === null ? '' : duration(one.milliseconds / 1000)

const foretoldTime = ({ prediction }: StepRecord): string =>
  prediction === null || prediction.seconds === null ? '' : duration(prediction.seconds)

function logLink(log: LogFile | null): string {
  if (log === null) return ''
  const omitted = log.whole === undefined ? '' : ` of ${size(log.whole.bytes)}, middle omitted`
  const problem = log.problem === undefined ? '' : `, **incomplete**: ${cell(log.problem)}`
  // Log names come from this program; any other name does not become a link.
  const name = /^[\w./-]+$/.test(log.file)
    ? `[${size(log.bytes)}](${log.file})`
    : `${cell(log.file)}, ${size(log.bytes)}`
  return `${name}${omitted}${problem}`
}

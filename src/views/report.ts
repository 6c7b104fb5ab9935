import type { RunRecord } from '../run/record/record.ts'
import { moment } from './amounts.ts'
import { block, code, markdown } from './markup.ts'
import { measuresTable, parameters, summaryTable } from './report/summary.ts'
import { dataBeforeAndAfter } from './report/data.ts'
import { approvals, changes, duties, outputs, predictions, stepsTable, undoTable } from './report/steps.ts'
import { verification } from './report/verification.ts'
import { result } from './result.ts'

/**
 * `report.md`, for reviewers. Depends on the record alone, so that verification can render it again. Text
 * from outside is in code spans or blocks, where it cannot act as markup.
 */
export function reportOf(record: RunRecord): string {
  const dry = record.mode === 'dry-run'
  const sections = [
    [`# ${markdown(record.plan.title)}: ${result(record)}`],
    dry ? ['**This was a dry run.** It read the state of the real system and changed nothing.'] : [],
    [summaryTable(record)],
    [measuresTable(record)],
    section('Parameters', parameters(record)),
    section('Not configured', defaults(record)),
    section('Failure', failure(record)),
    section(dry ? 'What would change' : 'What changed', changes(record)),
    section('Data before and after', dataBeforeAndAfter(record)),
    section('Steps', stepsTable(record)),
    section('Rollback', undoTable(record)),
    section('Predictions', predictions(record)),
    section('Preflight findings', findings(record)),
    section('Approvals', approvals(record)),
    section(dry ? 'What people will be asked to do' : 'Duties', duties(record)),
    section('Interruptions and rollbacks', happenings(record)),
    section('How to verify', verification(record)),
    section(dry ? 'Predicted step outputs' : 'Step outputs', outputs(record)),
  ]
  return `${sections
    .flat()
    .filter((part) => part !== '')
    .join('\n\n')}\n`
}

const section = (title: string, parts: readonly string[]): readonly string[] =>
  parts.length === 0 ? [] : [`## ${title}`, ...parts]

/** Each in a code span, since the text may name services and folders. */
function defaults({ plan }: RunRecord): readonly string[] {
  const lines = (plan.defaults ?? []).map(({ section: name, says }) => `- ${code(name)}: ${code(says)}`)
  return lines.length === 0 ? [] : [lines.join('\n')]
}

function failure(record: RunRecord): readonly string[] {
  if (record.failure === null) return []
  const { message, hint } = record.failure
  return [block(message, 'text'), ...(hint === undefined ? [] : [`Next: ${code(hint)}`])]
}

function findings(record: RunRecord): readonly string[] {
  const lines = record.findings.map(
    ({ level, about, problem, hint }) =>
      `- ${level === 'refuse' ? '**Refused**' : 'Warning'}, ${code(about)}: ${code(problem)}. Next: ${code(hint)}`,
  )
  return lines.length === 0 ? [] : [lines.join('\n')]
}

const happened = {
  turned: 'Rollback started',
  pivoted: 'Passed the point of no return',
  interrupted: 'Stopped',
  resumed: 'Resumed',
  released: 'Released',
  announced: 'Announced',
  locked: 'Locked',
}

function happenings(record: RunRecord): readonly string[] {
  const lines = record.events.map(({ at, what, says }) => `- ${moment(at)}: ${happened[what]}: ${code(says)}`)
  const accepted = record.events.flatMap(({ accepted }) =>
    accepted === null ? [] : ['A person accepted this difference to the plan:', block(accepted, 'diff')],
  )
  return lines.length === 0 ? [] : [lines.join('\n'), ...accepted]
}

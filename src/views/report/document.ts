import type { RunRecord } from '../../run/record/record.ts'
import { moment } from '../amounts.ts'
import { code, list, paragraph, strong, verbatim, type Block, type Document } from '../document.ts'
import { result } from '../result.ts'
import { dataBeforeAndAfter } from './data.ts'
import { provenance } from './provenance.ts'
import { approvals, changes, duties, outputs, predictions, stepsTable, undoTable } from './steps.ts'
import { measuresTable, parameters, summaryTable } from './summary.ts'
import { trend } from './trend.ts'
import { verification } from './verification.ts'
import { happened } from './words.ts'

/**
 * What report.md and report.html say, for reviewers. Depends on the record alone, so that verification can
 * render both again.
 */
export function reportDocument(record: RunRecord): Document {
  const dry = record.mode === 'dry-run'
  return {
    title: [record.plan.title, ': ', result(record)],
    lead: [
      ...(dry
        ? [
            paragraph(
              strong('This was a dry run.'),
              ' It read the state of the real system and changed nothing.',
            ),
          ]
        : []),
      ...measuresTable(record),
      summaryTable(record),
    ],
    sections: [
      { title: 'Parameters', blocks: parameters(record) },
      { title: 'Provenance', blocks: provenance(record) },
      { title: 'Not configured', blocks: defaults(record) },
      { title: 'Failure', blocks: failure(record) },
      { title: dry ? 'What would change' : 'What changed', blocks: changes(record) },
      { title: 'Data before and after', blocks: dataBeforeAndAfter(record) },
      { title: 'Earlier runs', blocks: trend(record) },
      { title: 'Steps', blocks: stepsTable(record) },
      { title: 'Rollback', blocks: undoTable(record) },
      { title: 'Predictions', blocks: predictions(record) },
      { title: 'Preflight findings', blocks: findings(record) },
      { title: 'Approvals', blocks: approvals(record) },
      { title: dry ? 'What people will be asked to do' : 'Duties', blocks: duties(record) },
      { title: 'Interruptions and rollbacks', blocks: happenings(record) },
      { title: 'How to verify', blocks: verification(record) },
      { title: dry ? 'Predicted step outputs' : 'Step outputs', blocks: outputs(record) },
    ],
  }
}

/** In code spans, since the text may name services and folders. */
function defaults({ plan }: RunRecord): readonly Block[] {
  const items = (plan.defaults ?? []).map(({ section, says }) => [code(section), ': ', code(says)])
  return items.length === 0 ? [] : [list(items)]
}

function failure(record: RunRecord): readonly Block[] {
  if (record.failure === null) return []
  const { message, hint } = record.failure
  return [verbatim(message, 'text'), ...(hint === undefined ? [] : [paragraph('Next: ', code(hint))])]
}

function findings(record: RunRecord): readonly Block[] {
  const items = record.findings.map(({ level, about, problem, hint }) => [
    level === 'refuse' ? strong('Refused') : 'Warning',
    ', ',
    code(about),
    ': ',
    code(problem),
    '. Next: ',
    code(hint),
  ])
  return items.length === 0 ? [] : [list(items)]
}

function happenings(record: RunRecord): readonly Block[] {
  const items = record.events.map(({ at, what, says }) => [
    moment(at),
    ': ',
    happened[what],
    ': ',
    code(says),
  ])
  const accepted = record.events.flatMap(({ accepted }) =>
    accepted === null
      ? []
      : [paragraph('A person accepted this difference to the plan:'), verbatim(accepted, 'diff')],
  )
  return items.length === 0 ? [] : [list(items), ...accepted]
}

import { oneLine, sanitize } from '../kernel/sanitize.ts'
import { dutiesIn } from '../model/plan.ts'
import junit, { type Builder, type TestCase } from 'junit-report-builder'
import type { Measure } from '../run/record/measures.ts'
import type { RunRecord } from '../run/record/record.ts'
import type { StepRecord } from '../run/record/step-record.ts'
import { result } from './result.ts'

type Builders = { newBuilder(): Builder }
type Suite = ReturnType<Builder['testSuite']>

/**
 * `junit.xml`, for dashboards of test results: one case per step, with suites of their own for preflight
 * findings and undo.
 */
export function junitOf(record: RunRecord): string {
  const builder = (junit as unknown as Builders)
    .newBuilder()
    .name(oneLine(`${record.runbook} on ${record.target}: ${result(record)}`))
  beforehand(builder, record)
  const steps = suite(builder, record, 'steps')
  const duties = dutiesIn(record.plan)
  for (const step of record.steps) stepCase(steps, record, step, duties.has(step.id))
  undoSuite(builder, record)
  return builder.build()
}

function suite(builder: Builder, record: RunRecord, name: string): Suite {
  const one = builder
    .testSuite()
    .name(oneLine(`${record.runbook}.${name}`))
    .timestamp(record.startedAt.slice(0, 19))
    .property('run', record.run)
    .property('mode', record.mode)
    .property('target', oneLine(record.target))
    .property('by', oneLine(record.by))
  if (record.story !== null) one.property('story', oneLine(record.story))
  if (record.exit !== null) one.property('exit', String(record.exit))
  for (const [name, measure] of Object.entries(measuresIn(record))) {
    if (measure.seconds !== null) one.property(`${name}.seconds`, String(measure.seconds))
    if (measure.objectiveSeconds !== null)
      one.property(`${name}.objectiveSeconds`, String(measure.objectiveSeconds))
    one.property(`${name}.verdict`, measure.verdict)
  }
  return one
}

function measuresIn({ measures, mode }: RunRecord): { readonly [name: string]: Measure } {
  if (mode === 'dry-run') return {}
  const { rto, incident, downtime, rpo } = measures
  return { rto, ...(incident === undefined ? {} : { incident }), downtime, rpo }
}

function beforehand(builder: Builder, record: RunRecord): void {
  if (record.findings.length === 0) return
  const cases = suite(builder, record, 'findings')
  for (const { level, about, problem, hint } of record.findings) {
    const one = cases
      .testCase()
      .className(oneLine(`${record.runbook}.findings`))
      .name(oneLine(`${about}: ${problem}`))
    if (level === 'refuse') one.failure(oneLine(problem), 'refuse').standardError(sanitize(hint))
    else one.standardError(sanitize(`${problem}\n${hint}`))
  }
}

function stepCase(cases: Suite, record: RunRecord, step: StepRecord, duty: boolean): void {
  const last = step.attempts.at(-1)
  const one = cases
    .testCase()
    .className(oneLine(`${record.runbook}.${step.id}`))
    .name(oneLine(step.title))
    .time((last?.milliseconds ?? 0) / 1000)
  if (duty) for (const [name, value] of partsOfDuty(step)) one.property(name, oneLine(value))
  one.standardOutput(
    sanitize([step.says, ...(last?.log == null ? [] : [`log: ${last.log.file}`])].join('\n')),
  )
  switch (step.status) {
    case 'failed':
    case 'timeout':
      failed(one, last?.failure?.message ?? 'it failed', step.status, last?.failure?.hint)
      break
    case 'in doubt':
      one.error(oneLine('interrupted; it is unknown whether it took effect'), 'in doubt')
      break
    case 'skipped':
    case 'not reached':
    case 'foretold':
      one.skipped()
      break
    default:
      break
  }
}

const partsOfDuty = ({ output }: StepRecord): readonly (readonly [string, string])[] =>
  typeof output !== 'object' || output === null
    ? []
    : Object.entries(output).map(([name, value]) => [`duty.${name}`, String(value)])

function undoSuite(builder: Builder, record: RunRecord): void {
  const back = record.steps.filter((step) => step.undo.length > 0)
  if (back.length === 0) return
  const cases = suite(builder, record, 'undo')
  for (const step of back.reverse()) {
    const last = step.undo.at(-1)
    const one = cases
      .testCase()
      .className(oneLine(`${record.runbook}.${step.id}`))
      .name(oneLine(`Undo of ${step.title}`))
      .time((last?.milliseconds ?? 0) / 1000)
    if (step.undone === 'failed')
      failed(one, last?.failure?.message ?? 'it failed', 'failed', last?.failure?.hint)
    if (step.undone === 'in doubt')
      one.error('interrupted; it is unknown whether its effect was undone', 'in doubt')
  }
}

function failed(one: TestCase, message: string, type: string, hint: string | undefined): void {
  one.failure(oneLine(message), type)
  if (hint !== undefined) one.standardError(sanitize(hint))
}

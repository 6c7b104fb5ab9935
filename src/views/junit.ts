import { oneLine, sanitize } from '../kernel/sanitize.ts'
import { dutiesIn } from '../model/plan.ts'
import type { Measure } from '../run/record/measures.ts'
import type { RunRecord } from '../run/record/record.ts'
import type { StepRecord } from '../run/record/step-record.ts'
import { junitXml, type Case, type Property, type Suite } from './junit-xml.ts'
import { result } from './result.ts'

/**
 * `junit.xml`, for dashboards of test results: one case per step, with suites of their own for preflight
 * findings and undo.
 */
export function junitOf(record: RunRecord): string {
  const duties = dutiesIn(record.plan)
  const suites: readonly (readonly [string, readonly Case[]])[] = [
    ['findings', findingCases(record)],
    ['steps', record.steps.map((step) => stepCase(record, step, duties.has(step.id)))],
    ['undo', undoCases(record)],
  ]
  return junitXml(
    oneLine(`${record.runbook} on ${record.target}: ${result(record)}`),
    suites.flatMap(([name, cases]) =>
      cases.length === 0 && name !== 'steps' ? [] : [suite(record, name, cases)],
    ),
  )
}

function suite(record: RunRecord, name: string, cases: readonly Case[]): Suite {
  const properties: readonly (readonly [string, string | number | null])[] = [
    ['run', record.run],
    ['mode', record.mode],
    ['target', oneLine(record.target)],
    ['by', oneLine(record.by)],
    ['story', record.story === null ? null : oneLine(record.story)],
    ['exit', record.exit],
    ...Object.entries(measuresIn(record)).flatMap(
      ([measured, { seconds, objectiveSeconds, verdict }]) =>
        [
          [`${measured}.seconds`, seconds],
          [`${measured}.objectiveSeconds`, objectiveSeconds],
          [`${measured}.verdict`, verdict],
        ] as const,
    ),
  ]
  return {
    name: oneLine(`${record.runbook}.${name}`),
    timestamp: record.startedAt.slice(0, 19),
    properties: properties.flatMap(([key, value]) =>
      value === null ? [] : [{ name: key, value: String(value) }],
    ),
    cases,
  }
}

function measuresIn({ measures, mode }: RunRecord): { readonly [name: string]: Measure } {
  if (mode === 'dry-run') return {}
  const { rto, incident, downtime, rpo } = measures
  return { rto, ...(incident === undefined ? {} : { incident }), downtime, rpo }
}

const findingCases = (record: RunRecord): readonly Case[] =>
  record.findings.map(({ level, about, problem, hint }) => ({
    className: oneLine(`${record.runbook}.findings`),
    name: oneLine(`${about}: ${problem}`),
    ...(level === 'refuse'
      ? { failure: { message: oneLine(problem), type: 'refuse' }, errorOutput: sanitize(hint) }
      : { errorOutput: sanitize(`${problem}\n${hint}`) }),
  }))

function stepCase(record: RunRecord, step: StepRecord, duty: boolean): Case {
  const last = step.attempts.at(-1)
  return {
    className: oneLine(`${record.runbook}.${step.id}`),
    name: oneLine(step.title),
    seconds: (last?.milliseconds ?? 0) / 1000,
    properties: duty ? partsOfDuty(step) : [],
    output: sanitize([step.says, ...(last?.log == null ? [] : [`log: ${last.log.file}`])].join('\n')),
    ...stepFault(step),
  }
}

function stepFault(step: StepRecord): Partial<Case> {
  switch (step.status) {
    case 'failed':
    case 'timeout':
      return failed(step.attempts.at(-1)?.failure, step.status)
    case 'in doubt':
      return {
        error: { message: oneLine('interrupted; it is unknown whether it took effect'), type: 'in doubt' },
      }
    case 'skipped':
    case 'not reached':
    case 'foretold':
      return { skipped: true }
    default:
      return {}
  }
}

const partsOfDuty = ({ output }: StepRecord): readonly Property[] =>
  typeof output !== 'object' || output === null
    ? []
    : Object.entries(output).map(([name, value]) => ({ name: `duty.${name}`, value: oneLine(String(value)) }))

const undoCases = (record: RunRecord): readonly Case[] =>
  record.steps
    .filter((step) => step.undo.length > 0)
    .toReversed()
    .map((step) => {
      const last = step.undo.at(-1)
      return {
        className: oneLine(`${record.runbook}.${step.id}`),
        name: oneLine(`Undo of ${step.title}`),
        seconds: (last?.milliseconds ?? 0) / 1000,
        ...(step.undone === 'failed' ? failed(last?.failure, 'failed') : {}),
        ...(step.undone === 'in doubt'
          ? {
              error: {
                message: 'interrupted; it is unknown whether its effect was undone',
                type: 'in doubt',
              },
            }
          : {}),
      }
    })

const failed = (
  failure: { readonly message: string; readonly hint?: string } | null | undefined,
  type: string,
): Partial<Case> => ({
  failure: { message: oneLine(failure?.message ?? 'it failed'), type },
  ...(failure?.hint === undefined ? {} : { errorOutput: sanitize(failure.hint) }),
})

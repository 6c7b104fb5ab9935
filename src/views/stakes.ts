import { oneLine } from '../kernel/sanitize.ts'
import type { Plan, PlannedStep } from '../model/plan.ts'
import { flagOf } from '../model/param.ts'
import { addressesIn } from '../model/recording.ts'
import { stateOf, type StepState } from '../run/journal/state.ts'
import type { Stored } from '../run/journal/entry.ts'
import { coarse, moment } from './amounts.ts'
import { expectations } from './expected.ts'
import { wrapped, type Width } from './fit.ts'
import { outlineOf, type Part } from './outline.ts'
import { backupOf } from './situation.ts'

/** What is at stake when a run begins or is resumed: what runs where, on which backup, and its plan. */
export function stakesText(entries: readonly Stored[], width: Width): string {
  const state = stateOf(entries)
  const { plan, opened, startedAt } = state
  const { main, lastly } = outlineOf(plan)
  const stateOfStep = (step: PlannedStep): StepState | undefined => state.steps.get(step.id)
  const digits = String(plan.steps.length).length
  const title = plan.target['title']
  const name = String(plan.target['name'])
  const rows: readonly (readonly [label: string, text: string])[] = [
    ['Target', typeof title === 'string' && title !== name ? `${name} (${title})` : name],
    ['Run', `${entries[0]?.run ?? ''}, begun ${moment(startedAt)} by ${opened.by}`],
    ...backupRows(entries, plan),
    ...expectations(plan, []),
  ]
  return [
    `${oneLine(plan.title)} (${oneLine(plan.runbook)})`,
    ...rows.map(([label, text]) => `  ${`${label}:`.padEnd(12)} ${oneLine(text)}`),
    '  Plan:',
    ...planLines(main, digits, '    ', stateOfStep),
    ...(lastly.length === 0
      ? []
      : ['    At the end, whatever happens:', ...planLines(lastly, digits, '      ', stateOfStep)]),
    '  Ctrl-C stops after the step in progress, twice at once. From another terminal: `runbook status --watch`',
  ]
    .flatMap((line) => wrapped(line, width, '      '))
    .map((line) => `${line}\n`)
    .join('')
}

function backupRows(
  entries: readonly Stored[],
  { params, steps }: Plan,
): readonly (readonly [label: string, text: string])[] {
  const chosen = backupOf(entries)
  if (chosen !== null) {
    const age = (Date.parse(entries[0]?.at ?? '') - Date.parse(chosen.takenAt)) / 1000
    const old = Number.isNaN(age) ? '' : `, ${coarse(age)} before the run`
    return [['Backup', `${chosen.name}, taken ${moment(chosen.takenAt)}${old}`]]
  }
  const choosing = steps.find(({ kind, effect }) => kind.startsWith('backups.') && effect === 'observe')
  if (choosing === undefined) return []
  const asked = addressesIn(choosing.input).flatMap((address) => {
    const value = '$param' in address ? params[address.$param] : null
    return typeof value === 'string' && '$param' in address ? [`${flagOf(address.$param)} ${value}`] : []
  })
  return [
    [
      'Backup',
      `${asked.length === 0 ? 'the newest' : [...new Set(asked)].join(', ')}; see "${choosing.title}"`,
    ],
  ]
}

function planLines(
  parts: readonly Part[],
  digits: number,
  indent: string,
  stateOfStep: (step: PlannedStep) => StepState | undefined,
): readonly string[] {
  return parts.flatMap((part): readonly string[] => {
    switch (part.is) {
      case 'step':
        return [
          `${indent}${String(part.number).padStart(digits)}. ${oneLine(part.step.title)}${remarks(part.step, stateOfStep(part.step))}`,
        ]
      case 'together':
        return [
          `${indent}In parallel: ${oneLine(part.title)}`,
          ...planLines(part.parts, digits, `${indent}  `, stateOfStep),
        ]
      case 'branch':
        return part.cases.flatMap(({ when, parts }) => [
          `${indent}If ${oneLine(part.on)} is ${oneLine(when)}`,
          ...planLines(parts, digits, `${indent}  `, stateOfStep),
        ])
      case 'pivot':
        return [`${indent}Point of no return: ${oneLine(part.because)}`]
    }
  })
}

function remarks({ marks, effect, reversal }: PlannedStep, state: StepState | undefined): string {
  const said = [
    ...(effect === 'decide' ? ['asks a person'] : []),
    ...(marks.downFrom ? ['DOWN from here'] : []),
    ...(marks.upAfter ? ['up after it'] : []),
    ...(typeof reversal === 'object' ? ['cannot be undone'] : []),
    ...(state?.undo === 'undone' ? ['undone'] : state?.status === 'done' ? ['done before'] : []),
  ]
  return said.length === 0 ? '' : `  [${said.join(', ')}]`
}

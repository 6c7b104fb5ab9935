import { oneLine } from '../kernel/sanitize.ts'
import type { Plan, PlannedStep } from '../model/plan.ts'
import { flagOf } from '../model/param.ts'
import { addressesIn } from '../model/recording.ts'
import { isAddress } from '../model/ref.ts'
import { lookupIn, notTaken, stateOf, type RunState, type StepState } from '../run/journal/state.ts'
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
    ...planLines(main, digits, '    ', state),
    ...(lastly.length === 0
      ? []
      : ['    At the end, whatever happens:', ...planLines(lastly, digits, '      ', state)]),
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
  // What it was asked for; what only goes into its advice is deeper in its input.
  const asked = Object.values(choosing.input).flatMap((value) => {
    const [address] = isAddress(value) ? addressesIn(value) : []
    if (address === undefined || !('$param' in address)) return []
    const given = params[address.$param]
    return typeof given === 'string' ? [`${flagOf(address.$param)} ${given}`] : []
  })
  return [['Backup', `${asked.length === 0 ? 'the newest' : asked.join(', ')}; see "${choosing.title}"`]]
}

/** Without the steps that are known to be left out. */
function planLines(
  parts: readonly Part[],
  digits: number,
  indent: string,
  state: RunState,
): readonly string[] {
  const lookup = lookupIn(state)
  const leftOut = (step: PlannedStep): boolean => typeof notTaken(step, lookup) === 'string'
  return parts.flatMap((part): readonly string[] => {
    switch (part.is) {
      case 'step':
        return leftOut(part.step)
          ? []
          : [
              `${indent}${String(part.number).padStart(digits)}. ${oneLine(part.step.title)}${remarks(part.step, state.steps.get(part.step.id))}`,
            ]
      case 'together':
        return [
          `${indent}In parallel: ${oneLine(part.title)}`,
          ...planLines(part.parts, digits, `${indent}  `, state),
        ]
      case 'branch':
        return part.cases.flatMap(({ when, parts }) => {
          const lines = planLines(parts, digits, `${indent}  `, state)
          return lines.length === 0 ? [] : [`${indent}If ${oneLine(part.on)} is ${oneLine(when)}`, ...lines]
        })
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

import type { Plan } from '../model/plan.ts'
import { defaultLines } from './defaults.ts'
import { expectations } from './expected.ts'
import { fitted, type Width } from './fit.ts'
import { effectOf, outlineOf, type Part } from './outline.ts'
import { takenBy, type ParamLine } from './params.ts'
import { oneLine } from '../kernel/sanitize.ts'

export type PlanAround = {
  /** Where the runbook comes from; null leaves the line out. */
  readonly origin?: string | null
  /** Seconds that its latest successful runs took. */
  readonly past?: readonly number[]
  readonly width?: Width
}

/**
 * The plan for a terminal or a plain file.
 */
export function planText(
  plan: Plan,
  params: readonly ParamLine[],
  { origin = null, past = [], width: columns = null }: PlanAround = {},
): string {
  const { main, lastly } = outlineOf(plan)
  const width = String(plan.steps.length).length
  const flags = params.map(({ flag, value }) => `${flag}${value === '' ? '' : ` ${value}`}`)
  const defaults = defaultLines(plan)
  const widest = Math.max(0, ...flags.map((flag) => flag.length))
  const text = [
    `${plan.title}  (${plan.runbook})`,
    `When: ${plan.when}`,
    `Target: ${String(plan.target['title'])} (${String(plan.target['name'])})`,
    ...(origin === null ? [] : [`Runbook: ${origin}`]),
    ...expectations(plan, past).map(([label, text]) => `${label}: ${text}`),
    '',
    ...(params.length === 0
      ? []
      : [
          'Parameters',
          ...params.map(({ help, given }, index) => `  ${flags[index]?.padEnd(widest)}  ${help} (${given})`),
          '',
        ]),
    'Steps',
    ...lines(main, params, width, '  '),
    ...(lastly.length === 0
      ? []
      : [
          '',
          'At the end of every run, after success and after rollback',
          ...lines(lastly, params, width, '  '),
        ]),
    ...(defaults.length === 0 ? [] : ['', 'Not configured', ...defaults.map((line) => `  ${line}`)]),
  ]
    .map((text) => oneLine(text).trimEnd())
    .join('\n')
  return `${fitted(text, columns)}\n`
}

function lines(
  parts: readonly Part[],
  params: readonly ParamLine[],
  width: number,
  indent: string,
): readonly string[] {
  return parts.flatMap((part): readonly string[] => {
    switch (part.is) {
      case 'step': {
        const deep = `${indent}${' '.repeat(width + 2)}`
        return [
          `${indent}${String(part.number).padStart(width)}. ${part.step.title}  [${effectOf(part.step)}]`,
          `${deep}${part.step.says}`,
          ...takenBy(part.step, params).map((line) => `${deep}${line}`),
        ]
      }
      case 'together':
        return [`${indent}In parallel: ${part.title}`, ...lines(part.parts, params, width, `${indent}  `)]
      case 'branch':
        return part.cases.flatMap(({ when, parts }) => [
          `${indent}Only if ${part.on} is ${when}`,
          ...lines(parts, params, width, `${indent}  `),
        ])
      case 'pivot':
        return [`${indent}── point of no return: ${part.because} From here on failures no longer roll back.`]
    }
  })
}

import { canonical } from '../kernel/json.ts'
import type { Plan, PlannedStep } from '../model/plan.ts'
import { nameOf, type Address } from '../model/ref.ts'

/**
 * Part of a plan as people read it: a step, steps that run in parallel, a branch, or the point of no return.
 */
export type Part =
  | { readonly is: 'step'; readonly step: PlannedStep; readonly number: number }
  | {
      readonly is: 'together'
      readonly title: string
      readonly parts: readonly Extract<Part, { is: 'step' }>[]
    }
  | {
      readonly is: 'branch'
      readonly on: string
      readonly cases: readonly { readonly when: string; readonly parts: readonly Part[] }[]
    }
  | { readonly is: 'pivot'; readonly because: string }

export type Outline = { readonly main: readonly Part[]; readonly lastly: readonly Part[] }

type Numbered = { readonly step: PlannedStep; readonly number: number }

export function outlineOf(plan: Plan): Outline {
  const steps = plan.steps.map((step, index) => ({ step, number: index + 1 }))
  const main = steps.filter(({ step }) => step.phase !== 'lastly')
  const before = plan.pivot?.before ?? main.length
  const pivot: readonly Part[] = plan.pivot === null ? [] : [{ is: 'pivot', because: plan.pivot.because }]
  const title = (address: Address): string => valueName(plan, address)
  return {
    main: [...parts(main.slice(0, before), 0, title), ...pivot, ...parts(main.slice(before), 0, title)],
    lastly: parts(
      steps.filter(({ step }) => step.phase === 'lastly'),
      0,
      title,
    ),
  }
}

/** The name of a value: `--env`, or `healthy of "Check health"`. */
function valueName(plan: Plan, address: Address): string {
  if ('$param' in address) return nameOf(address)
  const title = plan.steps.find((step) => step.id === address.$ref)?.title ?? address.$ref
  return address.path.length === 0 ? `the output of "${title}"` : `${address.path.join('.')} of "${title}"`
}

function parts(
  steps: readonly Numbered[],
  depth: number,
  title: (address: Address) => string,
): readonly Part[] {
  const found: Part[] = []
  for (let index = 0; index < steps.length;) {
    const first = steps[index] as Numbered
    const branch = first.step.only[depth]
    const same = ({ step }: Numbered): boolean => {
      const other = step.only[depth]
      if (branch !== undefined)
        return other !== undefined && canonical(other.value) === canonical(branch.value)
      return first.step.group !== null && other === undefined && step.group === first.step.group
    }
    let end = index + 1
    while (end < steps.length && same(steps[end] as Numbered)) end++
    const run = steps.slice(index, end)
    if (branch !== undefined) {
      const names = [...new Set(run.map(({ step }) => step.only[depth]?.is ?? ''))]
      const cases = names.map((when) => ({
        when,
        parts: parts(
          run.filter(({ step }) => step.only[depth]?.is === when),
          depth + 1,
          title,
        ),
      }))
      found.push({ is: 'branch', on: title(branch.value), cases })
    } else if (first.step.group !== null) {
      found.push({
        is: 'together',
        title: first.step.group,
        parts: run.map((one) => ({ is: 'step', ...one })),
      })
    } else found.push({ is: 'step', ...first })
    index = end
  }
  return found
}

/** The effect of a step in a few words. */
export function effectOf({ effect, reversal }: PlannedStep): string {
  switch (effect) {
    case 'observe':
      return 'read-only'
    case 'decide':
      return 'asks a person'
    case 'exercise':
      return 'temporary effect, removed again'
    default: {
      const what = effect === 'change' ? 'changes' : 'destroys'
      if (reversal === 'undo') return `${what}; can be undone`
      if (reversal === 'not written') return `${what}; a draft, without an undo so far`
      return reversal === 'not needed' ? what : `${what}; cannot be undone: ${reversal.irreversible}`
    }
  }
}

import type { Plan } from '../model/plan.ts'
import { outlineOf, type Part } from './outline.ts'
import type { ParamLine } from './params.ts'
import { mermaid } from './markup.ts'

/** An open end of the chart that the next part connects to, with the label of the edge. */
type OpenEnd = { readonly node: string; readonly label: string }

/**
 * A Mermaid flowchart: solid edges are the order, dotted ones the data that a step takes from an earlier one.
 */
export function planMermaid(plan: Plan, params: readonly ParamLine[]): string {
  const { main, lastly } = outlineOf(plan)
  const chart = new Chart(params)
  const ends = chart.parts(main, [{ node: chart.node('begin', '([', plan.title, '])'), label: '' }])
  chart.parts(lastly, ends)
  for (const step of plan.steps)
    for (const need of step.needs) chart.lines.push(`  ${idOf(need)} -.-> ${idOf(step.id)}`)
  return [
    'flowchart TD',
    ...chart.lines,
    '  classDef change fill:#fde68a,stroke:#92400e,color:#000',
    '  classDef destroy fill:#fca5a5,stroke:#991b1b,color:#000',
    '',
  ].join('\n')
}

const idOf = (step: string): string => `s_${step.replaceAll('-', '_')}`

class Chart {
  readonly lines: string[] = []
  readonly #params: readonly ParamLine[]
  #count = 0

  constructor(params: readonly ParamLine[]) {
    this.#params = params
  }

  node(id: string, open: string, label: string, close: string, more = ''): string {
    this.lines.push(`  ${id}${open}"${mermaid(label)}"${close}${more}`)
    return id
  }

  /** @returns the open ends that the next part connects to */
  parts(parts: readonly Part[], before: readonly OpenEnd[]): readonly OpenEnd[] {
    return parts.reduce((ends, part) => this.#part(part, ends), before)
  }

  #part(part: Part, ends: readonly OpenEnd[]): readonly OpenEnd[] {
    switch (part.is) {
      case 'step': {
        const { effect, id } = part.step
        const style = effect === 'change' || effect === 'destroy' ? `:::${effect}` : ''
        return this.#join(ends, this.node(idOf(id), '[', `${part.number}. ${part.step.title}`, ']', style))
      }
      case 'pivot':
        return this.#join(ends, this.node('pivot', '{{', `Point of no return: ${part.because}`, '}}'))
      case 'together': {
        const id = `group_${++this.#count}`
        this.lines.push(`  subgraph ${id}["${mermaid(part.title)}"]`)
        const inner = part.parts.map((one) =>
          this.node(
            idOf(one.step.id),
            '[',
            `${one.number}. ${one.step.title}`,
            ']',
            one.step.effect === 'change' ? ':::change' : '',
          ),
        )
        this.lines.push('  end')
        return inner.flatMap((node) => this.#join(ends, node))
      }
      case 'branch': {
        const fork = this.node(`fork_${++this.#count}`, '{', part.on, '}')
        this.#join(ends, fork)
        const names = part.cases.map(({ when }) => when)
        const choices = this.#params.find(({ flag }) => flag === part.on)?.value.split('|') ?? []
        const exhaustive =
          (names.includes('true') && names.includes('false')) ||
          (choices.length > 1 && choices.every((choice) => names.includes(choice)))
        const tails = part.cases.flatMap(({ when, parts }) =>
          this.parts(parts, [{ node: fork, label: when }]),
        )
        return exhaustive ? tails : [...tails, { node: fork, label: 'otherwise' }]
      }
    }
  }

  #join(ends: readonly OpenEnd[], node: string): readonly OpenEnd[] {
    for (const end of ends)
      this.lines.push(`  ${end.node} -->${end.label === '' ? '' : `|"${mermaid(end.label)}"|`} ${node}`)
    return [{ node, label: '' }]
  }
}

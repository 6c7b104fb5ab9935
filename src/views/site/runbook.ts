import type { Plan, PlannedStep } from '../../model/plan.ts'
import { moment } from '../amounts.ts'
import { code, list, paragraph, table, verbatim, type Inline } from '../document.ts'
import { expectations } from '../expected.ts'
import { blockAsHtml, inlineAsHtml } from '../html/blocks.ts'
import { fragment, type Html } from '../html/template.ts'
import { effectOf, outlineOf, type Part } from '../outline.ts'
import type { ParamLine } from '../params.ts'
import { endedAs } from '../history.ts'
import type { HistoryRun } from '../past-runs.ts'
import { dryRunHref, runbookHref, section, sitePage, targetHref } from './frame.ts'
import { runLink } from './protection.ts'

export type RunbookShown = {
  readonly plan: Plan
  readonly params: readonly ParamLine[]
  /** Where the runbook comes from. */
  readonly origin: string
  /** Seconds that its latest successful runs took. */
  readonly past: readonly number[]
  /** The latest dry run and the latest run on the target; null if there is none. */
  readonly dryRun: HistoryRun | null
  readonly run: HistoryRun | null
}

/** A runbook as a document, with what each step takes from earlier ones. */
export function runbookPage({ plan, params, origin, past, dryRun, run }: RunbookShown): string {
  const target = String(plan.target['name'])
  const { main, lastly } = outlineOf(plan)
  const numbers = new Map(plan.steps.map(({ id }, index) => [id, index + 1]))
  const command = commandFor(plan.runbook, target, params)
  return sitePage({
    title: plan.title,
    window: `${plan.runbook} on ${target}`,
    look: 'other',
    crumbs: [
      { label: target, href: targetHref(target) },
      { label: plan.runbook, href: runbookHref(target, plan.runbook) },
    ],
    main: [
      blockAsHtml(paragraph(plan.when)),
      blockAsHtml(
        list([
          ['Runbook: ', origin],
          ...expectations(plan, past).map(([label, text]) => `${label}: ${text}`),
          ['Latest dry run: ', latest(dryRun)],
          ['Latest run: ', latest(run)],
        ]),
      ),
      blockAsHtml(
        paragraph([
          { link: dryRunHref(target, plan.runbook), label: 'Dry run now' },
          ': looks at the target, changes nothing and records nothing. With a record, and for real:',
        ]),
      ),
      blockAsHtml(verbatim(`${command} --dry-run\n${command}`, 'sh')),
      ...(params.length === 0
        ? []
        : [
            section('parameters', 'Parameters', [
              blockAsHtml(
                table(
                  ['Flag', 'Value', 'Meaning', 'Given'],
                  params.map(({ flag, value, help, given }): readonly Inline[] => [
                    code(flag),
                    value,
                    help,
                    given,
                  ]),
                ),
              ),
            ]),
          ]),
      section('steps', 'Steps', [planAsHtml(main, numbers)]),
      ...(lastly.length === 0
        ? []
        : [
            section('lastly', 'At the end of every run, after success and after rollback', [
              planAsHtml(lastly, numbers),
            ]),
          ]),
      ...(plan.defaults === undefined
        ? []
        : [
            section('defaults', 'Not configured', [
              blockAsHtml(
                list(plan.defaults.map(({ section, says }): Inline => [code(section), `: ${says}`])),
              ),
            ]),
          ]),
      blockAsHtml(
        paragraph({
          link: `${runbookHref(target, plan.runbook)}/graph`,
          label: 'The graph of steps and data, as Mermaid text',
        }),
      ),
    ],
  })
}

/** What to type, with a place for each value that it needs. */
export function commandFor(runbook: string, target: string, params: readonly ParamLine[]): string {
  const required = params
    .filter(({ given }) => given === 'required')
    .map(({ flag, value }) => ` ${flag} ${value}`)
    .join('')
  return `runbook run ${runbook} --target ${target}${required}`
}

const latest = (one: HistoryRun | null): Inline =>
  one === null ? 'none on this target' : [runLink(one.run), ` on ${moment(one.startedAt)}: ${endedAs(one)}`]

type Numbers = ReadonlyMap<string, number>

const planAsHtml = (parts: readonly Part[], numbers: Numbers): Html =>
  fragment`<ul class="plan">\n${parts.map((part) => fragment`<li>${partAsHtml(part, numbers)}</li>\n`)}</ul>\n`

function partAsHtml(part: Part, numbers: Numbers): Html {
  switch (part.is) {
    case 'step':
      return stepAsHtml(part.step, part.number, numbers)
    case 'together':
      return fragment`In parallel: ${inlineAsHtml(part.title)}${planAsHtml(part.parts, numbers)}`
    case 'branch':
      return fragment`${part.cases.map(
        ({ when, parts }) =>
          fragment`<div>Only if ${inlineAsHtml(code(part.on))} is ${inlineAsHtml(code(when))}${planAsHtml(parts, numbers)}</div>`,
      )}`
    case 'pivot':
      return fragment`<strong>Point of no return.</strong> ${inlineAsHtml(part.because)} From here on failures no longer roll back.`
  }
}

/** The edges of the graph are links: which steps it takes values from. */
function stepAsHtml(step: PlannedStep, number: number, numbers: Numbers): Html {
  const needs = step.needs
    .flatMap((id) => numbers.get(id) ?? [])
    .sort((one, other) => one - other)
    .map((one, index) => fragment`${index === 0 ? ' ' : ', '}<a href="#step-${one}">step ${one}</a>`)
  const uses = needs.length === 0 ? null : fragment`<br>Uses what is returned by${needs}.`
  return fragment`<span id="step-${number}">${number}. <strong>${inlineAsHtml(step.title)}</strong></span> <span class="effect">(${inlineAsHtml(effectOf(step))})</span><br>${inlineAsHtml(step.says)}${uses}`
}

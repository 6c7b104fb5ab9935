import type { Finding } from '../../model/step.ts'
import { moment } from '../amounts.ts'
import { code, list, paragraph, strong, verbatim, type Inline } from '../document.ts'
import type { Foresight } from '../dry-run.ts'
import { blockAsHtml, inlineAsHtml } from '../html/blocks.ts'
import { fragment, type Html } from '../html/template.ts'
import { dryRunHref, note, runbookHref, section, sitePage, targetHref } from './frame.ts'

export type DryRunShown = {
  readonly runbook: string
  readonly target: string
  readonly seen: Foresight
  /** Flags that a run needs and that this dry run did not have. */
  readonly without: readonly string[]
  /** The same for a terminal. */
  readonly command: string
  readonly at: Date
}

/** What a run would do now; most urgent first. */
export function dryRunPage({ runbook, target, seen, without, command, at }: DryRunShown): string {
  const { refusals, warnings, changes, asked, notPredictable, defaults } = seen
  const listed = (id: string, title: string, items: readonly Inline[]): readonly Html[] =>
    items.length === 0 ? [] : [section(id, title, [blockAsHtml(list(items))])]
  return sitePage({
    title: ['Dry run of ', seen.title],
    window: `dry run of ${runbook} on ${target}`,
    look: refusals.length > 0 ? 'failed' : 'other',
    crumbs: [
      { label: target, href: targetHref(target) },
      { label: runbook, href: runbookHref(target, runbook) },
      { label: 'dry run', href: dryRunHref(target, runbook) },
    ],
    main: [
      blockAsHtml(
        paragraph([
          refusals.length > 0 ? strong('A run would be refused now. ') : '',
          `Nothing was changed, and nothing was recorded. As of ${moment(at.toISOString())}.`,
        ]),
      ),
      ...(without.length === 0
        ? []
        : [
            blockAsHtml(
              paragraph([
                'What depends on ',
                ...without.flatMap((flag, index) => [index === 0 ? '' : ', ', code(flag)]),
                ' is not known, since it was not given.',
              ]),
            ),
          ]),
      ...listed('blockers', 'Blockers', refusals.map(foundAs)),
      ...listed('warnings', 'Warnings', warnings.map(foundAs)),
      section('changes', 'Would change', [
        blockAsHtml(changes.length === 0 ? paragraph('Nothing that can be predicted.') : list(changes)),
      ]),
      ...listed('asked', 'People will be asked', asked),
      ...listed('unknown', 'Not predictable', notPredictable),
      section('steps', 'Steps', [
        fragment`<ul class="plan">\n${seen.steps.map(
          ({ title, state, says, details }, index) =>
            fragment`<li>${index + 1}. <strong>${inlineAsHtml(title)}</strong> <span class="effect">(${inlineAsHtml(state)})</span>${[says ?? [], details].flat().map((line) => fragment`<br>${inlineAsHtml(line)}`)}</li>\n`,
        )}</ul>\n`,
      ]),
      ...listed('defaults', 'Not configured', defaults),
      note(`Expected duration: ${seen.duration}`),
      blockAsHtml(paragraph('To record it with its evidence:')),
      blockAsHtml(verbatim(command, 'sh')),
    ],
  })
}

const foundAs = ({ about, problem, hint }: Finding): Inline => [strong(about), `: ${problem}. Next: ${hint}`]

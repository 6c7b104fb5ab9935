import type { Protection } from '../../run/readiness/protection.ts'
import { isOpen } from '../../run/journal/journal.ts'
import { moment } from '../amounts.ts'
import { list, paragraph, strong, type Inline } from '../document.ts'
import { blockAsHtml } from '../html/blocks.ts'
import { fragment, type Html } from '../html/template.ts'
import { note, section, sitePage, targetHref } from './frame.ts'
import { age, drillsAsBlocks, placesAsBlocks, runLink, troubles } from './protection.ts'
import { needsPerson, openAsBlocks, type OpenLine } from './runs.ts'

export type OverviewShown = {
  readonly targets: readonly { readonly name: string; readonly title: string }[]
  /** Null while the first look goes on. */
  readonly protection: { readonly all: readonly Protection[]; readonly at: Date } | null
  readonly open: readonly OpenLine[]
  /** Why the journal cannot be read; then nothing is known of runs. */
  readonly problem: string | null
  readonly now: Date
}

/** Every target with what protects it; what needs somebody comes first. */
export function overviewPage(shown: OverviewShown): string {
  const { targets, protection, open, problem, now } = shown
  const first = attention(shown)
  const seen = new Map(protection?.all.map((one) => [one.target, one]))
  const bad = problem !== null || first.length > 0
  return sitePage({
    title: 'What protects each target',
    window: 'runbook: overview',
    look: bad ? 'failed' : isProtected(protection?.all ?? []) ? 'succeeded' : 'other',
    crumbs: [],
    main: [
      ...(problem === null ? [] : [blockAsHtml(paragraph(strong(problem)))]),
      ...(bad
        ? [section('attention', 'Needs attention', [blockAsHtml(list(first))])]
        : protection === null
          ? []
          : [blockAsHtml(paragraph('Nothing needs attention, as far as was looked at.'))]),
      protection === null
        ? note('Still looking at the backups: reload the page in a moment.')
        : note(`Backups and drills as of ${moment(protection.at.toISOString())}; runs as of now.`),
      ...targets.map(({ name, title }, index) => targetAsHtml(index, name, title, seen.get(name), open, now)),
    ],
  })
}

/** A target without backups is not protected, although nothing is wrong with them. */
const isProtected = (all: readonly Protection[]): boolean =>
  all.length > 0 && all.every(({ places }) => places.length > 0)

function attention({ protection, open, problem }: OverviewShown): readonly Inline[] {
  const link = (target: string): Inline => ({ link: targetHref(target), label: target })
  return [
    ...(problem === null
      ? []
      : [strong('The journal cannot be read, so nothing is known of runs and drills.')]),
    ...open
      .filter(needsPerson)
      .map((one): Inline => [
        link(one.target),
        ': ',
        strong(isOpen(one) ? `${one.runbook} is open` : `the evidence of ${one.runbook} is not sealed`),
        ': ',
        runLink(one.run),
      ]),
    ...(protection?.all ?? []).flatMap((one) =>
      troubles(one).map((says): Inline => [link(one.target), ': ', says]),
    ),
  ]
}

function targetAsHtml(
  index: number,
  name: string,
  title: string,
  protection: Protection | undefined,
  open: readonly OpenLine[],
  now: Date,
): Html {
  const own = open.filter(({ target }) => target === name)
  const newest = protection?.places.flatMap(({ newest }) => newest ?? [])[0]
  const heading: Inline = [{ link: targetHref(name), label: title }, title === name ? '' : ` (${name})`]
  return section(`target-${index}`, heading, [
    newest === undefined
      ? fragment``
      : blockAsHtml(paragraph('Newest backup: ', strong(age(newest.takenAt, now)), ' old.')),
    ...(protection === undefined
      ? []
      : [...placesAsBlocks(protection.places, now), ...drillsAsBlocks(protection.drills, now)].map(
          blockAsHtml,
        )),
    ...openAsBlocks(own).map(blockAsHtml),
  ])
}

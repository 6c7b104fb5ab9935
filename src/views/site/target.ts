import type { LockStanding } from '../../run/readiness/lock-standing.ts'
import type { Protection } from '../../run/readiness/protection.ts'
import { moment } from '../amounts.ts'
import { code, list, paragraph, strong, table, type Block, type Inline } from '../document.ts'
import { blockAsHtml } from '../html/blocks.ts'
import type { HistoryRun } from '../past-runs.ts'
import { note, runbookHref, section, sitePage, targetHref } from './frame.ts'
import { age, drillsAsBlocks, placesAsBlocks, troubles, troublesAsBlocks } from './protection.ts'
import { historyAsBlocks, needsPerson, openAsBlocks, type OpenLine } from './runs.ts'

export type DoctorShown = {
  readonly at: string
  readonly problems: readonly string[]
  readonly warnings: number
  readonly unchecked: number
}

export type TargetShown = {
  readonly name: string
  readonly title: string
  readonly protection: { readonly one: Protection; readonly at: Date } | null
  /** Null if nobody looked yet. */
  readonly locks: { readonly all: readonly LockStanding[]; readonly at: Date } | null
  /** What `runbook doctor` found last; null if nothing of it is kept. */
  readonly doctor: DoctorShown | null
  readonly open: readonly OpenLine[]
  readonly runs: readonly HistoryRun[]
  /** How many older runs are not listed. */
  readonly older: number
  /** Only runs of this runbook are listed. */
  readonly runbook: string | null
  /** Those that fit the target. */
  readonly runbooks: readonly { readonly name: string; readonly when: string }[]
  readonly now: Date
}

export function targetPage(shown: TargetShown): string {
  const { name, title, protection, locks, doctor, open, runs, older, runbook, runbooks, now } = shown
  const bad = protection === null ? [] : troubles(protection.one)
  const failed = bad.length > 0 || open.some(needsPerson) || (doctor?.problems.length ?? 0) > 0
  return sitePage({
    title: title === name ? name : [title, ` (${name})`],
    window: `${name}: runbook`,
    look: failed ? 'failed' : protection === null ? 'other' : 'succeeded',
    crumbs: [{ label: name, href: targetHref(name) }],
    main: [
      ...troublesAsBlocks(bad).map(blockAsHtml),
      section('open', 'Open runs', openAsBlocks(open).map(blockAsHtml)),
      ...(protection === null
        ? [note('Still looking at the backups: reload the page in a moment.')]
        : [
            section('backups', 'Backups', placesAsBlocks(protection.one.places, now).map(blockAsHtml)),
            section('drills', 'Drills', drillsAsBlocks(protection.one.drills, now).map(blockAsHtml)),
            note(`Backups and drills as of ${moment(protection.at.toISOString())}.`),
          ]),
      section('doctor', 'Doctor', doctorAsBlocks(name, doctor, now).map(blockAsHtml)),
      section('locks', 'Locks', locksAsBlocks(locks).map(blockAsHtml)),
      section('history', runbook === null ? 'History' : ['History of ', runbook], [
        ...(runbook === null
          ? []
          : [blockAsHtml(paragraph({ link: targetHref(name), label: 'Show the runs of all runbooks' }))]),
        ...historyAsBlocks(name, runs, older).map(blockAsHtml),
      ]),
      section('runbooks', 'Runbooks that fit', [
        blockAsHtml(
          runbooks.length === 0
            ? paragraph('None.')
            : list(
                runbooks.map((one): Inline => [
                  { link: runbookHref(name, one.name), label: one.name },
                  `: ${one.when}`,
                ]),
              ),
        ),
      ]),
    ],
  })
}

function doctorAsBlocks(target: string, doctor: DoctorShown | null, now: Date): readonly Block[] {
  const command = code(`runbook doctor --target ${target}`)
  if (doctor === null) return [paragraph(['It has not run here, as far as is known: ', command])]
  const { at, problems, warnings, unchecked } = doctor
  const found = problems.length === 0 ? 'No problems found' : strong(counted(problems.length, 'problem'))
  return [
    paragraph([
      found,
      `; ${counted(warnings, 'warning')}, ${unchecked} not checked, ${age(at, now)} ago (${moment(at)}). Look again: `,
      command,
    ]),
    ...(problems.length === 0 ? [] : [list(problems)]),
  ]
}

function locksAsBlocks(locks: TargetShown['locks']): readonly Block[] {
  if (locks === null) return [paragraph('Still looking at the locks: reload the page in a moment.')]
  if (locks.all.length === 0) return [paragraph('It names nothing that is locked.')]
  return [
    table(
      ['What', 'Held by'],
      locks.all.map(({ what, is, holder, why }): readonly Inline[] => [
        what,
        is === 'free'
          ? 'nobody'
          : is === 'not known'
            ? `not known: ${why ?? ''}`
            : holder === null
              ? strong('somebody who cannot be read')
              : [
                  strong(`${holder.by} on ${holder.host}`),
                  ' with ',
                  code(holder.run),
                  `, since ${moment(holder.since)}`,
                ],
      ]),
    ),
    paragraph(`As of ${moment(locks.at.toISOString())}.`),
  ]
}

const counted = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`

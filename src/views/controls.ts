import { canonical, type Json } from '../kernel/json.ts'
import type { ProvenControl, ProvingRun } from '../run/readiness/controls.ts'
import { moment } from './amounts.ts'
import {
  code,
  documentAsMarkdown,
  list,
  paragraph,
  strong,
  table,
  type Block,
  type Inline,
} from './document.ts'

export type ControlExport = {
  readonly at: string
  /** Runs that began before are not listed; null: of all times. */
  readonly since: string | null
  readonly controls: readonly ProvenControl[]
  /** Evidence that is not sealed or does not verify, so that it proves nothing. */
  readonly unverified: readonly { readonly folder: string; readonly why: string }[]
  /** Succeeded runs of runbooks that no control lists, by runbook. */
  readonly unlisted: readonly { readonly runbook: string; readonly runs: number }[]
}

export const controlsAsJson = ({ at, since, controls, unverified, unlisted }: ControlExport): string =>
  `${canonical({
    schema: 1,
    at,
    since,
    controls: controls.map(({ control: { id, standard, says }, proofs, gaps }) => ({
      standard,
      control: id,
      says,
      proven: proofs.some(({ runs }) => runs.length > 0),
      proofs,
      gaps,
    })),
    unverified,
    unlisted,
  } as unknown as Json)}\n`

export function controlsAsMarkdown({ at, since, controls, unverified, unlisted }: ControlExport): string {
  return documentAsMarkdown({
    title: 'Which runs prove which control',
    lead: [
      paragraph(
        `As of ${moment(at)}, ${since === null ? 'of all times' : `of runs since ${moment(since)}`}. `,
        'Only runs that succeeded and whose evidence verifies count. The controls are described in our own words; whether a run is enough for one is for the auditor to judge.',
      ),
    ],
    sections: [
      ...controls.map((one) => ({
        title: `${one.control.standard} ${one.control.id}`,
        blocks: blocksOf(one),
      })),
      {
        title: 'Evidence that proves nothing',
        blocks:
          unverified.length === 0
            ? []
            : [
                table(
                  ['Evidence', 'Why'],
                  unverified.map(({ folder, why }) => [code(folder), code(why)]),
                ),
              ],
      },
      {
        title: 'Runs that no control lists',
        blocks:
          unlisted.length === 0
            ? []
            : [list(unlisted.map(({ runbook, runs }) => [code(runbook), `: ${runs}`]))],
      },
    ],
  })
}

function blocksOf({ control, proofs, gaps }: ProvenControl): readonly Block[] {
  const rows = proofs.map(({ runbooks, why, runs }): readonly Inline[] => [
    runbooks.flatMap((name, index): readonly Inline[] => [index === 0 ? '' : ', ', code(name)]),
    why,
    runs.length === 0 ? strong('none') : String(runs.length),
    latest(runs),
  ])
  const all = proofs.flatMap(({ runs }) => runs)
  return [
    paragraph(control.says),
    ...(all.length === 0 ? [paragraph(strong('Not proven: no run counts.'))] : []),
    table(['Runbooks', 'Why they count', 'Runs', 'Latest'], rows),
    ...(gaps.length === 0
      ? []
      : [
          paragraph(strong('Gaps:')),
          list(
            gaps.map(({ target, drill, state, dueAt, why }) => [
              code(drill),
              ' on ',
              code(target),
              ': ',
              gapOf(state, dueAt, why),
            ]),
          ),
        ]),
    ...(all.length === 0
      ? []
      : [
          paragraph('Every run that counts:'),
          table(['When', 'Runbook', 'Target', 'Evidence'], all.map(rowOf)),
        ]),
  ]
}

function gapOf(state: string, dueAt: string | null, why: string | null): Inline {
  if (state === 'blocked') return ['it cannot run: ', code(why ?? '')]
  return dueAt === null ? 'never proven' : `overdue since ${moment(dueAt)}`
}

const latest = ([newest]: readonly ProvingRun[]): Inline =>
  newest === undefined ? '' : [moment(newest.at), ', ', code(newest.target)]

const rowOf = ({ at, runbook, target, evidence }: ProvingRun): readonly Inline[] => [
  moment(at),
  code(runbook),
  code(target),
  code(evidence),
]

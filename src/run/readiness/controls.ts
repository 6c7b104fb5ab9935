import type { JsonObject } from '../../kernel/json.ts'
import type { RunRecord } from '../record/record.ts'
import type { DrillStanding } from './drill-calendar.ts'

/** A control of a standard, in words of this project: the standard itself is not quoted. */
export type Control = {
  readonly id: string
  readonly standard: 'ISO/IEC 27001:2022' | 'SOC 2'
  readonly says: string
  /** The kinds of runs that prove it, and why. Only a run that succeeded does. */
  readonly proofs: readonly { readonly runbooks: readonly string[]; readonly why: string }[]
}

const trials = {
  runbooks: ['restore-test', 'monthly-spot-restore', 'find-good-backup', 'find-good-volume-backup'],
  why: 'a backup was restored beside the live system and checked there, not only listed',
}
const fullDrill = {
  runbooks: ['quarterly-full-drill'],
  why: 'the service was started from backup and release, and everything was put back',
}
const restores = {
  runbooks: [
    'full-db-rollback',
    'sqlite-restore',
    'recover-records',
    'recover-volume-records',
    'recover-document',
  ],
  why: 'data was restored from a backup in earnest, and checked before and after it went live',
}
const recoveries = {
  runbooks: [
    'rapid-rollback',
    'version-rollback',
    'container-rollback',
    'stack-rollback',
    'config-rollback',
    'auth-rollback',
    'migration-downgrade',
    'sqlite-downgrade',
  ],
  why: 'the service was recovered from a fault by a recorded procedure, and its health was confirmed',
}
const backups = {
  runbooks: ['data-backup', 'release-snapshot', 'stack-snapshot', 'sign-backup'],
  why: 'a backup or snapshot was made or signed, and read back before it counted',
}
const transfers = {
  runbooks: ['release-publish', 'release-fetch'],
  why: 'a release went to another place, or came from there, and its digests were compared',
}
const retention = {
  runbooks: ['prune'],
  why: 'old backups were removed by rule, and the newest complete one was kept',
}
const containment = {
  runbooks: ['disable-exports'],
  why: 'what leaked data was turned off while the service stayed up',
}
const checks = {
  runbooks: ['post-rollback-validation'],
  why: 'the service was checked after a recovery, before the incident was closed',
}

export const controls: readonly Control[] = [
  {
    id: 'A.8.13',
    standard: 'ISO/IEC 27001:2022',
    says: 'Copies of data and software are made as agreed, and it is tested at intervals that they can be restored.',
    proofs: [trials, fullDrill, restores, backups, retention],
  },
  {
    id: 'A.5.29',
    standard: 'ISO/IEC 27001:2022',
    says: 'Information stays protected while something is broken: recoveries are prepared, follow a procedure, and are recorded.',
    proofs: [fullDrill, restores, recoveries, containment, checks],
  },
  {
    id: 'A1.2',
    standard: 'SOC 2',
    says: 'What availability rests on is there and looked after: backups, copies elsewhere, and what is needed to recover.',
    proofs: [backups, transfers, retention, trials],
  },
  {
    id: 'A1.3',
    standard: 'SOC 2',
    says: 'The procedures of recovery are tried out, so that it is known that they work.',
    proofs: [trials, fullDrill, restores, recoveries],
  },
]

/** Runbooks that only look, so that their success proves no control. */
export const provesNoControl: readonly string[] = ['diagnose']

export type ProvingRun = JsonObject & {
  readonly run: string
  readonly runbook: string
  readonly target: string
  readonly at: string
  readonly evidence: string
}

export type ProvenControl = {
  readonly control: Control
  readonly proofs: readonly {
    readonly why: string
    readonly runbooks: readonly string[]
    readonly runs: readonly ProvingRun[]
  }[]
  /** Drills of the control that are overdue or were never proven, by target. */
  readonly gaps: readonly (JsonObject & {
    readonly target: string
    readonly drill: string
    readonly state: DrillStanding['state']
    readonly dueAt: string | null
    readonly why: string | null
  })[]
}

export type FiledRecord = { readonly folder: string; readonly record: RunRecord }

/**
 * Which run proves which control.
 * @param runs those with verified evidence
 * @param drills the calendar of each target, computed from the same evidence
 */
export function provenControls(
  runs: readonly FiledRecord[],
  drills: readonly { readonly target: string; readonly drills: readonly DrillStanding[] }[],
): readonly ProvenControl[] {
  const counted = runs
    .filter(
      ({ record: { mode, outcome, released } }) =>
        mode === 'run' && outcome === 'succeeded' && released === null,
    )
    .sort((one, other) => Date.parse(other.record.startedAt) - Date.parse(one.record.startedAt))
  return controls.map((control) => {
    const named = new Set(control.proofs.flatMap(({ runbooks }) => runbooks))
    return {
      control,
      proofs: control.proofs.map(({ runbooks, why }) => ({
        runbooks,
        why,
        runs: counted
          .filter(({ record }) => runbooks.includes(record.runbook))
          .map(({ folder, record: { run, runbook, target, startedAt } }) => ({
            run,
            runbook,
            target,
            at: startedAt,
            evidence: folder,
          })),
      })),
      gaps: drills.flatMap(({ target, drills: all }) =>
        all
          .filter(({ drill, state }) => named.has(drill) && state !== 'proven')
          .map(({ drill, state, dueAt, why }) => ({ target, drill, state, dueAt, why })),
      ),
    }
  })
}

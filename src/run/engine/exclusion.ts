import { partKey } from '../../drivers/locks.ts'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { digestOf, type JsonObject } from '../../kernel/json.ts'
import { runsInService } from '../../model/data-volumes.ts'
import { at, preview, type Lookup } from '../../model/pending.ts'
import type { Planned, PlannedStep } from '../../model/plan.ts'
import { acts } from '../../model/step.ts'
import { systemOf, type Target } from '../../model/target.ts'
import type { Holder } from '../journal/entry.ts'
import { isOpen, type Journal, type JournalView, type RunSummary } from '../journal/journal.ts'
import { holderOf, holdLease, type Working } from '../journal/leases.ts'
import { stateOf } from '../journal/state.ts'
import { isCompleteStack, lockPartsOf, partsIn } from './lock-parts.ts'

/** What a run has to itself among the runs of its system. `only`: digests of what it changes; null: all of the system. */
export type Exclusion = {
  readonly system: string
  readonly target: string
  readonly only: readonly string[] | null
}

/**
 * Runs on two databases of one stack go on at the same time where they change nothing in common. Everything else, and
 * whatever is not known to be limited, excludes all runs on the system.
 */
export function exclusionOf(planned: Planned): Exclusion {
  const { system, target } = planned.plan
  return { system, target: String(target['name']), only: limitsOf(planned) }
}

function limitsOf({ plan, steps }: Planned): readonly string[] | null {
  const { database } = plan.target as unknown as Target
  // Any other database is a system of its own.
  if (database === undefined || !runsInService(database)) return null
  const parts = [...lockPartsOf(plan), ...partsIn(database as unknown as JsonObject, plan)]
  if (parts.some(isCompleteStack)) return null
  const keys = parts.map(partKey)
  const lookup: Lookup = (address) =>
    '$param' in address ? at(plan.params, [address.$param, ...address.path]) : undefined
  for (const step of plan.steps) {
    const paths = pathsOf(step, steps, lookup)
    if (paths === null) return null
    keys.push(...paths.map((path) => `path ${path}`))
  }
  return digestsOf(keys)
}

/** What any run on a target's database would change, of what a limited run can. */
export function exclusionOfTarget(target: Target): Exclusion {
  const { stack: _stack, ...sections } = JSON.parse(JSON.stringify(target)) as JsonObject
  const parts = partsIn(sections, { target: sections })
  const isLimited = target.database !== undefined && runsInService(target.database)
  const only = isLimited ? digestsOf(parts.map(partKey)) : null
  return { system: systemOf(target), target: target.name, only }
}

/** Digests, since the journal masks addresses, and a masked one would equal no other. */
const digestsOf = (keys: readonly string[]): readonly string[] =>
  [...new Set(keys.map((key) => digestOf(['excludes', key]).slice(0, 16)))].sort()

/** What a step changes besides the parts in its input; null where that is not known. */
function pathsOf(planned: PlannedStep, steps: Planned['steps'], lookup: Lookup): readonly string[] | null {
  if (planned.effect !== 'change' && planned.effect !== 'destroy') return []
  const step = steps.get(planned.id)
  if (step === undefined || !acts(step)) return null
  return step.alsoChanges?.(preview(planned.input, lookup)) ?? null
}

/** An open run that a run must wait for; null if there is none. One that cannot be read excludes all. */
export async function openRunAgainst(
  journal: Pick<JournalView, 'runs' | 'read'>,
  { system, target, only }: Exclusion,
): Promise<RunSummary | null> {
  for (const line of (await journal.runs({ system, pending: true })).filter(isOpen))
    if (line.target === target || overlap(only, await limitsIn(journal, line.run))) return line
  return null
}

export const overlap = (one: Exclusion['only'], other: Exclusion['only']): boolean =>
  one === null || other === null || one.some((key) => other.includes(key))

/** Of an open run. */
export async function limitsIn(journal: Pick<JournalView, 'read'>, run: string): Promise<Exclusion['only']> {
  try {
    return stateOf(await journal.read(run)).opened.excludes ?? null
  } catch (thrown) {
    if (thrown instanceof RunbookError) return null
    throw thrown
  }
}

/** @throws RunbookError `held` while an open run excludes this one */
export async function refuseWhileOpen(journal: JournalView, exclusion: Exclusion): Promise<void> {
  const open = await openRunAgainst(journal, exclusion)
  if (open === null) return
  const { problem, hint } = refusalFor(open, await holderOf(journal, open))
  throw new RunbookError('held', problem, { hint })
}

/**
 * Why an open run blocks a new one.
 * @param by the process that works on it; null if none does
 */
export const refusalFor = (
  { run, target, runbook, startedAt }: RunSummary,
  by: Working | null,
): { readonly problem: string; readonly hint: string } => ({
  problem: `${target} has an open run: ${run} (${runbook}, since ${startedAt})`,
  hint:
    by === null
      ? `settle it first with \`runbook resume ${run}\` or \`runbook rollback ${run}\`; \`runbook status\` shows its state`
      : `it is running (${by.holder.by} on ${by.holder.host}, pid ${by.holder.pid}): wait for it; \`runbook status --watch\` shows what it does`,
})

/**
 * Opens a run. One that holds only its target holds the system for that moment, so that of two that start together the
 * second meets the first.
 * @throws RunbookError `held` if another run holds the system, or was opened meanwhile and excludes this one
 */
export async function openExclusively(
  journal: Journal,
  clock: Clock,
  exclusion: Exclusion,
  holder: Holder,
  open: () => Promise<void>,
): Promise<void> {
  if (exclusion.only === null) return open()
  const gate = await holdLease(journal, clock, exclusion.system, { ...holder, opening: true })
  try {
    await refuseWhileOpen(journal, exclusion)
    await open()
  } finally {
    await gate.release()
  }
}

import type { PostgresDatabase } from '../drivers/databases.ts'
import { everywhere, type Leftover } from '../drivers/leftover.ts'
import type { Child } from '../drivers/scope.ts'
import type { Json } from '../kernel/json.ts'
import { leavesOf } from '../model/plan.ts'
import type { Target } from '../model/target.ts'
import type { Stored } from './journal/entry.ts'
import { stateOf, type RunState } from './journal/state.ts'

/** Where to look for what a run may have left behind. */
export type OrphanScope = {
  /** What the journal says that its steps started on this machine, which is always looked through. */
  readonly children: readonly { readonly child: Child; readonly step: string }[]
  readonly docker: boolean
  /** Servers that may have sessions of it. */
  readonly databases: readonly PostgresDatabase[]
}

/**
 * Where something of a run may still act: on this machine, and wherever else its target reaches and the steps that it began declare. Other
 * places are not asked, as they may be down: a run that repairs just that could otherwise never be resumed.
 */
export function orphanScope(entries: readonly Stored[]): OrphanScope {
  const state = stateOf(entries)
  const places = declaredBy(state)
  const { stack, database, restoreTest } = state.plan.target as unknown as Target
  const postgres = database?.engine === 'postgres' ? database : undefined
  const usesDocker =
    stack?.kind === 'compose' || postgres?.via.kind === 'compose' || restoreTest !== undefined
  return {
    children: entries.flatMap(({ entry }) =>
      entry.type === 'spawned' ? [{ child: entry.child, step: entry.step }] : [],
    ),
    docker: places.has('containers') && usesDocker,
    // A run that was never given the address of a server has no session there; nor need that server answer.
    databases: places.has('sessions') && postgres !== undefined && wasGivenServer(entries) ? [postgres] : [],
  }
}

/** The places that the steps which were begun declare; all of them as long as none was. */
export function declaredBy({ plan, steps }: Pick<RunState, 'plan' | 'steps'>): ReadonlySet<Leftover> {
  const begun = plan.steps.filter(({ id }) => (steps.get(id)?.attempts ?? 0) > 0)
  return new Set(begun.length === 0 ? everywhere : begun.flatMap(leavesOf))
}

/**
 * Whether a step that was begun was given, anywhere in its input, the address of a database server that is not the run's own. Which one does
 * not matter: in a journal parts of an address may be masked.
 */
export const wasGivenServer = (entries: readonly Stored[]): boolean =>
  entries.some(({ entry }) => entry.type === 'intent' && holdsAddress(entry.input))

function holdsAddress(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false
  if ('via' in value && !isThrowaway(value['via'])) return true
  return Object.values(value).some((inner: Json) => holdsAddress(inner))
}

const isThrowaway = (via: Json | undefined): boolean =>
  typeof via === 'object' && via !== null && 'kind' in via && via['kind'] === 'throwaway'

import type { PostgresDatabase } from '../../drivers/databases.ts'
import { everywhere, type Leftover } from '../../drivers/leftover.ts'
import type { Child } from '../../drivers/scope.ts'
import type { Json } from '../../kernel/json.ts'
import { leavesOf } from '../../model/plan.ts'
import type { Target } from '../../model/target.ts'
import type { Stored } from '../journal/entry.ts'
import { stateOf, type RunState } from '../journal/state.ts'

/** Where to search for orphans of a run. */
export type OrphanScope = {
  /** Journaled children of its steps on this machine, which is always searched. */
  readonly children: readonly { readonly child: Child; readonly step: string }[]
  readonly docker: boolean
  /** Servers that may have sessions of the run. */
  readonly databases: readonly PostgresDatabase[]
}

/**
 * Where orphans of a run may still act: this machine, and the places of its target that its started steps
 * declare. Other places may be down; asking them would make a run that repairs them impossible to resume.
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
    // A run whose steps never got the address of a server has no session there, so it need not answer.
    databases: places.has('sessions') && postgres !== undefined && wasGivenServer(entries) ? [postgres] : [],
  }
}

/** The places that the started steps declare; all places if none was started. */
export function declaredBy({ plan, steps }: Pick<RunState, 'plan' | 'steps'>): ReadonlySet<Leftover> {
  const begun = plan.steps.filter(({ id }) => (steps.get(id)?.attempts ?? 0) > 0)
  return new Set(begun.length === 0 ? everywhere : begun.flatMap(leavesOf))
}

/**
 * Whether the input of a started step has the address of a database server that is not the run's own
 * throwaway. Addresses are not compared, since parts of them may be masked in the journal.
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

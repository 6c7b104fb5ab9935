import type { PostgresDatabase } from '../../drivers/databases.ts'
import { everywhere, type Leftover } from '../../drivers/leftover.ts'
import type { Child } from '../../drivers/scope.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { preview } from '../../model/pending.ts'
import { leavesOf, type Plan, type PlannedStep } from '../../model/plan.ts'
import type { Target } from '../../model/target.ts'
import type { Stored } from '../journal/entry.ts'
import { lookupIn, stateOf } from '../journal/state.ts'
import { holdsAddress, holdsComposeStack, onePerServer, serversIn } from './server-addresses.ts'

/** Where to search for orphans of a run. */
export type OrphanScope = {
  /** Journaled children of its steps on this machine, which is always searched. */
  readonly children: readonly { readonly child: Child; readonly step: string }[]
  readonly docker: boolean
  /** Servers that may have sessions of the run. */
  readonly databases: readonly PostgresDatabase[]
}

/**
 * Where orphans of a run may still act: this machine, and the places that its started steps declare, of its
 * target and of the inputs of these steps. Other places may be down; asking them would make a run that
 * repairs them impossible to resume.
 */
export function orphanScope(entries: readonly Stored[]): OrphanScope {
  const { plan } = stateOf(entries)
  const places = declaredBy(plan, entries)
  const inputs = inputsIn(entries)
  const inputsTo = (place: Leftover): readonly JsonObject[] =>
    inputs.flatMap(({ step, input }) => (placesOf(step, entries).includes(place) ? [input] : []))
  const { stack, database, restoreTest } = plan.target as unknown as Target
  const postgres = database?.engine === 'postgres' ? database : undefined
  const usesDocker =
    stack?.kind === 'compose' ||
    postgres?.via.kind === 'compose' ||
    restoreTest !== undefined ||
    inputsTo('containers').some(holdsComposeStack)
  // A run whose steps never got the address of a server has no session there, so it need not answer.
  const ofTarget = postgres !== undefined && inputs.some(({ input }) => holdsAddress(input)) ? [postgres] : []
  return {
    children: entries.flatMap(({ entry }) =>
      entry.type === 'spawned' ? [{ child: entry.child, step: entry.step }] : [],
    ),
    docker: places.has('containers') && usesDocker,
    databases: places.has('sessions')
      ? onePerServer([...inputsTo('sessions').flatMap(serversIn), ...ofTarget])
      : [],
  }
}

/** The places that the started steps declare; all places if none was started. */
export function declaredBy(plan: Pick<Plan, 'steps'>, entries: readonly Stored[]): ReadonlySet<Leftover> {
  const started = startedIn(entries)
  const steps = plan.steps.filter(({ id }) => started.has(id))
  return new Set(steps.length === 0 ? everywhere : steps.flatMap((step) => placesOf(step, entries)))
}

/** The places that a step declared when the run was opened, and those of its code that was accepted since. */
export function placesOf(step: PlannedStep, entries: readonly Stored[]): readonly Leftover[] {
  const later = entries.flatMap(({ entry }) =>
    entry.type === 'resumed' && entry.leaves !== undefined && Object.hasOwn(entry.leaves, step.id)
      ? (entry.leaves[step.id] ?? [])
      : [],
  )
  return [...new Set([...leavesOf(step), ...later])]
}

/** Ids of the steps that may have left something: a survey too may start a program, before any intent. */
const startedIn = (entries: readonly Stored[]): ReadonlySet<string> =>
  new Set(
    entries.flatMap(({ entry }) => (entry.type === 'intent' || entry.type === 'spawned' ? [entry.step] : [])),
  )

type Given = { readonly step: PlannedStep; readonly input: JsonObject }

/** What started steps were given: as journaled, or as far as it is known where no intent was written. */
function inputsIn(entries: readonly Stored[]): readonly Given[] {
  const state = stateOf(entries)
  const lookup = lookupIn(state)
  const started = startedIn(entries)
  return state.plan.steps
    .filter(({ id }) => started.has(id))
    .map((step) => ({
      step,
      input: state.steps.get(step.id)?.input ?? (preview(step.input, lookup) as JsonObject),
    }))
}

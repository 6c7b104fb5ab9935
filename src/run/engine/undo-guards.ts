import { RunbookError } from '../../kernel/errors.ts'
import { canonical, type Json, type JsonObject } from '../../kernel/json.ts'
import { resolve } from '../../model/pending.ts'
import type { PlannedStep } from '../../model/plan.ts'
import { acts, type AnyStep, type Io, type Look, type UndoAct, type UndoGuard } from '../../model/step.ts'
import { unlogged } from '../journal/evidence.ts'
import { agendaOf, undosIn, type Todo } from './agenda.ts'
import { openAttempt } from './attempt-context.ts'
import { failureOn, lookupOn, stateOfStep, stepOf, withSecrets, type RunContext } from './run-context.ts'
import { unmasked } from './secrets-in-plan.ts'
import { boundary, Stopped } from './stop.ts'
import { lookWithTimeout } from './timeout.ts'

type Acted = Extract<AnyStep, { readonly effect: 'change' | 'destroy' }>
type Act = UndoAct<JsonObject, Json, Json>

/** How long a rollback looks before its first undo: the service may be down meanwhile. Milliseconds. */
const patience = 30_000

/** What the undo of a step gets, from the journal, with the secrets that it masks. */
export function undoActOf(context: RunContext, planned: PlannedStep): Act {
  const { input, before, output } = stateOfStep(context, planned)
  const today = resolve(withSecrets(context, planned).input, lookupOn(context))
  return {
    input: unmasked(input ?? {}, 'value' in today ? today.value : undefined, context.mask),
    before,
    output,
  }
}

/** @throws RunbookError `in-doubt` if somebody else replaced what the undo of a step relies on */
export async function requireOurs(
  step: Pick<Acted, 'undoGuards'>,
  look: Look,
  act: Act,
  way: 'forward' | 'back',
): Promise<void> {
  for (const { check } of step.undoGuards?.(act) ?? []) await check(look, way)
}

/** Runs the undo of a step, unless somebody else replaced what it relies on. */
export async function guardedUndo(
  step: Acted & { readonly undo: NonNullable<Acted['undo']> },
  io: Io,
  look: Look,
  act: Act,
): Promise<void> {
  await requireOurs(step, look, act, 'back')
  await step.undo(io, act)
}

/**
 * Looks at all undos before the first one has an effect: a rollback that one of them must stop would else end half-way,
 * with healthy services stopped for nothing. What does not answer or cannot be known yet stops nothing here.
 * @throws Stopped `in-doubt` if an undo could not go on
 */
export async function lookAtUndos(context: RunContext, todos: readonly Todo[]): Promise<void> {
  const until = context.clock.monotonic() + patience
  const touched = new Set<string>()
  for (const todo of todos) {
    if (todo.do !== 'undo') continue
    const { step: planned } = todo
    const guards = guardsOf(context, planned)
    // Older steps may only look replaced until this one is undone.
    if (guards === null) return
    const own = guards.filter(({ of }) => !of.some((one) => touched.has(canonical(one))))
    for (const one of guards.flatMap(({ of }) => of)) touched.add(canonical(one))
    const left = until - context.clock.monotonic()
    if (left <= 0) return
    if (own.length > 0 && stateOfStep(context, planned).undoProven === null)
      await lookAt(context, planned, own, left)
  }
}

/**
 * Before a resume goes on: what the run has put in place must still be there, or it would prove what somebody else put
 * there, and could not roll back. Past the point of no return the run no longer needs all of it.
 * @throws Stopped `in-doubt` if somebody else replaced it
 */
export async function lookAtDone(context: RunContext): Promise<void> {
  const { state } = context.journal
  if (!state.pivoted && agendaOf(state).act === 'forward') await lookAtUndos(context, undosIn(state))
}

/** Null where it is not known what the undo touches. */
function guardsOf(context: RunContext, planned: PlannedStep): readonly UndoGuard[] | null {
  const step = stepOf(context, planned)
  if (!acts(step) || step.undo === undefined) return []
  try {
    return step.undoGuards?.(undoActOf(context, planned)) ?? null
  } catch {
    // The undo meets it again, and reports it.
    return null
  }
}

async function lookAt(
  context: RunContext,
  planned: PlannedStep,
  guards: readonly UndoGuard[],
  milliseconds: number,
): Promise<void> {
  boundary(context.stop)
  const attempt = await openAttempt({ ...context, folder: unlogged(context.folder) }, planned, 'ahead')
  const title = `the look at the undo of ${planned.title}`
  try {
    await lookWithTimeout(context, attempt, title, milliseconds / 1000, async () => {
      for (const { check } of guards)
        await check(attempt.look, context.journal.state.way).catch(async (thrown: unknown) => {
          if (!isDoubt(thrown) || !(await hasNothingToUndo(context, planned, attempt.look))) throw thrown
        })
    })
  } catch (thrown) {
    if (thrown instanceof Stopped) throw thrown
    if (!isDoubt(thrown)) return
    const { message } = failureOn(context, thrown)
    throw new Stopped('in-doubt', `${message}; ${undoneSoFar(context)}`, null, thrown.hint)
  } finally {
    await attempt.close()
  }
}

const isDoubt = (thrown: unknown): thrown is RunbookError =>
  thrown instanceof RunbookError && thrown.code === 'in-doubt'

/** As before an undo: where the effect is absent, none is called. */
async function hasNothingToUndo(context: RunContext, planned: PlannedStep, look: Look): Promise<boolean> {
  const step = stepOf(context, planned)
  if (!acts(step)) return true
  // Going on relies on what a step that ended has put in place.
  if (context.journal.state.way === 'forward' && stateOfStep(context, planned).status === 'done') return false
  const found = await step.probe(look, { ...undoActOf(context, planned), way: 'back' }).catch(() => null)
  return found?.is === 'absent'
}

function undoneSoFar({ journal }: RunContext): string {
  if (journal.state.way === 'forward')
    return 'this was found before the run went on, so nothing more was changed'
  const begun = [...journal.state.steps.values()].some(({ undoAttempts }) => undoAttempts > 0)
  return begun
    ? 'this was found before the next undo, so nothing more was undone'
    : 'this was found before the first undo, so nothing was undone'
}

import { failureOf } from '../../kernel/errors.ts'
import { sha256 } from '../../kernel/json.ts'
import { viewOf, type Drivers } from '../../drivers/drivers.ts'
import type { Child, Scope } from '../../drivers/scope.ts'
import type { PlannedStep } from '../../model/plan.ts'
import type { Ask, Io, Look } from '../../model/step.ts'
import type { LogFile } from '../journal/entry.ts'
import type { StepLog } from '../journal/evidence.ts'
import { factsOf, type RunContext } from './run-context.ts'

/** Drivers, log and signal of one attempt of a step. */
export interface AttemptContext {
  readonly look: Look
  readonly ask: Ask
  readonly io: Io
  /** Notes so far of an attempt with purpose `ahead`, masked. */
  readonly notes: readonly string[]
  /** What the attempt reported as changed for good, masked; for its ending entry. */
  remained(): { readonly remains?: readonly string[]; readonly kept?: readonly string[] }
  /** Aborted on a timeout and on the second Ctrl-C. */
  readonly signal: AbortController
  /** Ends the attempt: its drivers refuse all further calls. @returns its log; null if it is empty */
  close(): Promise<LogFile | null>
}

/** `run` and `undo` may act, and their children are journaled. `ahead` only looks: preflight or dry run. */
export type Purpose = 'run' | 'undo' | 'ahead'

const mostNotes = 200

/** Opens one attempt with its own drivers, a log, and a signal that ends everything it starts. */
export async function openAttempt(
  context: RunContext,
  step: PlannedStep,
  purpose: Purpose,
): Promise<AttemptContext> {
  const log = await openLog(context, logName(context, step, purpose))
  const controller = new AbortController()
  const masked = context.mask.stream()
  const show = (chunk: Uint8Array): void => {
    if (chunk.length === 0) return
    log.write(chunk)
    context.listener({ type: 'output', step: step.id, chunk })
  }
  const scope: Scope = {
    run: context.run,
    step: step.id,
    ahead: purpose === 'ahead',
    signal: controller.signal,
    output: (chunk) => show(masked.push(chunk)),
    progress: (progress) => context.listener({ type: 'progress', step: step.id, progress }),
    spawned: (child) => {
      if (purpose !== 'ahead') void journalChild(context, step, child, controller)
    },
  }
  const notes: string[] = []
  const remains = new Set<string>()
  const kept = new Set<string>()
  const drivers = gated(context.drivers(scope), controller.signal)
  const moment = {
    run: factsOf(context),
    clock: context.clock,
    signal: controller.signal,
    progress: scope.progress,
    note: (line: string) => {
      const text = context.mask.json(line)
      // Kept in memory, so limited.
      if (purpose === 'ahead' && notes.length < mostNotes) notes.push(text)
      log.write(new TextEncoder().encode(`${text}\n`))
      context.listener({ type: 'note', step: step.id, line: text })
    },
  }
  const views = viewOf(drivers)
  return {
    look: { ...views, ...moment },
    ask: { ...views, people: drivers.people, ...moment },
    io: {
      ...drivers,
      ...moment,
      remains: (what) => {
        const line = typeof what === 'string' ? what : what.kept
        const text = context.mask.json(line)
        if (remains.size < mostNotes) remains.add(text)
        if (typeof what !== 'string' && remains.has(text)) kept.add(text)
        moment.note(line)
      },
    },
    notes,
    remained: () => ({
      ...(remains.size === 0 ? {} : { remains: [...remains] }),
      ...(kept.size === 0 ? {} : { kept: [...kept] }),
    }),
    signal: controller,
    close: async () => {
      controller.abort(over(step))
      show(masked.end())
      const file = await log
        .finish()
        .catch((thrown: unknown) => lost(logName(context, step, purpose), thrown))
      if (file?.problem !== undefined) context.losses.push(`${file.file}: ${file.problem}`)
      return file
    },
  }
}

/** One for all attempts of a step: a new error would record its stack. */
const ends = new WeakMap<PlannedStep, Error>()

function over(step: PlannedStep): Error {
  const end = ends.get(step) ?? new Error(`"${step.title}" has ended`)
  ends.set(step, end)
  return end
}

const logName = (context: RunContext, step: PlannedStep, purpose: Purpose): string => {
  const position = context.planned.plan.steps.findIndex((one) => one.id === step.id) + 1
  return `${String(position).padStart(2, '0')}-${step.id}${{ run: '', undo: '.undo', ahead: '.ahead' }[purpose]}`
}

/** If the journal cannot be written the run stops anyway, so the attempt is aborted at once. */
async function journalChild(
  context: RunContext,
  step: PlannedStep,
  child: Child,
  controller: AbortController,
): Promise<void> {
  try {
    await context.journal.write({ type: 'spawned', step: step.id, child })
  } catch (thrown) {
    controller.abort(thrown)
  }
}

/**
 * The drivers, but every call rejects once the signal has aborted: an abandoned step may return from a wait,
 * and a finished one may have left a promise behind; neither may act then.
 */
function gated(drivers: Drivers, signal: AbortSignal): Drivers {
  const gate: ProxyHandler<object> = {
    get(driver, method) {
      const found: unknown = Reflect.get(driver, method, driver)
      if (typeof found !== 'function') return found
      return async (...args: readonly unknown[]): Promise<unknown> => {
        signal.throwIfAborted()
        return Reflect.apply(found, driver, args)
      }
    },
  }
  const ports: { [name: string]: object } = {}
  for (const [name, port] of Object.entries(drivers)) ports[name] = new Proxy(port as object, gate)
  return ports as unknown as Drivers
}

/** A log that cannot be opened (a full disk) must not fail a recovery; the loss is recorded instead. */
async function openLog(context: RunContext, name: string): Promise<StepLog> {
  try {
    return await context.folder.log(name)
  } catch (thrown) {
    return { write: () => undefined, finish: async () => lost(name, thrown) }
  }
}

const lost = (name: string, thrown: unknown): LogFile => ({
  file: name,
  bytes: 0,
  sha256: sha256(''),
  problem: failureOf(thrown).message,
})

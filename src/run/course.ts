import type { Clock } from '../kernel/clock.ts'
import { failureOf, RunbookError, type Failure } from '../kernel/errors.ts'
import { shortName, type Randomness } from '../kernel/randomness.ts'
import { stamp } from '../kernel/clock.ts'
import type { Drivers } from '../drivers/drivers.ts'
import type { Scope } from '../drivers/scope.ts'
import { at } from '../model/pending.ts'
import type { Planned } from '../model/plan.ts'
import type { Finding, Standing } from '../model/step.ts'
import { agendaOf, type Todo } from './agenda.ts'
import { resultOf, seal, settle, type Result } from './ending.ts'
import type { Conductor, Single } from './conductor.ts'
import type { Carrier, Entry, Opened, Stored } from './entry.ts'
import type { Evidence, EvidenceFile } from './evidence.ts'
import type { Listener } from './events.ts'
import { foretell } from './foretell.ts'
import { isOpen, type Hold, type Journal } from './journal.ts'
import { perform, type Ended } from './perform.ts'
import { preflight } from './preflight.ts'
import { Record, type Mask, type Stage } from './stage.ts'
import { stateOf, type RunState } from './state.ts'
import { codeOf, Stopped, type Stop } from './stop.ts'
import { undo } from './undo.ts'

/** Everything outside that a run needs. The command line chooses what stands behind it. */
export interface Surroundings {
  readonly journal: Journal
  readonly evidence: Evidence
  readonly conductor: Conductor
  readonly clock: Clock
  readonly randomness: Randomness
  readonly mask: Mask
  readonly stop: Stop
  readonly listener: Listener
  drivers(scope: Scope): Drivers
  /** Who we are, for the lock and the record. */
  readonly carrier: Carrier
  readonly engine: string
  /** The folder for a run's evidence. */
  folderOf(run: string, order: Order, startedAt: Date): string
  /** What is put into it, made from the journal alone. */
  filesOf(entries: readonly Stored[]): readonly EvidenceFile[]
  standingOf(entries: readonly Stored[]): Standing
}

/** What somebody asked for. */
export interface Order {
  readonly planned: Planned
  readonly mode: 'run' | 'dry-run'
  readonly story: string | null
  readonly reason: string | null
}

/**
 * Starts a run, or a dry run, and carries it to its end.
 * @throws RunbookError `held` while another run holds the system or is still open on it: nothing has been touched
 */
export async function begin(around: Surroundings, order: Order): Promise<Result> {
  const startedAt = around.clock.now()
  const run = `${stamp(startedAt)}-${shortName(around.randomness)}`
  const { plan } = order.planned
  // A dry run changes nothing, so it needs no exclusion; it holds a name of its own.
  const system = order.mode === 'run' ? plan.system : `dry-${run}`
  const hold = await around.journal.hold(system, { ...around.carrier, run, since: startedAt.toISOString() })
  try {
    if (order.mode === 'run') await refuseWhileOpen(around.journal, plan.system)
    const folder = await around.evidence.open(around.folderOf(run, order, startedAt))
    const opened: Opened = {
      type: 'opened', mode: order.mode, plan, by: around.carrier.by, host: around.carrier.host, story: order.story, reason: order.reason,
      evidence: folder.folder, engine: around.engine, node: process.version,
    }
    const stage = stageOf(around, run, order.planned, folder, hold, [])
    await stage.record.write(opened)
    return await underStop(around, stage, () => (order.mode === 'run' ? launch(around, stage) : rehearseDry(around, stage)))
  } finally {
    await hold.release()
  }
}

/** What a person asks for when taking an interrupted run up again. */
export interface Resumption {
  readonly run: string
  readonly way: 'forward' | 'back'
  /** The runbook as it plans today, with the parameters and target of the run. */
  readonly planned: Planned
  /** The difference between the plan as opened and as planned today, where a person accepted it. */
  readonly accepted: string | null
}

/**
 * Takes an open run up again. First whatever it had started is proven dead; then steps in doubt are probed, never guessed at.
 * @throws RunbookError `usage` for a run that is settled, or a way that is closed; `changed` where the plan is another by now
 */
export async function resume(around: Surroundings, asked: Resumption): Promise<Result> {
  const before = await around.journal.read(asked.run)
  const state = stateOf(before)
  refuseClosed(asked, state)
  if (asked.planned.plan.digest !== state.plan.digest && asked.accepted === null) {
    throw new RunbookError('changed', `cannot go on with ${asked.run}: its runbook, parameters or target changed since it began`, {
      hint: 'put the old files back, or accept the difference with --accept-changes',
    })
  }
  const hold = await around.journal.hold(state.plan.system, { ...around.carrier, run: asked.run, since: around.clock.now().toISOString() })
  try {
    // Read again under the hold: until now somebody else could still write.
    const entries = await around.journal.read(asked.run)
    refuseClosed(asked, stateOf(entries))
    const folder = await around.evidence.open(stateOf(entries).opened.evidence)
    const stage = stageOf(around, asked.run, { ...asked.planned, plan: stateOf(entries).plan }, folder, hold, entries)
    if (!needsWork(stateOf(entries))) return await seal(around, stage, resultOf(stage, stateOf(entries)))
    const orphans = await around.drivers(scopeFor(around, stage, 'resume')).orphans.end(asked.run)
    await stage.record.write({ type: 'resumed', way: asked.way, by: around.carrier.by, host: around.carrier.host, orphans, accepted: asked.accepted })
    if (asked.way === 'back' && stage.record.state.way === 'forward') {
      await stage.record.write({ type: 'turned', because: `${around.carrier.by} asked for it`, failure: null })
    }
    const result = await underStop(around, stage, () => drive(around, stage))
    return asked.way === 'back' && result.outcome === 'rolled-back' ? { ...result, code: 'succeeded' } : result
  } finally {
    await hold.release()
  }
}

const needsWork = (state: RunState): boolean => state.settled === null || state.settled.outcome === 'needs-human'

function refuseClosed({ run, way }: Resumption, state: RunState): void {
  const refuse = (why: string, hint: string): never => {
    throw new RunbookError('usage', `cannot ${way === 'forward' ? 'resume' : 'roll back'} ${run}: ${why}`, { hint })
  }
  if (state.opened.mode === 'dry-run') refuse('it is a dry run, which changed nothing', 'start a real run with `runbook run`')
  if (state.released) refuse('a person has released it', 'start a new run')
  if (!needsWork(state)) {
    if (way === 'back') refuse(`it is settled as ${state.settled?.outcome}`, 'a settled run is not undone; start another one')
    return
  }
  if (way === 'back' && state.pivoted) refuse('it is past its point of no return', `finish it with \`runbook resume ${run}\``)
  if (way === 'forward' && state.way === 'back') refuse('it has turned round and only goes back', `finish that with \`runbook rollback ${run}\``)
}

async function refuseWhileOpen(journal: Journal, system: string): Promise<void> {
  const open = (await journal.runs()).find((line) => line.system === system && isOpen(line))
  if (open === undefined) return
  throw new RunbookError('held', `${open.target} still has an open run: ${open.run} (${open.runbook}, since ${open.startedAt})`, {
    hint: `settle it first with \`runbook resume ${open.run}\` or \`runbook rollback ${open.run}\`; \`runbook status\` shows how it stands`,
  })
}

async function launch(around: Surroundings, stage: Stage): Promise<Result> {
  const params = stage.planned.plan.params
  const findings = await preflight(stage, (address) => ('$param' in address ? at(params[address.$param], address.path) : undefined))
  await noteFindings(stage, findings)
  if (!findings.some((finding) => finding.level === 'refuse')) return drive(around, stage, findings)
  const failure: Failure = { code: 'preflight', message: refusalOf(findings), hint: 'nothing was touched; mend what is listed and start again' }
  return settle(around, stage, 'refused', failure, findings)
}

async function rehearseDry(around: Surroundings, stage: Stage): Promise<Result> {
  const { lookup, failures } = await foretell(stage)
  const findings: Finding[] = [...(await preflight(stage, lookup))]
  for (const { step, message, hint } of failures) {
    if (findings.some((finding) => finding.problem === message)) continue
    findings.push({ level: 'refuse', about: step.title, problem: message, hint: hint ?? 'the real run would fail here' })
  }
  await noteFindings(stage, findings)
  const refusals = findings.filter((finding) => finding.level === 'refuse')
  const verification = failures.find((failure) => failure.code === 'verification')
  const failure: Failure | null =
    refusals.length === 0 ? null : { code: verification === undefined ? 'preflight' : 'verification', message: refusalOf(findings) }
  return settle(around, stage, 'foretold', failure, findings)
}

const refusalOf = (findings: readonly Finding[]): string =>
  findings.filter((finding) => finding.level === 'refuse').map((finding) => finding.problem).join('; ')

async function noteFindings(stage: Stage, findings: readonly Finding[]): Promise<void> {
  const refusals = findings.filter((finding) => finding.level === 'refuse').length
  await stage.record.write({ type: 'preflighted', findings, refusals, warnings: findings.length - refusals })
}

/** Asks the agenda again and again until nothing is left. */
async function drive(around: Surroundings, stage: Stage, findings: readonly Finding[] = []): Promise<Result> {
  for (;;) {
    const agenda = agendaOf(stage.record.state)
    if (agenda.act === 'settle') return settle(around, stage, agenda.outcome, agenda.failure, findings)
    boundary(stage)
    if (agenda.act === 'turn') {
      await stage.record.write({ type: 'turned', because: agenda.failure?.message ?? 'a step failed', failure: agenda.failure })
    } else if (!(await leaveOut(stage, agenda.todos))) {
      await around.conductor.conduct(agenda.act, agenda.todos, (todo) => work(stage, todo))
    }
  }
}

/** Writes down the branches that are not taken, all at once and before they could be drawn: on the screen they would only be noise. */
async function leaveOut(stage: Stage, todos: readonly Todo[]): Promise<boolean> {
  const skips = todos.flatMap((todo) => (todo.do === 'together' ? todo.todos : [todo])).filter((todo) => todo.do === 'skip')
  for (const { step, because } of skips) await stage.record.write({ type: 'skipped', step: step.id, because })
  return skips.length > 0
}

async function work(stage: Stage, todo: Single): Promise<Ended> {
  boundary(stage)
  switch (todo.do) {
    case 'pivot':
      await stage.record.write({ type: 'pivoted', because: todo.because })
      return { ok: true, as: 'done' }
    case 'undo':
      return undo(stage, todo.step)
    default:
      return perform(stage, todo.step)
  }
}

/** Between two steps nothing is under way: here, and only here, a first Ctrl-C takes hold. */
function boundary(stage: Stage): void {
  const { asked } = stage.stop
  if (asked !== null) throw new Stopped(codeOf(asked), 'stopped between two steps', null)
}

async function underStop(around: Surroundings, stage: Stage, body: () => Promise<Result>): Promise<Result> {
  try {
    return await body()
  } catch (thrown) {
    if (!(thrown instanceof Stopped)) throw thrown
    await stage.record.settled()
    if (thrown.code === 'in-doubt') {
      const failure: Failure = { code: 'in-doubt', message: thrown.message, hint: `look at the target; then \`runbook resume ${stage.run}\` or \`runbook rollback ${stage.run}\`` }
      return { ...(await settle(around, stage, 'needs-human', failure, [])), code: 'in-doubt', doubt: thrown.doubt }
    }
    await stage.record.write({ type: 'interrupted', signal: stage.stop.asked ?? 'SIGINT' })
    return {
      run: stage.run, code: thrown.code, outcome: 'open', failure: failureOf(thrown, thrown.code), findings: [], folder: stage.folder.folder, doubt: thrown.doubt,
    }
  }
}

function stageOf(
  around: Surroundings, run: string, planned: Planned, folder: Stage['folder'], hold: Hold, entries: readonly Stored[],
): Stage {
  const append = (entry: Entry): Promise<Stored> => around.journal.append(hold, run, around.mask.json(entry))
  const record = new Record(entries, append, around.listener)
  return {
    run, planned, clock: around.clock, mask: around.mask, stop: around.stop, folder, listener: around.listener, losses: [], record,
    drivers: (scope) => around.drivers(scope),
    standing: () => around.standingOf(record.entries),
  }
}

function scopeFor(around: Surroundings, stage: Stage, step: string): Scope {
  return {
    run: stage.run, step, signal: around.stop.now, output: () => undefined, progress: () => undefined, spawned: () => undefined,
  }
}

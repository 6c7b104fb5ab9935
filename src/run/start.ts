import type { Clock } from '../kernel/clock.ts'
import { stamp } from '../kernel/clock.ts'
import { RunbookError, type Failure } from '../kernel/errors.ts'
import { shortName, type Randomness } from '../kernel/randomness.ts'
import type { Drivers } from '../drivers/drivers.ts'
import type { Locks } from '../drivers/locks.ts'
import type { Scope } from '../drivers/scope.ts'
import type { SecretHandle } from '../drivers/secrets.ts'
import { at } from '../model/pending.ts'
import type { Plan, Planned } from '../model/plan.ts'
import type { Finding, RunStatus } from '../model/step.ts'
import { drive, underStop, type Driving } from './engine/drive.ts'
import { settle, type Result } from './engine/ending.ts'
import { exclusionOf, openExclusively, refuseWhileOpen } from './engine/exclusion.ts'
import { lockPartsOf } from './engine/lock-parts.ts'
import { bringingIn } from './engine/bringing.ts'
import { noLock, takeLocks, type SystemLock } from './engine/system-lock.ts'
import type { ProcessIdentity, Opened, Stored } from './journal/entry.ts'
import type { Provenance } from './journal/provenance.ts'
import type { Evidence } from './journal/evidence.ts'
import { harmless, type Listener } from './journal/events.ts'
import { foresee } from './dry-run/foresee.ts'
import type { Lease, Journal } from './journal/journal.ts'
import { holdLease, leaseOf } from './journal/leases.ts'
import { RunJournal } from './journal/run-journal.ts'
import { noteFindings, preflight, refusalOf, refusals } from './engine/preflight.ts'
import { refuseSecretsIn, secretsNamedIn } from './engine/secrets-in-plan.ts'
import { failureOn, type Mask, type RunContext } from './engine/run-context.ts'
import { stateOf } from './journal/state.ts'
import type { Stop } from './engine/stop.ts'

/** External dependencies of a run, provided by the command line. */
export interface Runtime extends Driving {
  readonly journal: Journal
  readonly evidence: Evidence
  readonly clock: Clock
  readonly randomness: Randomness
  readonly mask: Mask
  readonly stop: Stop
  readonly listener: Listener
  drivers(scope: Scope): Drivers
  /** Locks in the places that a run changes, which exclude other state folders, accounts and machines. */
  readonly locks: Locks
  /** Identity of this process, for the lock and the journal. */
  readonly identity: ProcessIdentity
  readonly engine: string
  /** The folder for a run's evidence. */
  folderOf(run: string, order: RunRequest, startedAt: Date): string
  statusOf(entries: readonly Stored[]): RunStatus
  /** Which commits and images the run is made from. It ends by itself, however long that takes. */
  provenanceOf?(run: string, plan: Plan): Promise<Provenance>
  /**
   * Makes the secrets known to the mask, without a step that needs them.
   * @returns the names of those that can be read
   */
  registerSecrets(handles: readonly SecretHandle[]): Promise<readonly string[]>
}

/** Request to start a run or dry run. */
export interface RunRequest {
  readonly planned: Planned
  readonly mode: 'run' | 'dry-run'
  readonly story: string | null
  readonly reason: string | null
  /** As its runbook says. */
  readonly makesRoom?: true
}

/**
 * Starts a run or dry run and drives it to its end.
 * @throws RunbookError `usage` if its plan contains a secret that cannot be masked; `held` if another run, from
 *   whatever state folder or machine, holds what this one changes, or is still open on it; nothing was changed
 */
export async function startRun(runtime: Runtime, order: RunRequest): Promise<Result> {
  const startedAt = runtime.clock.now()
  const run = `${stamp(startedAt)}-${shortName(runtime.randomness)}`
  const { plan } = order.planned
  const { by, host } = runtime.identity
  const masked = await runtime.registerSecrets(secretsNamedIn(plan))
  const place = runtime.folderOf(run, order, startedAt)
  const words = refuseSecretsIn(plan, runtime.mask, {
    'the story': order.story,
    'the path of the evidence': place,
  })
  const exclusion = exclusionOf(order.planned)
  const limited = exclusion.only === null ? {} : { excludes: exclusion.only }
  // A dry run changes nothing and needs no exclusion, so it holds a name of its own.
  const lease = order.mode === 'run' ? leaseOf({ plan, ...limited }) : `dry-${run}`
  const since = startedAt.toISOString()
  const own = { ...runtime.identity, run, since }
  const hold = await holdLease(runtime.journal, runtime.clock, lease, own)
  // Programs that take a while: while the locks are taken, the journal is opened and preflight looks.
  const provenance = provenanceOf(runtime, run, plan)
  let lock = noLock
  try {
    if (order.mode === 'run') {
      await refuseWhileOpen(runtime.journal, exclusion)
      // Before the run is opened: a refused one leaves nothing to settle.
      const holder = { run, by, host, since }
      lock = await takeLocks(
        runtime.locks,
        lockPartsOf(plan),
        holder,
        runtime.clock,
        bringingIn(order.planned),
      )
    }
    const foretoldBy = order.mode === 'run' ? await dryRunOf(runtime.journal, plan) : null
    const folder = await runtime.evidence.open(place)
    const opened: Opened = {
      type: 'opened',
      mode: order.mode,
      plan,
      by,
      host,
      story: order.story,
      reason: order.reason,
      evidence: folder.folder,
      engine: runtime.engine,
      node: process.version,
      ...(masked.length === 0 ? {} : { masked }),
      ...(foretoldBy === null ? {} : { foretoldBy }),
      ...(lock.record.length === 0 ? {} : { locks: lock.record }),
      ...(order.mode === 'run' ? limited : {}),
      ...(order.makesRoom === undefined ? {} : { makesRoom: order.makesRoom }),
    }
    const context = runContextFor(runtime, { run, planned: order.planned, folder, hold, lock, entries: [] })
    try {
      const open = () => context.journal.write(opened)
      await (order.mode === 'run'
        ? openExclusively(runtime.journal, runtime.clock, exclusion, own, open)
        : open())
    } catch (thrown) {
      await folder.discard()
      throw thrown
    }
    return await underStop(runtime, context, () =>
      orRefused(runtime, context, () =>
        order.mode === 'run'
          ? launch(runtime, context, [...words, ...lock.findings], provenance)
          : dryRun(runtime, context, words, provenance),
      ),
    )
  } finally {
    await lock.release()
    await hold.release()
  }
}

/** Limit of dry runs to search, since the journal of each must be read. */
const newest = 20

/** The newest completed dry run of the same plan. */
async function dryRunOf(journal: Journal, { digest, runbook, target }: Plan): Promise<string | null> {
  const lines = await journal.runs({
    mode: 'dry-run',
    outcomes: ['foretold'],
    runbook,
    target: String(target['name']),
    newest,
  })
  for (const { run } of lines) {
    try {
      if (stateOf(await journal.read(run)).plan.digest === digest) return run
    } catch {
      // A damaged dry run costs the comparison, but must not block a recovery.
    }
  }
  return null
}

/** Drives a run that has done nothing yet, unless preflight refuses it. `known` was found before. */
export async function launch(
  runtime: Runtime,
  context: RunContext,
  known: readonly Finding[],
  provenance = provenanceOf(runtime, context.run, context.planned.plan),
): Promise<Result> {
  const { params } = context.planned.plan
  const found = await preflight(context, (address) =>
    '$param' in address ? at(params, [address.$param, ...address.path]) : undefined,
  )
  const findings = [...known, ...found]
  await noteFindings(context, findings, await provenance)
  if (refusals(findings).length === 0) return drive(runtime, context, findings)
  const failure: Failure = {
    code: 'preflight',
    message: refusalOf(findings),
    hint: 'nothing was touched; fix what is listed and start again',
  }
  return settle(runtime, context, 'refused', failure, findings)
}

/** A journal without room for the first entries refuses the run, which would stay open otherwise. */
async function orRefused(
  runtime: Runtime,
  context: RunContext,
  body: () => Promise<Result>,
): Promise<Result> {
  try {
    return await body()
  } catch (thrown) {
    const { state, broken } = context.journal
    const begun = [...state.steps.values()].some(({ attempts }) => attempts > 0)
    if (!(thrown instanceof RunbookError) || thrown.code !== 'preflight' || broken !== null || begun)
      throw thrown
    const outcome = state.opened.mode === 'run' ? 'refused' : 'foretold'
    return settle(runtime, context, outcome, failureOn(context, thrown), [])
  }
}

/** Null where it could not be read: no reason to fail. */
const provenanceOf = (runtime: Runtime, run: string, plan: Plan): Promise<Provenance | null> =>
  runtime.provenanceOf?.(run, plan).catch(() => null) ?? Promise.resolve(null)

async function dryRun(
  runtime: Runtime,
  context: RunContext,
  words: readonly Finding[],
  provenance: Promise<Provenance | null>,
): Promise<Result> {
  const foreseen = await foresee(context, runtime)
  const findings = [...words, ...foreseen.findings]
  await noteFindings(context, findings, await provenance)
  const code = foreseen.failure?.code === 'verification' ? 'verification' : 'preflight'
  const failure: Failure | null =
    refusals(findings).length === 0 ? null : { code, message: refusalOf(findings) }
  return settle(runtime, context, 'foretold', failure, findings)
}

interface RunContextParts {
  readonly run: string
  readonly planned: Planned
  readonly folder: RunContext['folder']
  readonly hold: Lease
  readonly lock: SystemLock
  readonly entries: readonly Stored[]
}

export function runContextFor(
  runtime: Runtime,
  { run, planned, folder, hold, lock, entries }: RunContextParts,
): RunContext {
  const listener = harmless(runtime.listener)
  const journal = new RunJournal(
    entries,
    (entry, durability) => runtime.journal.append(hold, run, runtime.mask.json(entry), durability),
    listener,
  )
  return {
    run,
    planned,
    folder,
    journal,
    listener,
    boot: runtime.identity.bootId,
    clock: runtime.clock,
    mask: runtime.mask,
    stop: runtime.stop,
    losses: [],
    performed: new Set(),
    announcing: { last: Promise.resolve() },
    drivers: (scope) => runtime.drivers(scope),
    async fence() {
      const locks = await lock.fence(journal.state.turned?.failure?.message)
      if (locks.length > 0) await journal.write({ type: 'locked', locks })
    },
    status: () => runtime.statusOf(journal.entries),
  }
}

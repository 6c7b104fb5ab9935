import { RunbookError, type Code, type Failure } from '../../kernel/errors.ts'
import type { Plan } from '../../model/plan.ts'
import type { Finding } from '../../model/step.ts'
import type { EarlierRun, FoundDown, Outcome, Stored, StoredEstimate } from '../journal/entry.ts'
import type { UsedImage } from '../journal/provenance.ts'
import type { EvidenceFile } from '../journal/evidence.ts'
import { announce, type Newsroom } from './announce.ts'
import { failureOn, type RunContext } from './run-context.ts'
import { codeOfState, hasTouched } from '../journal/code.ts'

/** Result of a command on a run. `code` determines the exit code. Secrets are masked. */
export interface Result {
  readonly run: string
  readonly code: Code
  readonly outcome: Outcome | 'open'
  readonly failure: Failure | null
  readonly findings: readonly Finding[]
  readonly folder: string
  /** Title of a step whose effect is unknown. */
  readonly doubt: string | null
}

/** Renders the files of the evidence folder from the journal alone, and decides what to announce. */
export interface Sealer extends Newsroom {
  /** What earlier runs of the same runbook on the same target measured, newest first. */
  earlierRuns?(run: string, plan: Plan): Promise<readonly EarlierRun[]>
  /** What they said about how long the run would take; null where they said nothing. */
  estimateOf?(entries: readonly Stored[]): Promise<StoredEstimate | null>
  /** The images of what the run used, as they are at its end. */
  imagesOf?(run: string, entries: readonly Stored[], plan: Plan): Promise<readonly UsedImage[]>
  filesOf(entries: readonly Stored[]): readonly EvidenceFile[] | Promise<readonly EvidenceFile[]>
  /**
   * Called once the evidence is complete, before that is journaled. A crash in between repeats the call, so
   * it must be idempotent. It has to report its own failures.
   */
  whenSealed?(entries: readonly Stored[], folder: string): Promise<void>
}

export async function settle(
  sealer: Sealer,
  context: RunContext,
  outcome: Outcome,
  failure: Failure | null,
  findings: readonly Finding[],
  down?: FoundDown,
): Promise<Result> {
  await context.journal.write({
    type: 'settled',
    outcome,
    failure,
    ...(down === undefined ? {} : { down }),
    ...(await lookedUp(sealer, context, outcome)),
  })
  await announce(sealer, context)
  return { ...(await seal(sealer, context)), findings }
}

/** Empty where it does not apply or cannot be read: what only a reader wants to know is no reason to fail. */
async function lookedUp(
  sealer: Sealer,
  { run, journal }: RunContext,
  outcome: Outcome,
): Promise<{
  readonly earlier?: readonly EarlierRun[]
  readonly estimate?: StoredEstimate
  readonly images?: readonly UsedImage[]
}> {
  if (outcome === 'foretold' || outcome === 'refused') return {}
  const earlier = await sealer.earlierRuns?.(run, journal.state.plan).catch(() => null)
  const estimate = await sealer.estimateOf?.(journal.entries).catch(() => null)
  const images = await sealer.imagesOf?.(run, journal.entries, journal.state.plan).catch(() => null)
  return {
    ...(earlier ? { earlier } : {}),
    ...(estimate ? { estimate } : {}),
    ...(images ? { images } : {}),
  }
}

/** Completes the evidence of a settled run. If that fails, the outcome stays but is not a success. */
export async function seal(sealer: Sealer, context: RunContext): Promise<Result> {
  try {
    const lost = context.losses[0]
    if (lost !== undefined) throw new RunbookError('failed', lost)
    const digest = await context.folder.seal(await sealer.filesOf(context.journal.entries))
    await sealer.whenSealed?.(context.journal.entries, context.folder.folder)
    await context.journal.write({ type: 'sealed', folder: context.folder.folder, digest })
    return resultOf(context)
  } catch (thrown) {
    const { outcome, failure, ...result } = resultOf(context)
    const settled = failure === null ? outcome : `${outcome} (${failure.message})`
    const why = failureOn(context, thrown).message
    const message = `the run is settled as ${settled}, but its evidence could not be sealed: ${why}`
    const hint =
      outcome === 'foretold'
        ? 'free some space, and start the dry run again'
        : `free some space, then seal it with \`runbook resume ${context.run}\``
    return { ...result, outcome, failure: { code: result.code, message, hint } }
  }
}

function resultOf(context: RunContext): Result {
  const { state } = context.journal
  return {
    run: context.run,
    code: codeOfState(state),
    outcome: state.settled?.outcome ?? 'open',
    failure: state.settled?.failure ?? null,
    findings: [],
    folder: context.folder.folder,
    doubt: null,
  }
}

/** Result of a run that stays open. */
export const openResult = (context: RunContext, failure: Failure, doubt: string | null): Result => ({
  ...resultOf(context),
  code: codeOfBroken(context) ?? codeOfState(context.journal.state),
  outcome: context.journal.state.settled?.outcome ?? 'open',
  failure,
  doubt,
})

/** What was not written is in doubt only where something may have been changed. */
function codeOfBroken({ journal }: RunContext): Code | null {
  const code = journal.broken?.code ?? null
  return code === 'in-doubt' && !hasTouched(journal.state) ? 'preflight' : code
}

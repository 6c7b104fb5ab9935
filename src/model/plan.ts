import { RunbookError } from '../kernel/errors.ts'
import { constant, digestOf, sha256, type Json, type JsonObject } from '../kernel/json.ts'
import { everywhere, type Leftover } from '../drivers/leftover.ts'
import { at, preview, type Lookup, type Preview } from './pending.ts'
import { recordingOf, type Only, type Recorded } from './recording.ts'
import { nameOf, type Address } from './ref.ts'
import { needsOf, secretsOf, sentenceOf } from './returned.ts'
import type { Runbook } from './runbook.ts'
import { acts, asOpened, type AnyStep, type Effect } from './step.ts'
import { sourceOf, type StepSource } from './step-source.ts'
import {
  completed,
  missingSections,
  systemOf,
  type DefaultUsed,
  type Section,
  type Target,
} from './target.ts'
import { workDigest } from './work.ts'

/** Decisions get 8 h: a person may have to be woken first and may want to investigate. */
const defaultTimeoutSeconds = (effect: Effect): number => (effect === 'decide' ? 8 * 3600 : 3600)

export type PlannedStep = JsonObject & {
  readonly id: string
  readonly title: string
  readonly kind: string
  readonly version: number
  readonly effect: Effect
  readonly reversal: 'not needed' | 'undo' | 'not written' | { readonly irreversible: string }
  readonly phase: 'reversible' | 'committed' | 'lastly'
  /** Title of the parallel group; null outside of one. */
  readonly group: string | null
  readonly only: readonly (Only & JsonObject)[]
  /** Outputs of earlier steps appear as `{ $ref, path }`, parameters as `{ $param, path }`. */
  readonly input: JsonObject
  readonly needs: readonly string[]
  /** What the step does, in one sentence. */
  readonly says: string
  readonly timeoutSeconds: number
  readonly retry: { readonly times: number; readonly delaySeconds: number }
  /** Marks for the measurements. Kept in the plan so that the journal alone suffices to compute them. */
  readonly marks: { readonly downFrom: boolean; readonly upAfter: boolean }
  /** Where it may leave something that outlives the program. Missing in older journals: everywhere. */
  readonly leaves?: readonly Leftover[]
  /** Whether it records a person's work. Missing in older journals: true for `people.duty`. */
  readonly duty?: boolean
  /** Digest of what its code does: names the changed steps. Not compared; missing in older journals. */
  readonly code?: string
}

/** Where something that a planned step started may outlive the program. */
export const leavesOf = ({ leaves }: PlannedStep): readonly Leftover[] => leaves ?? everywhere

/** Whether a planned step records a person's work. */
export const isDuty = ({ duty, kind }: PlannedStep): boolean => duty ?? kind === 'people.duty'

/** Ids of the steps that record a person's work. */
export const dutiesIn = ({ steps }: Plan): ReadonlySet<string> =>
  new Set(steps.filter(isDuty).map(({ id }) => id))

/** A runbook with its parameters and target filled in: plain JSON with a digest. */
export type Plan = JsonObject & {
  readonly schema: 1
  readonly runbook: string
  readonly title: string
  readonly when: string
  readonly target: JsonObject
  /** Identifies the real system, so that runs on two names of one database exclude each other. */
  readonly system: string
  readonly params: JsonObject
  readonly steps: readonly PlannedStep[]
  readonly pivot: { readonly before: number; readonly because: string } | null
  /** Sections that are not configured, with what that costs in certainty; left out where there are none. */
  readonly defaults?: readonly DefaultUsed[]
  /**
   * Digest of the code of all steps, so that a changed implementation is detected before a resume.
   * Layout and comments do not count.
   */
  readonly source: string
  /** Digest of what the plan does, without texts for people; compared on resume. Not in older journals. */
  readonly workDigest?: string
  /** Digest of everything above. */
  readonly digest: string
}

/** A plan and the code of its steps, by id. */
export interface Planned {
  readonly plan: Plan
  readonly steps: ReadonlyMap<string, AnyStep>
}

/**
 * Builds the plan of a runbook. Pure: no driver is called. A missing parameter appears as unknown in the
 * sentences, so a plan can be shown without any; preflight refuses to run such a plan.
 * @throws RunbookError `usage` if the target lacks a section that the runbook needs, the script cannot be
 *   recorded, or a step cannot say what it does or needs
 */
export function planOf(book: Runbook, configured: Target, params: JsonObject): Planned {
  return planned(book, configured, params, sourceOf)
}

/**
 * As `planOf`, to look ahead with and for nothing else: no run can be resumed with it. Reading the code of all steps
 * takes longer than all the rest of a plan.
 */
export const planToLookAhead = (book: Runbook, configured: Target, params: JsonObject): Planned =>
  planned(book, configured, params, () => null)

function planned(
  book: Runbook,
  configured: Target,
  params: JsonObject,
  codeOf: (step: AnyStep) => StepSource | null,
): Planned {
  const missing = missingSections(book.about, configured)
  if (missing.length > 0) {
    throw new RunbookError(
      'usage',
      `cannot plan ${book.name} for ${configured.name}: not configured: ${missing.join(', ')}`,
      { hint: hintForMissing(missing, configured) },
    )
  }
  const { target, used } = completed(book.about, configured)
  const { steps, pivot } = recordingOf(book, target)
  const lookup: Lookup = (address) =>
    '$param' in address ? at(params, [address.$param, ...address.path]) : undefined
  const until = (address: Address): string => untilOf(address, steps)
  const sources = steps.map(({ step }) => codeOf(step))
  const behaviour = sha256(sources.map((source) => source?.behaviour).join('\n'))
  const body = {
    schema: 1 as const,
    runbook: book.name,
    title: book.about.title,
    when: book.about.when,
    target: JSON.parse(JSON.stringify(target)) as JsonObject,
    system: systemOf(target),
    params,
    steps: steps.map((recorded, index) =>
      plannedStep(recorded, preview(recorded.input, lookup, until), sources[index] ?? null),
    ),
    pivot,
    ...(used.length === 0 ? {} : { defaults: used }),
    source: sha256(sources.map((source) => source?.all).join('\n')),
  }
  const undigested = { ...body, workDigest: workDigest(body, behaviour) }
  return {
    plan: constant({ ...undigested, digest: digestOf(undigested as unknown as Json) } as unknown as Plan),
    steps: new Map(steps.map(({ id, step }) => [id, step])),
  }
}

function hintForMissing(
  missing: readonly Section[],
  { name, stack, database, volumeDatabase }: Target,
): string {
  const isSqlite = database === undefined ? volumeDatabase !== undefined : database.engine === 'sqlite'
  if (isSqlite && missing.includes('restoreTest'))
    return `backups of SQLite are not tested in a server; test them with: runbook backups find-good --target ${name}`
  // Services are named only beside a stack that has them.
  const lacking = missing.includes('writers') && stack === undefined ? ['stack', ...missing] : missing
  const help = lacking.map((section) => `\`runbook help config ${section}\``).join(', ')
  return `add ${lacking.join(' and ')} to the target ${name} in runbook.config.ts (${help}), or choose another with --target`
}

/** The current code for a plan of an earlier run. `lost`: steps that have no code any more. */
export function codeFor(
  plan: Plan,
  { steps }: Planned,
): { readonly steps: Planned['steps']; readonly lost: readonly PlannedStep[] } {
  const found = plan.steps.map((step) => [step, asOpened(steps.get(step.id), step)] as const)
  return {
    steps: new Map(found.flatMap(([{ id }, code]) => (code === undefined ? [] : [[id, code] as const]))),
    lost: found.flatMap(([step, code]) => (code === undefined ? [step] : [])),
  }
}

/** Text for a value that is not known yet: `after "Stop writers"`, or the parameter's flag. */
export function untilOf(
  address: Address,
  steps: readonly { readonly id: string; readonly title: string }[],
): string {
  if ('$param' in address) return nameOf(address)
  return `after "${steps.find(({ id }) => id === address.$ref)?.title ?? address.$ref}"`
}

function plannedStep(recorded: Recorded, input: Preview<JsonObject>, source: StepSource | null): PlannedStep {
  const { step, patience } = recorded
  const says = described(recorded, input)
  return {
    id: recorded.id,
    title: recorded.title,
    kind: step.kind,
    version: step.version,
    effect: step.effect,
    reversal: !acts(step)
      ? 'not needed'
      : step.draft === true
        ? 'not written'
        : step.irreversible === undefined
          ? 'undo'
          : { irreversible: step.irreversible },
    phase: recorded.phase,
    group: recorded.group,
    only: recorded.only as readonly (Only & JsonObject)[],
    input: recorded.input,
    needs: recorded.needs,
    says,
    timeoutSeconds: patience.timeoutSeconds ?? step.timeoutSeconds ?? defaultTimeoutSeconds(step.effect),
    retry: patience.retry ?? { times: 0, delaySeconds: 0 },
    marks: { downFrom: step.marks?.downFrom === true, upAfter: step.marks?.upAfter === true },
    leaves: everywhere.filter((place) => step.leaves?.includes(place) !== false),
    duty: step.effect === 'decide' && step.duty === true,
    ...(source === null ? {} : { code: source.digest }),
  }
}

function described({ step, title }: Recorded, input: Preview<JsonObject>): string {
  try {
    // Checked before anything is opened: preflight reads them.
    needsOf(step, input)
    secretsOf(step, input)
    return sentenceOf(step, input)
  } catch (cause) {
    if (cause instanceof RunbookError && cause.code === 'usage')
      throw new RunbookError('usage', `cannot plan "${title}"`, {
        cause,
        ...(cause.hint === undefined ? {} : { hint: cause.hint }),
      })
    throw new RunbookError('usage', `cannot plan "${title}": its step ${step.kind} cannot describe itself`, {
      cause,
      hint: 'its describe(…), needs(…) and secrets(…) must handle inputs that are still pending: test them with isPending(…)',
    })
  }
}

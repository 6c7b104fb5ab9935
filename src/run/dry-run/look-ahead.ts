import type { Clock } from '../../kernel/clock.ts'
import type { Json } from '../../kernel/json.ts'
import type { Drivers, Views } from '../../drivers/drivers.ts'
import type { Planned } from '../../model/plan.ts'
import type { Finding } from '../../model/step.ts'
import { noteFindings, preflight } from '../engine/preflight.ts'
import type { Mask, RunContext } from '../engine/run-context.ts'
import type { Stop } from '../engine/stop.ts'
import { genesisHash, type Entry, type Stored } from '../journal/entry.ts'
import { RunJournal } from '../journal/run-journal.ts'
import { previewRun } from './dry-run.ts'
import { foresee, type Beside } from './foresee.ts'

/** What looks need; nothing of it can act or write. */
export interface Looking {
  readonly look: Views
  readonly clock: Clock
  readonly mask: Mask
  readonly stop: Stop
  /** The folder that a run of the runbook would have for its evidence: files beside it are looked for there. */
  evidenceOf(runbook: string): string
}

export type Ahead = {
  /** What preflight and the look at each step found against a run that starts now. */
  readonly findings: readonly Finding[]
  /** What could not be looked at before a step has brought something up. */
  readonly deferred: readonly Finding[]
  /** Outputs of the observations, by kind of step. */
  readonly seen: ReadonlyMap<string, Json>
}

/** Bound of each look, whatever the step allows in a run. Seconds. */
const boundSeconds = 30

/**
 * A dry run that leaves nothing: no journal, no evidence, no log.
 * What earlier steps of a real run may fix is left out.
 */
export async function lookAhead(looking: Looking, planned: Planned): Promise<Ahead> {
  const context = await contextFor(looking, planned)
  const { plan } = context.planned
  const previewed = await previewRun(context)
  const ahead = await preflight(context, previewed.seen)
  const firm = previewed.findings.filter(({ level, after }) => level === 'refuse' || after !== undefined)
  const all = [
    ...ahead,
    ...firm.filter(({ problem }) => !ahead.some((finding) => finding.problem === problem)),
  ]
  const kinds = new Map(plan.steps.map(({ id, kind }) => [id, kind]))
  return {
    findings: all.filter(({ after }) => after === undefined),
    deferred: all.filter(({ after }) => after !== undefined),
    seen: new Map(
      context.journal.entries.flatMap(({ entry }) =>
        entry.type === 'foretold' && entry.prediction !== null && entry.looked
          ? [[kinds.get(entry.step) ?? entry.step, entry.prediction.output] as const]
          : [],
      ),
    ),
  }
}

/** The same with all that a dry run finds, for people: its entries, as a journal would have them. */
export async function foretell(
  looking: Looking,
  planned: Planned,
  beside: Beside,
): Promise<readonly Stored[]> {
  const context = await contextFor(looking, planned)
  const { findings } = await foresee(context, beside)
  await noteFindings(context, findings)
  return context.journal.entries
}

/** Of a run whose journal is in memory, and which has nothing to act with. */
async function contextFor(
  { look, clock, mask, stop, evidenceOf }: Looking,
  planned: Planned,
): Promise<RunContext> {
  const { plan } = planned
  const bounded: Planned = {
    ...planned,
    plan: {
      ...plan,
      steps: plan.steps.map((step) => ({
        ...step,
        timeoutSeconds: Math.min(step.timeoutSeconds, boundSeconds),
      })),
    },
  }
  const run = 'looking-ahead'
  const journal = new RunJournal(
    [],
    async (entry): Promise<Stored> => storedIn(journal.entries.length, run, clock, mask.json(entry)),
    () => undefined,
  )
  const context: RunContext = {
    run,
    planned: bounded,
    boot: null,
    clock,
    mask,
    stop,
    folder: {
      folder: '',
      log: async () => ({ write: () => undefined, finish: async () => null }),
      seal: async () => '',
      unseal: async () => undefined,
      discard: async () => undefined,
    },
    listener: () => undefined,
    journal,
    losses: [],
    performed: new Set(),
    announcing: { last: Promise.resolve() },
    // Without their acting methods, whatever a step may try.
    drivers: () => look as unknown as Drivers,
    fence: async () => undefined,
    status: () => ({
      outcome: 'running',
      failure: null,
      rtoSeconds: null,
      downtimeSeconds: null,
      rpoSeconds: null,
    }),
  }
  await journal.write({
    type: 'opened',
    mode: 'dry-run',
    plan: bounded.plan,
    by: 'nobody',
    host: '',
    story: null,
    reason: null,
    evidence: evidenceOf(plan.runbook),
    engine: '',
    node: '',
  })
  return context
}

const storedIn = (seq: number, run: string, clock: Clock, entry: Entry): Stored => ({
  run,
  seq,
  epoch: 0,
  at: clock.now().toISOString(),
  previous: genesisHash,
  hash: genesisHash,
  entry,
})

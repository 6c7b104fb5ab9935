import type { Clock } from '../../kernel/clock.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { Drivers } from '../../drivers/drivers.ts'
import type { LocksView } from '../../drivers/locks.ts'
import type { Scope } from '../../drivers/scope.ts'
import { planToLookAhead } from '../../model/plan.ts'
import type { Runbook } from '../../model/runbook.ts'
import { missingSections, type Target } from '../../model/target.ts'
import { lookAhead, type Ahead } from '../dry-run/look-ahead.ts'
import type { Mask } from '../engine/run-context.ts'
import type { Stop } from '../engine/stop.ts'
import { foldersAhead } from '../record/evidence-folder.ts'
import type { CheckAnswer, Host, Plannable, Subject } from './check.ts'
import { checks } from './checks/index.ts'
import type { JournalFacts } from './journal-facts.ts'
import { merged, type CheckReport } from './merge.ts'
import { remembered } from './remembered.ts'

/** What the checks look with. */
export interface Surroundings {
  drivers(scope: Scope): Drivers
  readonly locks: LocksView
  readonly clock: Clock
  readonly mask: Mask
  readonly stop: Stop
  readonly host: Host
  readonly journal: JournalFacts
  /** Larger files and databases are not read to their last byte; null for no limit. */
  readonly maxBytes: number | null
}

/**
 * Looks at a target with everything that preflight and dry runs of its runbooks know, and changes nothing. Each
 * question is put to the system once.
 * @param first whether the checks of this machine are included
 */
export async function examine(
  target: Target,
  books: readonly Runbook[],
  around: Surroundings,
  first: boolean,
): Promise<readonly CheckReport[]> {
  const { scope, end } = doctorScope()
  try {
    const { look, withheld } = remembered(around.drivers(scope), around.maxBytes)
    const { plans, unplannable } = planned(target, books)
    const { clock, mask, stop, locks, host, journal } = around
    const aheads = new Map<Plannable, Promise<Ahead>>()
    const subject: Subject = {
      target,
      look,
      withheld,
      locks,
      clock,
      host,
      journal,
      plans,
      unplannable,
      ahead: (plan) => {
        const known =
          aheads.get(plan) ??
          lookAhead(
            { look, clock, mask, stop, evidenceOf: foldersAhead(host.artifacts, clock) },
            plan.planned,
          )
        aheads.set(plan, known)
        return known
      },
    }
    const answers = []
    for (const check of checks) {
      if (check.of === 'machine' && !first) continue
      const answer = await answerOf(() => check.run(subject))
      answers.push({ check: check.id, target: check.of === 'machine' ? null : target.name, answer })
    }
    return mask.json(merged(answers) as unknown as Json) as unknown as readonly CheckReport[]
  } finally {
    end()
  }
}

/** A scope for looks outside a run; `end` ends whatever they started. */
export function doctorScope(): { readonly scope: Scope; end(): void } {
  const controller = new AbortController()
  return {
    scope: {
      run: 'doctor',
      step: 'doctor',
      signal: controller.signal,
      output: () => undefined,
      progress: () => undefined,
      spawned: () => undefined,
    },
    end: () => controller.abort(new Error('the looks have ended')),
  }
}

/** A check that fails has looked at nothing. */
async function answerOf(run: () => Promise<CheckAnswer>): Promise<CheckAnswer> {
  try {
    return await run()
  } catch (thrown) {
    return { unchecked: [{ about: 'this check', why: failureOf(thrown).message }] }
  }
}

function planned(target: Target, books: readonly Runbook[]): Pick<Subject, 'plans' | 'unplannable'> {
  const plans: Plannable[] = []
  const unplannable: { readonly runbook: string; readonly thrown: unknown }[] = []
  for (const book of books) {
    if (missingSections(book.about, target).length > 0) continue
    try {
      plans.push({ book, planned: planToLookAhead(book, target, defaultsOf(book)) })
    } catch (thrown) {
      unplannable.push({ runbook: book.name, thrown })
    }
  }
  return { plans, unplannable }
}

/** Parameters as for a run that is started without any; required ones stay unknown. */
const defaultsOf = ({ about }: Runbook): JsonObject =>
  Object.fromEntries(
    Object.entries(about.params).flatMap(([name, { fallback }]) =>
      fallback === undefined ? [] : [[name, fallback as Json]],
    ),
  )

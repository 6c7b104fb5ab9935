import type { LocksView } from '../../drivers/locks.ts'
import type { Failure } from '../../kernel/errors.ts'
import type { Finding } from '../../model/step.ts'
import { bringingIn } from '../engine/bringing.ts'
import { exclusionOf, openRunAgainst, refusalFor } from '../engine/exclusion.ts'
import { lockPartsOf } from '../engine/lock-parts.ts'
import { preflight } from '../engine/preflight.ts'
import type { RunContext } from '../engine/run-context.ts'
import { lockFindings } from '../engine/system-lock.ts'
import type { JournalView } from '../journal/journal.ts'
import { holderOf } from '../journal/leases.ts'
import { previewRun } from './dry-run.ts'

/** Where a dry run looks besides the target itself. */
export interface Beside {
  readonly journal: Pick<JournalView, 'runs' | 'read' | 'holder'>
  readonly locks: LocksView
}

/** What a run that starts now would meet: the look at each step, preflight, open runs and locks. */
export async function foresee(
  context: RunContext,
  { journal, locks }: Beside,
): Promise<{ readonly findings: readonly Finding[]; readonly failure: Failure | null }> {
  const previewed = await previewRun(context)
  const ahead = await preflight(context, previewed.seen)
  const { planned } = context
  const open = await openRunAgainst(journal, exclusionOf(planned))
  const held = context.mask.json(await lockFindings(locks, lockPartsOf(planned.plan), bringingIn(planned)))
  const findings: readonly Finding[] = [
    ...(open === null
      ? []
      : [{ level: 'refuse' as const, about: 'target', ...refusalFor(open, await holderOf(journal, open)) }]),
    ...ahead.map(asForeseen),
    ...(open === null ? held : held.filter(({ level }) => level === 'warn')),
    ...previewed.findings.filter(({ problem }) => !ahead.some((finding) => finding.problem === problem)),
  ]
  return { findings, failure: previewed.failure }
}

/** Nobody is asked in a dry run, so that a missing answer says nothing against a run that is given it. */
const asForeseen = (finding: Finding): Finding =>
  finding.answerable === true ? { ...finding, level: 'warn' } : finding

import type { Outcome, Stored } from './entry.ts'
import { isOpen, isUnsealed, type RunFilter, type RunSummary } from './journal.ts'

/** What a list of runs needs from an entry: small enough for an index. */
export type HistoryFact =
  | readonly [
      'opened',
      system: string,
      runbook: string,
      target: string,
      mode: 'run' | 'dry-run',
      at: string,
      story: string | null,
    ]
  | readonly ['settled', Outcome]
  | readonly ['released']

/** Null for an entry that does not matter for lists. */
export function factOf({ entry, at }: Stored): HistoryFact | null {
  switch (entry.type) {
    case 'opened': {
      const { plan, mode, story } = entry
      return ['opened', plan.system, plan.runbook, String(plan.target['name']), mode, at, story]
    }
    case 'settled':
      return ['settled', entry.outcome]
    case 'released':
      return ['released']
    default:
      return null
  }
}

/**
 * Newest first, by order of writing, not by the clock.
 * @param sealed the runs whose last entry is a seal
 */
export function foldHistory(
  facts: Iterable<readonly [run: string, fact: HistoryFact]>,
  sealed: ReadonlySet<string>,
): readonly RunSummary[] {
  const lines = new Map<string, RunSummary>()
  for (const [run, fact] of facts) {
    if (fact[0] === 'opened') {
      const [, system, runbook, target, mode, startedAt, story] = fact
      lines.set(run, {
        run,
        system,
        runbook,
        target,
        mode,
        startedAt,
        outcome: null,
        released: false,
        sealed: sealed.has(run),
        story,
      })
      continue
    }
    const line = lines.get(run)
    if (line !== undefined)
      lines.set(run, fact[0] === 'settled' ? { ...line, outcome: fact[1] } : { ...line, released: true })
  }
  return [...lines.values()].reverse()
}

/** Those of a list that match, in its order. */
export function matching(lines: readonly RunSummary[], wanted: RunFilter): readonly RunSummary[] {
  const { id, runbooks, since, outcomes, pending, newest, ...equal } = wanted
  const exact = lines.some(({ run }) => run === id)
  return lines
    .filter(
      (line) =>
        (id === undefined || (exact ? line.run === id : line.run.startsWith(id) || line.run.endsWith(id))) &&
        Object.entries(equal).every(
          ([name, value]) => value === undefined || line[name as keyof typeof equal] === value,
        ) &&
        (runbooks === undefined || runbooks.includes(line.runbook)) &&
        (outcomes === undefined || (line.outcome !== null && outcomes.includes(line.outcome))) &&
        (pending !== true || isOpen(line) || isUnsealed(line)) &&
        (since === undefined || line.startedAt >= since),
    )
    .slice(0, newest)
}

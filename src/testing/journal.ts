import { systemClock, type Clock } from '../kernel/clock.ts'
import { RunbookError } from '../kernel/errors.ts'
import { canonical, constantCopy } from '../kernel/json.ts'
import type { Plan } from '../model/plan.ts'
import { checkChain, damaged, headFlaw, linked, type Head } from '../run/journal/hash-chain.ts'
import { genesisHash, type Entry, type Holder, type Stored } from '../run/journal/entry.ts'
import {
  heldBy,
  takenOver,
  type Lease,
  type Journal,
  type RunFilter,
  type RunSummary,
} from '../run/journal/journal.ts'
import { foldHistory, factOf, matching } from '../run/journal/history.ts'

/**
 * An in-memory state folder as plain data. It outlives the journals opened on it, as a disk outlives
 * processes.
 */
export type KeptJournal = {
  /** In write order. Change it to simulate damage. */
  readonly entries: Stored[]
  /** How many of the entries a power cut leaves. */
  durable: number
  readonly heads: Map<string, Head>
  readonly systems: Map<string, { epoch: number; holder: Holder | null; hold: Lease | null }>
  /** Called before each append; throw to prevent it. */
  beforeAppend: (run: string, entry: Entry) => void
  /** Called after each append; throw, and the entry is kept although its writer does not learn of it. */
  afterAppend: (stored: Stored) => void
}

export const emptyJournal = (): KeptJournal => ({
  entries: [],
  durable: 0,
  heads: new Map(),
  systems: new Map(),
  beforeAppend: () => undefined,
  afterAppend: () => undefined,
})

const plans = new WeakMap<Plan, Plan>()

/** The entry as it is read from a disk. A plan is large and the same in thousands of runs of a test, so it is copied once. */
function copyOf(entry: Entry): Entry {
  if (entry.type !== 'opened') return constantCopy(entry)
  const { plan, ...rest } = entry
  const copy = plans.get(plan) ?? constantCopy(plan)
  plans.set(plan, copy)
  return { ...(JSON.parse(canonical(rest)) as typeof rest), plan: copy }
}

/** One process's journal on an in-memory state folder. */
export type FakeJournal = Journal & {
  /** As after `kill -9`: its leases are free at once, and it accepts no more calls. */
  die(): void
}

/**
 * Opens a journal on a state folder, as a new process does.
 * @throws RunbookError from its methods: `held` for a lease that another process has or took over, `journal`
 * for a damaged chain, `usage` for an unknown run, `bug` after it is closed
 */
export function fakeJournal(kept: KeptJournal = emptyJournal(), clock: Clock = systemClock): FakeJournal {
  const mine = new Set<Lease>()
  let over = false
  const usable = (): void => {
    if (over) throw new RunbookError('bug', 'the journal is closed')
  }
  const systemOf = (system: string) => {
    const row = kept.systems.get(system) ?? { epoch: 0, holder: null, hold: null }
    kept.systems.set(system, row)
    return row
  }
  const free = (hold: Lease): void => {
    const row = systemOf(hold.system)
    if (row.hold === hold) Object.assign(row, { holder: null, hold: null })
    mine.delete(hold)
  }
  const take = (system: string, holder: Holder): Lease => {
    const row = systemOf(system)
    const hold: Lease = { system, epoch: row.epoch + 1, release: async () => free(hold) }
    Object.assign(row, { epoch: hold.epoch, holder, hold })
    mine.add(hold)
    return hold
  }
  const end = (): void => {
    for (const hold of mine) free(hold)
    over = true
  }
  /** Of the entries that were to be durable soon. */
  const sync = (): void => {
    for (const { run, seq, hash } of kept.entries.slice(kept.durable)) kept.heads.set(run, { seq, hash })
    kept.durable = kept.entries.length
  }
  const of = (run: string): Stored[] => kept.entries.filter((stored) => stored.run === run)
  const runs = (wanted: RunFilter): readonly RunSummary[] => {
    usable()
    const lost = [...kept.heads.keys()].filter((run) => of(run).length === 0)
    if (lost.length > 0)
      throw new RunbookError('journal', `the journal is damaged: all entries of ${lost.join(', ')} are lost`)
    const facts = kept.entries.map((stored) => [stored.run, factOf(stored)] as const)
    const last = new Map(kept.entries.map(({ run, entry }) => [run, entry.type]))
    const lines = foldHistory(
      facts.flatMap(([run, fact]) => (fact === null ? [] : [[run, fact] as const])),
      new Set([...last].flatMap(([run, type]) => (type === 'sealed' ? [run] : []))),
    )
    return matching(lines, wanted)
  }

  return {
    runs: async (wanted = {}) => runs(wanted),
    count: async (wanted = {}) => runs({ ...wanted, newest: undefined }).length,
    async read(run) {
      usable()
      const entries = of(run)
      const head = kept.heads.get(run)
      if (entries.length === 0 && head === undefined)
        throw new RunbookError('usage', `run ${run} not found`, {
          hint: 'list the runs: runbook history',
        })
      checkChain(run, entries, head ?? null)
      return entries
    },
    async holder(system) {
      usable()
      return kept.systems.get(system)?.holder ?? null
    },
    async hold(system, holder) {
      usable()
      const row = systemOf(system)
      if (row.hold !== null) throw heldBy(row.holder)
      return take(system, holder)
    },
    async takeOver(system, holder) {
      usable()
      return take(system, holder)
    },
    async append(hold, run, entry, durability = 'at-once') {
      usable()
      if (!mine.has(hold))
        throw new RunbookError('held', 'cannot write to the journal: the lock on the target was released')
      const row = systemOf(hold.system)
      if (row.epoch !== hold.epoch) throw takenOver(row.holder, of(run).at(-1))
      const copy = copyOf(entry)
      kept.beforeAppend(run, copy)
      const entries = of(run)
      const last = entries.at(-1)
      const flaw = headFlaw(entries.length, kept.heads.get(run) ?? null, (seq) => entries[seq]?.hash)
      if (flaw !== null && copy.type !== 'released') throw damaged(run, flaw)
      const stored = linked({
        run,
        seq: last === undefined ? 0 : last.seq + 1,
        epoch: hold.epoch,
        at: clock.now().toISOString(),
        previous: last?.hash ?? genesisHash,
        entry: copy,
      })
      kept.entries.push(stored)
      if (durability === 'at-once') {
        kept.durable = kept.entries.length
        if (flaw === null) kept.heads.set(run, { seq: stored.seq, hash: stored.hash })
      }
      kept.afterAppend(stored)
      return stored
    },
    async close() {
      if (!over) sync()
      end()
    },
    die: end,
  }
}

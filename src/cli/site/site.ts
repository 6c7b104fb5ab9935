import { join } from 'node:path'
import { Readable } from 'node:stream'
import { contentsOf, openRegular } from '../../adapters/evidence/contents.ts'
import { verdictOn } from '../../adapters/evidence/verify.ts'
import type { RunShown, ServedFile, Site } from '../../adapters/web/site.ts'
import type { Clock } from '../../kernel/clock.ts'
import { failureOf } from '../../kernel/errors.ts'
import { planOf, planToLookAhead, type Plan } from '../../model/plan.ts'
import { fallbacksOf } from '../../model/runbook.ts'
import { missingSections, type Target } from '../../model/target.ts'
import type { Holder, Stored } from '../../run/journal/entry.ts'
import { isOpen, type JournalView, type RunSummary } from '../../run/journal/journal.ts'
import { holderOf } from '../../run/journal/leases.ts'
import { stateOf, type RunState } from '../../run/journal/state.ts'
import type { LockStanding } from '../../run/readiness/lock-standing.ts'
import { pastSeconds } from '../../run/record/durations.ts'
import { recordOf } from '../../run/record/record.ts'
import { foresightOf } from '../../views/dry-run.ts'
import { filesOf } from '../../views/files.ts'
import { protectionMetrics } from '../../views/metrics.ts'
import { paramLines, type ParamLine } from '../../views/params.ts'
import { planMermaid } from '../../views/plan-mermaid.ts'
import { evidencePage } from '../../views/site/evidence.ts'
import { failurePage } from '../../views/site/failure.ts'
import { evidencePolicy, pagePolicy } from '../../views/site/frame.ts'
import { overviewPage } from '../../views/site/overview.ts'
import { dryRunPage } from '../../views/site/dry-run.ts'
import { commandFor, runbookPage } from '../../views/site/runbook.ts'
import { runPage, standingText } from '../../views/site/run.ts'
import { targetPage } from '../../views/site/target.ts'
import { defectLine, evidenceOf, keysFrom } from '../evidence-folders.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'
import { openRunOf } from '../open-run.ts'
import { DryRuns, lookWithoutRecord, mostSeconds } from './dry-runs.ts'
import { Kept, type Seen } from './kept.ts'
import { lastDoctor } from '../last-doctor.ts'
import { lookAtLocks, lookAtProtection } from './looks.ts'
import { historyRuns, maskedAs, openLines } from './runs.ts'

/** How old may be what is shown of backups; asking costs listings of remote places. */
const lookEvery = 60_000
/** How old may be what is shown of locks; asking starts programs. */
const askLocksEvery = 10_000
/** A daemon or a server that does not answer delays no page for longer. */
const patienceForLocks = 500
/** How long a page waits for a look before it is shown without. */
const patience = 3_000
/** Runs that a page lists, each of which is read. */
const mostListed = 50

/** Reads configuration, journal, backups and evidence for the pages, and changes nothing. */
export function siteFor(context: CliContext, clock: Clock): Site {
  const mask = context.terminal.redactor
  const protection = new Kept(() => lookAtProtection(context), clock, lookEvery)
  const verdicts = new Verdicts(context, clock)
  const dryRuns = new DryRuns(lookWithoutRecord(context), clock)
  const locks = new Map<string, Kept<readonly LockStanding[]>>()

  const latest = () =>
    protection.latest(patience).catch((thrown: unknown) => {
      context.terminal.err(`cannot look at the backups: ${failureOf(thrown).message}\n`)
      return null
    })

  const named = async (name: string): Promise<Target | null> =>
    (await context.targets()).find((target) => target.name === name) ?? null

  /** Null while the first look goes on, or where it failed. */
  const locksOf = async (target: Target): Promise<Seen<readonly LockStanding[]> | null> => {
    const kept = locks.get(target.name) ?? new Kept(() => lookAtLocks(context, target), clock, askLocksEvery)
    locks.set(target.name, kept)
    return kept.latest(patienceForLocks).catch((thrown: unknown) => {
      context.terminal.err(`cannot look at the locks: ${failureOf(thrown).message}\n`)
      return null
    })
  }

  const fitting = async (target: string, name: string) => {
    const found = await named(target)
    const listed = (await (await context.catalog()).listed()).some((one) => one.name === name)
    if (found === null || !listed) return null
    const one = await (await context.catalog()).find(name)
    return missingSections(one.book.about, found).length > 0 ? null : { ...one, target: found }
  }

  const planned = async (target: string, name: string): Promise<Shown | null> => {
    const fits = await fitting(target, name)
    if (fits === null) return null
    const { book, from } = fits
    const { plan } = planOf(book, fits.target, fallbacksOf(book))
    return {
      params: maskedAs(mask, paramLines(book.about.params)),
      plan: maskedAs(mask, plan),
      origin: from === 'package' ? 'included in runbook' : "the team's own",
    }
  }

  return {
    policies: { page: pagePolicy, evidence: evidencePolicy },
    failure: (status, says, hint) => failurePage(status, mask.text(says), mask.text(hint)),
    overview: async () => {
      const targets = (await context.targets()).map(({ name, title }) => ({ name, title }))
      const seen = await latest()
      const read = await readJournal(context, async (journal) => ({
        open: await openLines(journal, await journal.runs({ pending: true }), mask),
        problem: null,
      })).catch((thrown: unknown) => ({ open: [], problem: mask.json(failureOf(thrown).message) }))
      return overviewPage({
        targets: maskedAs(mask, targets),
        protection: seen === null ? null : { all: seen.value, at: seen.at },
        ...read,
        now: clock.now(),
      })
    },
    target: async (name, runbook) => {
      const target = await named(name)
      if (target === null) return null
      const { state } = await context.loaded()
      const [seen, held, doctor] = await Promise.all([latest(), locksOf(target), lastDoctor(state, name)])
      const one = seen?.value.find((one) => one.target === name)
      const books = await (await context.catalog()).listed()
      return readJournal(context, async (journal) => {
        const wanted = { target: name, runbook: runbook ?? undefined }
        const lines = await journal.runs({ ...wanted, newest: mostListed })
        const { title } = target
        return targetPage({
          ...maskedAs(mask, { name, title }),
          protection: seen === null || one === undefined ? null : { one, at: seen.at },
          locks: held === null ? null : { all: held.value, at: held.at },
          doctor,
          open: await openLines(journal, await journal.runs({ target: name, pending: true }), mask),
          runs: await historyRuns(journal, lines, mask),
          older: Math.max(0, (await journal.count(wanted)) - lines.length),
          runbook,
          runbooks: maskedAs(
            mask,
            books.filter((book) => missingSections(book, target).length === 0),
          ),
          now: clock.now(),
        })
      })
    },
    runbook: async (target, name) => {
      const found = await planned(target, name)
      if (found === null) return null
      const { plan, params, origin } = found
      const nothing = { past: [], dryRun: null, run: null }
      const before = await readJournal(context, async (journal) => {
        const newest = async (mode: RunSummary['mode']) => {
          const lines = await journal.runs({ target, runbook: name, mode, newest: 1 })
          return (await historyRuns(journal, lines, mask))[0] ?? null
        }
        const [dryRun, run] = [await newest('dry-run'), await newest('run')]
        return { past: await pastSeconds(journal, plan), dryRun, run }
      }).catch(() => nothing)
      return runbookPage({ plan, params, origin, ...before })
    },
    dryRun: async (target, name, left) => {
      const fits = await fitting(target, name)
      if (fits === null) return null
      const { book } = fits
      const params = maskedAs(mask, paramLines(book.about.params))
      const command = `${commandFor(name, target, params)} --dry-run`
      const answer = await dryRuns.of(planToLookAhead(book, fits.target, fallbacksOf(book)), left)
      if (answer === 'busy')
        return { status: 503, html: failurePage(503, 'Another dry run goes on: one at a time.', command) }
      if (answer === 'late')
        return {
          status: 504,
          html: failurePage(504, `The dry run did not end within ${mostSeconds} s and was ended.`, command),
        }
      const entries = maskedAs(mask, answer)
      const past = await readJournal(context, (journal) => pastSeconds(journal, stateOf(entries).plan))
      return {
        status: 200,
        html: dryRunPage({
          runbook: name,
          target,
          seen: foresightOf(entries, past),
          without: params.filter(({ given }) => given === 'required').map(({ flag }) => flag),
          command,
          at: clock.now(),
        }),
      }
    },
    graph: async (target, name) => {
      const found = await planned(target, name)
      return found === null ? null : planMermaid(found.plan, found.params)
    },
    metrics: async () => {
      const seen = await latest()
      return seen === null ? null : protectionMetrics(seen.value, seen.at)
    },
    run: (id) =>
      readJournal(context, async (journal) => {
        const found = await runIn(journal, id)
        if (found === null) return null
        const shown = maskedAs(mask, found.entries)
        const { plan } = found.state
        const isHere = (await planned(targetOf(found.state), plan.runbook).catch(() => null)) !== null
        return runPage({
          record: recordOf(shown),
          open: found.isOpen ? openRunOf(id, shown, found.holder) : null,
          planned: isHere,
          now: clock.now(),
        })
      }),
    state: (id) =>
      readJournal(context, async (journal): Promise<RunShown | null> => {
        const found = await runIn(journal, id)
        if (found === null) return null
        const open = openRunOf(id, maskedAs(mask, found.entries), found.holder)
        return { html: standingText(open, clock.now()), over: !found.isOpen }
      }),
    evidence: async (id) => {
      const state = await stateIn(context, id)
      if (state === null) return null
      const folder = state.opened.evidence
      return evidencePage({
        run: id,
        target: targetOf(state),
        folder,
        files: await listed(folder),
        ...(await verdicts.of(id)),
      })
    },
    file: async (id, name) => {
      const state = await stateIn(context, id)
      if (state === null) return null
      const folder = state.opened.evidence
      // Only what the folder itself lists, so that no name leads out of it.
      const names = (await contentsOf(folder).catch(() => null))?.files ?? []
      return names.includes(name) ? openFile(join(folder, name), name) : null
    },
  }
}

type Shown = { readonly params: readonly ParamLine[]; readonly plan: Plan; readonly origin: string }

type Found = {
  readonly state: RunState
  readonly entries: readonly Stored[]
  readonly holder: Holder | null
  readonly isOpen: boolean
}

/**
 * By its complete ID: an address must not change its meaning when there are more runs. The list of all runs is not
 * read, since pages that follow a run ask every second.
 */
async function runIn(journal: JournalView, id: string): Promise<Found | null> {
  try {
    const entries = await journal.read(id)
    const state = stateOf(entries)
    const { opened, settled, released, plan } = state
    return {
      state,
      entries,
      holder:
        (await holderOf(journal, { run: id, system: plan.system, target: targetOf(state) }))?.holder ?? null,
      isOpen: isOpen({ mode: opened.mode, released, outcome: settled?.outcome ?? null }),
    }
  } catch (thrown) {
    if (failureOf(thrown).code === 'usage') return null
    throw thrown
  }
}

const targetOf = ({ plan }: Pick<RunState, 'plan'>): string => String(plan.target['name'])

const stateIn = (context: CliContext, id: string): Promise<RunState | null> =>
  readJournal(context, async (journal) => (await runIn(journal, id))?.state ?? null)

async function listed(folder: string) {
  try {
    const sizes = []
    for (const name of (await contentsOf(folder)).files) {
      await using handle = await openRegular(join(folder, name))
      sizes.push({ name, bytes: (await handle.stat()).size })
    }
    return sizes
  } catch {
    return null
  }
}

async function openFile(path: string, name: string): Promise<ServedFile> {
  const handle = await openRegular(path)
  const { size } = await handle.stat()
  // The end is fixed, since a log of an open run grows.
  const stream = handle.createReadStream({ start: 0, end: Math.max(0, size - 1) })
  return { html: name.endsWith('.html'), bytes: size, body: Readable.toWeb(stream) as ServedFile['body'] }
}

type Verdict = { readonly defects: readonly string[] | null; readonly keysMissing: string | null }

/** To verify is to read every file of a folder, so one folder at a time is verified, and remembered for a while. */
class Verdicts {
  readonly #context: CliContext
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept<Verdict>>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(context: CliContext, clock: Clock) {
    this.#context = context
    this.#clock = clock
  }

  async of(run: string): Promise<Verdict> {
    const kept = this.#kept.get(run) ?? new Kept(() => this.#inTurn(run), this.#clock, lookEvery)
    // The oldest goes, so that memory does not grow with the pages that were opened.
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= mostListed && oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(run, kept)
    return (await kept.latest(patience))?.value ?? { defects: null, keysMissing: null }
  }

  #inTurn(run: string): Promise<Verdict> {
    const turn = this.#last.then(() => this.#verify(run))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #verify(run: string): Promise<Verdict> {
    const { folder, expected } = await evidenceOf(this.#context, run)
    const { trusted, missing } = await keysFrom(this.#context, undefined)
    const { defects } = await verdictOn(folder, { trusted, filesOf, named: true }, expected)
    return { defects: defects.map(defectLine), keysMissing: missing?.message ?? null }
  }
}

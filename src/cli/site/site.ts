import { join } from 'node:path'
import { Readable } from 'node:stream'
import { contentsOf, openRegular } from '../../adapters/evidence/contents.ts'
import { verdictOn } from '../../adapters/evidence/verify.ts'
import type { RunShown, ServedFile, Site } from '../../adapters/web/site.ts'
import type { Clock } from '../../kernel/clock.ts'
import { failureOf } from '../../kernel/errors.ts'
import { planOf, type Plan } from '../../model/plan.ts'
import { fallbacksOf, type Runbook } from '../../model/runbook.ts'
import { missingSections, type Target } from '../../model/target.ts'
import type { Holder, Stored } from '../../run/journal/entry.ts'
import { isOpen, type JournalView, type RunSummary } from '../../run/journal/journal.ts'
import { holderOf } from '../../run/journal/leases.ts'
import { stateOf, type RunState } from '../../run/journal/state.ts'
import { pastSeconds } from '../../run/record/durations.ts'
import { recordOf } from '../../run/record/record.ts'
import { filesOf } from '../../views/files.ts'
import { protectionMetrics } from '../../views/metrics.ts'
import { paramLines } from '../../views/params.ts'
import { planMermaid } from '../../views/plan-mermaid.ts'
import { evidencePage } from '../../views/site/evidence.ts'
import { failurePage } from '../../views/site/failure.ts'
import { evidencePolicy, pagePolicy } from '../../views/site/frame.ts'
import { overviewPage } from '../../views/site/overview.ts'
import { runbookPage } from '../../views/site/runbook.ts'
import { runPage, standingText } from '../../views/site/run.ts'
import { targetPage } from '../../views/site/target.ts'
import { defectLine, evidenceOf, keysFrom } from '../evidence-folders.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'
import { openRunOf } from '../open-run.ts'
import { Kept } from './kept.ts'
import { lookAtProtection } from './looks.ts'
import { historyRuns, maskedAs, openLines } from './runs.ts'

/** How old may be what is shown of backups; asking costs listings of remote places. */
const lookEvery = 60_000
/** How long a page waits for a look before it is shown without. */
const patience = 3_000
/** Runs that a page lists, each of which is read. */
const mostListed = 50

/** Reads configuration, journal, backups and evidence for the pages, and changes nothing. */
export function siteFor(context: CliContext, clock: Clock): Site {
  const mask = context.terminal.redactor
  const protection = new Kept(() => lookAtProtection(context), clock, lookEvery)
  const verdicts = new Verdicts(context, clock)

  const latest = () =>
    protection.latest(patience).catch((thrown: unknown) => {
      context.terminal.err(`cannot look at the backups: ${failureOf(thrown).message}\n`)
      return null
    })

  const named = async (name: string): Promise<Target | null> =>
    (await context.targets()).find((target) => target.name === name) ?? null

  const planned = async (target: string, name: string): Promise<Planned | null> => {
    const found = await named(target)
    const listed = (await (await context.catalog()).listed()).some((one) => one.name === name)
    if (found === null || !listed) return null
    const { book, from } = await (await context.catalog()).find(name)
    if (missingSections(book.about, found).length > 0) return null
    const { plan } = planOf(book, found, fallbacksOf(book))
    return {
      book,
      plan: maskedAs(mask, plan),
      origin: from === 'package' ? 'included in runbook' : "the team's own",
    }
  }

  return {
    policies: { page: pagePolicy, evidence: evidencePolicy },
    failure: failurePage,
    overview: async () => {
      const targets = (await context.targets()).map(({ name, title }) => ({ name, title }))
      const seen = await latest()
      const read = await readJournal(context, async (journal) => ({
        open: await openLines(journal, await journal.runs({ pending: true }), mask),
        problem: null,
      })).catch((thrown: unknown) => ({ open: [], problem: failureOf(thrown).message }))
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
      const seen = await latest()
      const one = seen?.value.find((one) => one.target === name)
      const books = await (await context.catalog()).listed()
      return readJournal(context, async (journal) => {
        const wanted = { target: name, runbook: runbook ?? undefined }
        const lines = await journal.runs({ ...wanted, newest: mostListed })
        const { title } = target
        return targetPage({
          ...maskedAs(mask, { name, title }),
          protection: seen === null || one === undefined ? null : { one, at: seen.at },
          open: await openLines(journal, await journal.runs({ target: name, pending: true }), mask),
          runs: await historyRuns(journal, lines, mask),
          older: Math.max(0, (await journal.count(wanted)) - lines.length),
          runbook,
          runbooks: books.filter((book) => missingSections(book, target).length === 0),
          now: clock.now(),
        })
      })
    },
    runbook: async (target, name) => {
      const found = await planned(target, name)
      if (found === null) return null
      const { plan, book, origin } = found
      const nothing = { past: [], dryRun: null, run: null }
      const before = await readJournal(context, async (journal) => {
        const newest = async (mode: RunSummary['mode']) => {
          const lines = await journal.runs({ target, runbook: name, mode, newest: 1 })
          return (await historyRuns(journal, lines, mask))[0] ?? null
        }
        const [dryRun, run] = [await newest('dry-run'), await newest('run')]
        return { past: await pastSeconds(journal, plan), dryRun, run }
      }).catch(() => nothing)
      return runbookPage({ plan, params: paramLines(book.about.params), origin, ...before })
    },
    graph: async (target, name) => {
      const found = await planned(target, name)
      return found === null ? null : planMermaid(found.plan, paramLines(found.book.about.params))
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

type Planned = { readonly book: Runbook; readonly plan: Plan; readonly origin: string }

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

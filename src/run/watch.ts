import type { Drivers } from '../drivers/drivers.ts'
import type { Clock } from '../kernel/clock.ts'
import { cut, placeholdersOf } from '../formats/message-format.ts'
import { failureOf, RunbookError } from '../kernel/errors.ts'
import { isFields, type Json } from '../kernel/json.ts'
import { oneLine } from '../kernel/sanitize.ts'
import type { Plan } from '../model/plan.ts'
import type { Channel } from '../sections/parts/channel.ts'
import { announced, type News } from './engine/announce.ts'
import { deliver, type Sending } from './engine/deliver.ts'
import type { Result } from './engine/ending.ts'
import type { Mask } from './engine/run-context.ts'
import type { Entry, ProcessIdentity, Stored } from './journal/entry.ts'
import { isOpen, isUnsealed, type Journal, type RunSummary } from './journal/journal.ts'
import { holderOf, holdLease, leaseOf } from './journal/leases.ts'
import { stateOf } from './journal/state.ts'
import { dueOn, isAnswered, timeOf, unsealedKey, unsealedNews, type WatchedTarget } from './watch-decision.ts'

const stops: readonly Result['code'][] = ['hangup', 'interrupted', 'terminated']

export interface Watching {
  readonly journal: Journal
  readonly clock: Clock
  readonly mask: Mask
  readonly identity: ProcessIdentity
  /** Drivers that stop working when the signal is aborted. */
  drivers(signal: AbortSignal): Pick<Drivers, 'http' | 'mail' | 'commands'>
  /** What today's configuration says of the target of a plan. */
  targetOf(plan: Plan): Promise<WatchedTarget & { readonly channels: readonly Channel[] }>
  /**
   * As `runbook resume` and `runbook rollback` do, with their checks and locks.
   * @param quiet shows nothing: it was tried before, and people heard of it
   */
  continueRun(run: string, way: 'forward' | 'back', quiet: boolean): Promise<Result>
  /** The commands in a text as they are typed on this machine. */
  asTyped(text: string): string
  /** For the log of the service. */
  say(text: string): void
}

type Writing = Pick<Watching, 'journal' | 'identity' | 'clock' | 'mask'>

/** The longest time that one message may take, in seconds. */
const longest = 5

/** Between two attempts to seal the evidence of a run, such as while a disk is full, in milliseconds. */
const sealPause = 10 * 60 * 1000

/** More than a run can need at one time: the news, an attempt, its failure, and a call. */
const mostSteps = 6

/** Finds runs that nobody works on, tells people, does what their target says, and calls people level by level. */
export class Watcher {
  readonly #around: Watching
  /** Answers that are not in the journal yet, since another process held the run; by run and key. */
  readonly #sent = new Map<string, readonly Entry[]>()
  readonly #said = new Set<string>()
  /** When sealing a run was last tried, by run. */
  readonly #sealing = new Map<string, number>()

  constructor(around: Watching) {
    this.#around = around
  }

  /**
   * Looks once at every run that is open or not sealed. Never rejects for what concerns one run only: the others are
   * looked at.
   */
  async look(signal: AbortSignal): Promise<void> {
    for (const line of await this.#around.journal.runs({ pending: true })) {
      if (signal.aborted) return
      try {
        if (isOpen(line)) await this.#lookAt(line, signal)
        else if (isUnsealed(line)) await this.#seal(line)
      } catch (thrown) {
        // The next look may find it otherwise: held for a moment, or a disk that is full.
        if (thrown instanceof RunbookError && thrown.code === 'held') continue
        if (!(thrown instanceof RunbookError)) throw thrown
        this.#sayOnce(line.run, failureOf(thrown).message)
      }
    }
  }

  async #lookAt(line: RunSummary, signal: AbortSignal): Promise<void> {
    const { journal, clock } = this.#around
    const { run } = line
    for (let step = 0; step < mostSteps && !signal.aborted; step += 1) {
      if ((await holderOf(journal, line)) !== null) return
      const entries = await journal.read(run)
      const target = await this.#around.targetOf(stateOf(entries).plan)
      const due = dueOn(entries, { now: clock.now(), boot: this.#around.identity.bootId }, target)
      if (due.do === 'nothing') return
      const { opened } = stateOf(entries)
      if (due.do === 'attempt') await this.#attempt(run, leaseOf(opened), due.way)
      else {
        const { to } = due
        const channels =
          to === null ? target.channels : target.channels.filter(({ name }) => to.includes(name))
        await this.#tell(entries, due.news, channels)
      }
    }
  }

  /** Of a run that ended and whose process died before it was sealed: whatever the policy, since no step is run. */
  async #seal(line: RunSummary): Promise<void> {
    const { journal, clock, say } = this.#around
    const { run } = line
    if ((await holderOf(journal, line)) !== null) return
    const before = await journal.read(run)
    const heard = timeOf(before, unsealedKey)
    const tried = this.#sealing.get(run)
    if (tried !== undefined && clock.monotonic() < tried + sealPause) return
    // A process that was just started cannot know of later tries than the one that people heard of.
    if (heard !== null && clock.now().getTime() < heard + sealPause) return
    const quiet = isAnswered(before, unsealedKey)
    if (!quiet) say(`${run}: sealing its evidence`)
    const { failure } = await this.#around.continueRun(run, 'forward', quiet)
    // One that another process held for a moment is tried again at the next look.
    this.#sealing.set(run, clock.monotonic())
    const entries = await journal.read(run)
    const { sealed, plan } = stateOf(entries)
    if (sealed) return quiet ? say(`${run}: its evidence is sealed now`) : undefined
    const news = unsealedNews(run, plan, failure?.message ?? 'its evidence is not sealed')
    if (!quiet) await this.#tell(entries, news, (await this.#around.targetOf(plan)).channels)
  }

  /** Sends it again where the process died before the answers were journaled, under the same key. */
  async #tell(entries: readonly Stored[], news: News, channels: readonly Channel[]): Promise<void> {
    const { key } = news
    const text = this.#around.asTyped(news.text)
    const { clock, mask, identity, drivers } = this.#around
    const { plan, opened } = stateOf(entries)
    const run = entries[0]?.run ?? ''
    const lease = leaseOf(opened)
    const known = this.#sent.get(`${run}/${key}`)
    if (known === undefined) {
      if (!entries.some(({ entry }) => entry.type === 'announcing' && entry.key === key))
        await this.#write(run, lease, [{ type: 'announcing', key, text }])
      this.#around.say(`${run}: ${text}`)
    }
    const { story, reason } = opened
    const about = { runbook: plan.runbook, target: String(plan.target['name']), story, reason }
    const words = placeholdersOf({ ...about, id: run, by: identity.by }, text)
    const taken: Entry[] = []
    const sending: Sending = {
      clock,
      mask,
      drivers: (signal) => drivers(signal),
      onAnswer({ name }, answer) {
        const taker = takerIn(answer)
        if (taker === null) return
        const { by, note } = taker
        taken.push({ type: 'acknowledged', by: `${by}, answered by ${name}`, host: identity.host, note })
      },
    }
    const send = async (channel: Channel): Promise<Entry> =>
      announced(key, channel, await deliver(sending, channel, { words, key: `${run}/${key}` }, longest))
    // Without a channel the journal alone has it.
    const none: Entry = { type: 'announced', key, problem: 'no channel is configured' }
    const answers =
      known ?? (channels.length === 0 ? [none] : [...(await Promise.all(channels.map(send))), ...taken])
    this.#sent.set(`${run}/${key}`, answers)
    await this.#write(run, lease, answers)
    this.#sent.delete(`${run}/${key}`)
  }

  async #attempt(run: string, lease: string, way: 'forward' | 'back'): Promise<void> {
    const { by, host } = this.#around.identity
    await this.#write(run, lease, [{ type: 'attempting', way, by, host }])
    this.#around.say(`${run}: ${way === 'back' ? 'rolling it back' : 'resuming it'}`)
    let problem: string | null
    try {
      const result = await this.#around.continueRun(run, way, false)
      problem = result.failure?.message ?? null
      if (result.outcome !== 'open' && result.outcome !== 'needs-human') return
      // The watch itself was stopped; the next one goes on.
      if (stops.includes(result.code)) return
    } catch (thrown) {
      if (!(thrown instanceof RunbookError)) throw thrown
      // A person was faster.
      if (thrown.code === 'held') return
      problem = failureOf(thrown).message
    }
    await this.#write(run, lease, [{ type: 'attempted', problem }])
  }

  #write(run: string, lease: string, entries: readonly Entry[]): Promise<void> {
    return write(this.#around, { run, lease }, entries)
  }

  #sayOnce(run: string, text: string): void {
    if (this.#said.has(`${run} ${text}`)) return
    this.#said.add(`${run} ${text}`)
    this.#around.say(`${run}: ${text}`)
  }
}

/** The longest name and note that is taken from an answer, in characters. */
const mostTaken = 200

/** Who takes the run, as a webhook answers for a person: `{ "acknowledged": { "by": NAME, "note": TEXT } }`. */
function takerIn(answer: Json): { readonly by: string; readonly note: string | null } | null {
  const given = isFields(answer) ? answer['acknowledged'] : null
  if (!isFields(given)) return null
  const { by, note } = given
  if (typeof by !== 'string' || by.trim() === '') return null
  const text = (one: string): string => cut(oneLine(one), mostTaken)
  return { by: text(by), note: typeof note === 'string' ? text(note) : null }
}

/**
 * Records that a person takes a run that waits: no further level is called, and the watch leaves it alone until somebody
 * works on it again.
 * @throws RunbookError `usage` for a run that is not open, `held` for one that a process works on
 */
export async function acknowledge(around: Writing, line: RunSummary, note: string | null): Promise<void> {
  if (!isOpen(line))
    throw new RunbookError('usage', `cannot acknowledge ${line.run}: it is not open`, {
      hint: 'list the open runs: runbook status',
    })
  const { by, host } = around.identity
  const { opened } = stateOf(await around.journal.read(line.run))
  await write(around, { run: line.run, lease: leaseOf(opened) }, [{ type: 'acknowledged', by, host, note }])
}

/** In a lease of its own. @throws RunbookError `held` while a process works on the run */
async function write(
  { journal, identity, clock, mask }: Writing,
  { run, lease }: { readonly run: string; readonly lease: string },
  entries: readonly Entry[],
): Promise<void> {
  const hold = await holdLease(journal, clock, lease, {
    ...identity,
    run,
    since: clock.now().toISOString(),
  })
  try {
    for (const entry of entries) await journal.append(hold, run, mask.json(entry))
  } finally {
    await hold.release()
  }
}

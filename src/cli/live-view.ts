import type { Drawing } from '../conduct/drawing.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Entry, Stored } from '../run/journal/entry.ts'
import type { RunEvent } from '../run/journal/events.ts'
import { changesWhatIsDown, standingOf } from '../run/journal/standing.ts'
import { stateOf } from '../run/journal/state.ts'
import type { PastTimes } from '../run/record/past-times.ts'
import { packed, type Width } from '../views/fit.ts'
import { backupOf, choosesBackup, situationOf } from '../views/situation.ts'
import { stakesText } from '../views/stakes.ts'

type Settings = {
  readonly drawing: Drawing
  /** Read at every redraw, since a terminal is resized. */
  readonly width: () => Width
  readonly clock: Clock
  /** Entries of a run that is resumed. */
  readonly begun: readonly Stored[]
  past(entries: readonly Stored[]): Promise<readonly PastTimes[]>
  say(text: string): void
}

/** With plain lines, the situation is repeated this often where nothing else changes. */
const everyMilliseconds = 60_000

/**
 * What is at stake when a run begins, and its situation while it is under way: redrawn below the steps, or with
 * plain lines whenever it changes. It hears the events that all views get.
 */
export class LiveView {
  readonly #settings: Settings
  readonly #entries: Stored[]
  #past: readonly PastTimes[] = []
  /** Null: not read since the last entry. */
  #situation: ((now: Date) => readonly string[]) | null = null
  #shown = ''
  #asked: string | null = null
  #ticker: NodeJS.Timeout | undefined
  /** Steps that are worth no line. To fold all entries at each of theirs would make long runs slow. */
  #quiet: ReadonlySet<string> = new Set()

  constructor(settings: Settings) {
    this.#settings = settings
    this.#entries = [...settings.begun]
  }

  hear(event: RunEvent): void {
    if (event.type !== 'entry') return
    this.#entries.push(event.stored)
    const { type } = event.stored.entry
    const first = this.#entries[0]?.entry
    if (first?.type !== 'opened' || first.mode !== 'run' || this.#settings.drawing === 'silent') return
    if (type === 'opened' || type === 'resumed') this.#begin()
    if (this.#ticker === undefined) return
    this.#situation = null
    if (type === 'settled') this.end()
    else if (this.#settings.drawing === 'lines' && !this.#isQuiet(event.stored.entry)) this.#sayChange()
  }

  /** The situation now, a line each; empty before the run begins and after its end. */
  lines(): readonly string[] {
    const { width, clock } = this.#settings
    if (this.#ticker === undefined) return []
    // Read from all entries, so only when somebody looks.
    this.#situation ??= situationOf(this.#entries, this.#past)
    return packed(this.#situation(clock.now()), width())
  }

  end(): void {
    clearInterval(this.#ticker)
    this.#ticker = undefined
  }

  #begin(): void {
    const { drawing, width, say } = this.#settings
    say(stakesText(this.#entries, width()).trimEnd())
    this.#shown = this.#key()
    this.#quiet = new Set(
      stateOf(this.#entries)
        .plan.steps.filter(
          (step) => step.effect !== 'decide' && !changesWhatIsDown(step) && !choosesBackup(step),
        )
        .map(({ id }) => id),
    )
    this.#ticker ??= setInterval(() => {
      if (drawing === 'lines') this.#say()
    }, everyMilliseconds).unref()
    void this.#learn()
  }

  /** A run does not wait for what past runs say. */
  async #learn(): Promise<void> {
    this.#past = await this.#settings.past(this.#entries).catch(() => [])
    this.#situation = null
  }

  #sayChange(): void {
    const key = this.#key()
    if (key === this.#shown) return
    this.#shown = key
    this.#say()
  }

  #say(): void {
    const lines = this.lines()
    if (lines.length > 0) this.#settings.say(lines.join('\n'))
  }

  #isQuiet(entry: Entry): boolean {
    return (entry.type === 'intent' || entry.type === 'ended') && this.#quiet.has(entry.step)
  }

  /** What is worth a line at once. */
  #key(): string {
    const { down, unconfirmedSince } = standingOf(this.#entries)
    const { way, pivoted, plan, steps } = stateOf(this.#entries)
    const asked = plan.steps.find(
      ({ id, effect }) => effect === 'decide' && steps.get(id)?.status === 'doubt',
    )
    // That an answer was given is no news to whoever gave it.
    this.#asked = asked?.id ?? this.#asked
    return JSON.stringify([down, unconfirmedSince, way, pivoted, backupOf(this.#entries), this.#asked])
  }
}

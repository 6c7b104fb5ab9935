import type { DefaultRenderer, ListrTaskWrapper, VerboseRenderer } from 'listr2'
import type { Progress } from '../drivers/scope.ts'
import type { Clock } from '../kernel/clock.ts'
import { oneLine } from '../kernel/sanitize.ts'
import type { RunEvent } from '../run/journal/events.ts'
import type { Drawing } from './drawing.ts'
import { elapsedText, progressText } from './figures.ts'
import { Tail } from './tail.ts'

type Wrapper = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof VerboseRenderer>

type Settings = { readonly drawing: Drawing; readonly stream: NodeJS.WriteStream; readonly clock: Clock }

/**
 * Lines of output under a running step; with plain lines, the maximum per step, the rest is only in its log.
 */
const shownLines = { live: 5, lines: 200, silent: 0 } as const

/** Limits how often a step with much output is redrawn. */
const redrawMilliseconds = 200

/** The running steps on the screen, by id. */
export class Board {
  readonly #settings: Settings
  readonly #lines = new Map<string, Line>()
  #drawing = false
  #ticker: NodeJS.Timeout | undefined
  #questions: Promise<unknown> = Promise.resolve()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  begin(): void {
    this.#drawing = this.#settings.drawing === 'live'
    if (this.#drawing)
      this.#ticker = setInterval(() => this.#lines.forEach((one) => one.redraw()), redrawMilliseconds).unref()
  }

  end(): void {
    clearInterval(this.#ticker)
    this.#drawing = false
    this.#lines.clear()
  }

  put(step: string, title: string, wrapper: Wrapper): { remove(): void } {
    const one = new Line(title, wrapper, this.#settings)
    this.#lines.set(step, one)
    return {
      remove: () => {
        if (this.#lines.get(step) === one) this.#lines.delete(step)
      },
    }
  }

  hear(event: RunEvent): void {
    if (event.type === 'entry') return
    const one = this.#lines.get(event.step)
    if (one === undefined) return
    if (event.type === 'output') one.output(event.chunk)
    else if (event.type === 'note') one.note(event.line)
    else one.progress(event.progress)
  }

  announce(text: string): void {
    if (this.#drawing && this.#lines.size > 0) this.#lines.forEach((one) => one.announce(text))
    else this.#settings.stream.write(`${text}\n`)
  }

  prompt(step: string, message: string, signal: AbortSignal): Promise<string> {
    const asked = this.#questions.then(async () => {
      signal.throwIfAborted()
      const one = this.#lines.get(step)
      if (one === undefined) throw new Error(`cannot prompt: step ${step} is not running`)
      const [{ ListrInquirerPromptAdapter }, { input }] = await Promise.all([
        import('@listr2/prompt-adapter-inquirer'),
        import('@inquirer/prompts'),
      ])
      return one.wrapper.prompt(ListrInquirerPromptAdapter).run(input, { message }, { signal })
    })
    this.#questions = asked.catch(() => undefined)
    return asked
  }
}

class Line {
  readonly wrapper: Wrapper
  readonly #title: string
  readonly #settings: Settings
  readonly #began: number
  readonly #tail: Tail
  #written = 0
  #waiting: string[] = []
  #progress: Progress | null = null
  #announcement = ''

  constructor(title: string, wrapper: Wrapper, settings: Settings) {
    this.#title = title
    this.wrapper = wrapper
    this.#settings = settings
    this.#began = settings.clock.monotonic()
    this.#tail = new Tail(Math.max(1, shownLines[settings.drawing]))
  }

  output(chunk: Uint8Array): void {
    this.#write(this.#tail.push(chunk))
  }

  note(text: string): void {
    this.#write(this.#tail.add([text]))
  }

  progress(progress: Progress): void {
    this.#progress = progress
  }

  announce(text: string): void {
    this.#announcement = `: ${oneLine(text)}`
    this.redraw()
  }

  redraw(): void {
    const elapsed = this.#settings.clock.monotonic() - this.#began
    const figure = this.#progress === null ? '' : `  ${progressText(this.#progress, elapsed)}`
    const title = `${this.#title}${figure}  ${elapsedText(elapsed)}${this.#announcement}`
    if (title !== this.wrapper.title) this.wrapper.title = title
    for (const one of this.#waiting.splice(0)) this.wrapper.output = one
  }

  #write(lines: readonly string[]): void {
    if (this.#settings.drawing !== 'lines') {
      this.#waiting = [...this.#waiting, ...lines].slice(-shownLines.live)
      return
    }
    const room = shownLines.lines - this.#written
    this.#written += lines.length
    for (const one of lines.slice(0, Math.max(0, room))) this.wrapper.output = one
    if (room > 0 && lines.length >= room) this.wrapper.output = 'more output is in the log of this step'
  }
}

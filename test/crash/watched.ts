import { setTimeout as sleep } from 'node:timers/promises'
import type { Typed } from '../fixtures/typed.ts'
import type { Kill } from './kill.ts'
import type { Scene } from './scene.ts'

/** How a process of the watch dies: at a point of what it writes, or so many milliseconds after the run died. */
export type WatchKill = Kill | { readonly when: 'after the run'; readonly wait: number }

/** What systemd waits before it starts a service again, as the unit of `schedule install` says. */
const restartSeconds = 1

/** Keeps `runbook watch` running, as systemd does, and lets one process of it after the other die as it is told. */
export class SupervisedWatch implements AsyncDisposable {
  readonly #scene: Scene
  readonly #kills: WatchKill[]
  readonly #over = new AbortController()
  readonly #loop: Promise<void>
  #current: Typed | null = null
  #deaths = 0
  #output = ''
  #runDied!: () => void
  readonly #afterRun = new Promise<void>((resolve) => (this.#runDied = resolve))

  constructor(scene: Scene, kills: readonly WatchKill[]) {
    this.#scene = scene
    this.#kills = [...kills]
    this.#loop = this.#keepRunning()
  }

  get deaths(): number {
    return this.#deaths
  }

  get output(): string {
    return this.#output
  }

  /** From here on the kills that wait for it count their time. */
  runDied(): void {
    this.#runDied()
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      const kill = this.#kills.shift() ?? null
      const timed = kill?.when === 'after the run' ? kill : null
      const process = this.#scene.start(['watch'], kill?.when === 'after the run' ? null : kill)
      this.#current = process
      if (timed !== null)
        void this.#afterRun
          .then(() => sleep(timed.wait))
          .then(() => (signal.aborted ? false : process.child.kill('SIGKILL')))
      const finished = await process.finished
      this.#output += `${finished.stdout}${finished.stderr}exit ${finished.code ?? finished.signal}\n`
      if (finished.signal === 'SIGKILL') this.#deaths += 1
      await sleep(restartSeconds * 1000, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Asks it to end, as systemd does, and waits for that. */
  async stop(): Promise<void> {
    this.#over.abort()
    this.#current?.child.kill('SIGTERM')
    await this.#loop
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    this.#current?.child.kill('SIGKILL')
    await this.#loop
  }
}

const askEvery = 500

/** Asks a service from outside, all the time, and notes when it did not answer. */
export class Outages implements AsyncDisposable {
  readonly #over = new AbortController()
  readonly #loop: Promise<void>
  /** Times at which it answered, or did not, in the order in which they were asked. */
  readonly #answers: { readonly at: number; readonly up: boolean }[] = []

  constructor(isUp: () => Promise<boolean>) {
    this.#loop = this.#ask(isUp)
  }

  async #ask(isUp: () => Promise<boolean>): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      const at = Date.now()
      this.#answers.push({ at, up: await isUp() })
      await sleep(askEvery, undefined, { signal }).catch(() => undefined)
    }
  }

  /** The longest time without an answer after this moment, in seconds; one that has not ended counts until the last question. */
  longestAfter(moment: number): number {
    let longest = 0
    let since: number | null = null
    for (const { at, up } of this.#answers) {
      if (since !== null) longest = Math.max(longest, at - Math.max(since, moment))
      if (up) since = null
      else since ??= at
    }
    return longest / 1000
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await this.#loop
  }
}

import { nearest } from '../kernel/did-you-mean.ts'
import { RunbookError } from '../kernel/errors.ts'

/**
 * `fail`: this call fails. `hang`: it does not return until the step is stopped, as on a dead mount. `kill`:
 * the process dies here; this and every later call have no effect until `revive`.
 */
export type Fault = 'fail' | 'hang' | 'kill'

type Order = {
  readonly moment: string
  readonly fault: Fault
  readonly time: number
  /** At every time from then on. */
  readonly onwards: boolean
  left: number
  fired: boolean
}

/** Thrown where `kill -9` would end the process. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

/**
 * Fault injection for tests of runbooks. A fake driver reports every moment: `databases.swap` before it acts,
 * `databases.swap half-way`, and `databases.swap done` before it answers. A run without faults lists all its
 * moments in `reached`.
 */
export class Faults {
  /** Every moment that was reached, in order. */
  readonly reached: string[] = []
  readonly #orders: Order[] = []
  #dead = false
  #lifetime = Number.POSITIVE_INFINITY

  /**
   * Orders a fault for the n-th time that the moment is reached. A run on a `fakeMachine` that settles before the fault
   * fired rejects: its test would pass without having tested anything.
   */
  order(moment: string, fault: Fault, time = 1): this {
    this.#orders.push({ moment, fault, time, onwards: false, left: time, fired: false })
    return this
  }

  /** Orders a fault for the n-th time that the moment is reached and for every later one, of which there may be none. */
  orderFrom(moment: string, fault: Fault, time = 1): this {
    this.#orders.push({ moment, fault, time, onwards: true, left: time, fired: false })
    return this
  }

  /** The ordered faults that have not fired, as text. */
  get unfired(): readonly string[] {
    return this.#orders.flatMap(({ moment, fault, time, fired }) =>
      fired ? [] : [`${fault} at ${moment}${time === 1 ? '' : `, time ${time}`}`],
    )
  }

  /** @throws RunbookError `usage` if an ordered fault has not fired */
  checkFired(): void {
    const order = this.#orders.find(({ fired }) => !fired)
    if (order === undefined) return
    const { moment, time } = order
    const times = this.reached.filter((one) => one === moment).length
    const known = [...new Set(this.reached)]
    throw new RunbookError('usage', `a fault that the test ordered never fired: ${this.unfired.join('; ')}`, {
      hint:
        times > 0
          ? `${moment} was reached ${times} of ${time} times`
          : `${moment} was never reached${nearest(moment, known, (best) => `; did you mean ${best}?`)}; world.faults.reached lists the moments of a run`,
      by: 'author',
    })
  }

  /** The process dies at the n-th moment from now on, whichever that is. */
  killAfter(moments: number): this {
    this.#lifetime = moments
    return this
  }

  get dead(): boolean {
    return this.#dead
  }

  /** Starts a new process on the same world; orders that were not reached stay in force. */
  revive(): void {
    this.#dead = false
    this.#lifetime = Number.POSITIVE_INFINITY
  }

  async reach(moment: string, signal: AbortSignal): Promise<void> {
    if (!this.#dead) signal.throwIfAborted()
    const due = this.#due(moment)
    if (due === 'hang') await hanging(signal)
    else if (due !== null) this.#strike(due, moment)
  }

  /**
   * As `reach`, for synchronous callers.
   * @throws TypeError for an ordered `hang`
   */
  pass(moment: string): void {
    const due = this.#due(moment)
    if (due === 'hang') throw new TypeError(`${moment} cannot hang`)
    if (due !== null) this.#strike(due, moment)
  }

  #due(moment: string): Fault | null {
    if (this.#dead) throw new Killed('this process is dead')
    this.reached.push(moment)
    this.#lifetime -= 1
    const here = this.#orders.filter((order) => order.moment === moment)
    for (const order of here) order.left -= 1
    if (this.#lifetime <= 0) return 'kill'
    const due = here.find(({ left, onwards }) => left === 0 || (onwards && left < 0))
    if (due === undefined) return null
    due.fired = true
    return due.fault
  }

  #strike(fault: 'fail' | 'kill', moment: string): never {
    if (fault === 'fail') throw new RunbookError('failed', `${moment}: failure ordered by the test`)
    this.#dead = true
    throw new Killed(`killed at ${moment}`)
  }
}

async function hanging(signal: AbortSignal): Promise<never> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw signal.reason
}

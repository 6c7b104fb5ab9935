import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Holder } from '../../run/journal/entry.ts'
import { heldBy, type Lease } from '../../run/journal/journal.ts'
import { isAlive } from './process-identity.ts'
import type { Connection } from './connection.ts'
import { fileName } from './state-folder.ts'
import { tryLock, type KernelLock } from './kernel-lock.ts'
import { Systems, type SystemRow } from './systems.ts'

/** A holder must be named within a second; between taking the lock and saying so, a holder has no name for some milliseconds. */
const patienceMilliseconds = 900
const pauseMilliseconds = 15

/** The systems that this process holds. */
export class Leases {
  readonly #connection: Connection
  readonly #systems: Systems
  readonly #locks: string
  readonly #clock: Clock
  readonly #mine = new Map<Lease, KernelLock>()

  constructor(connection: Connection, locks: string, clock: Clock) {
    this.#connection = connection
    this.#systems = new Systems(connection)
    this.#locks = locks
    this.#clock = clock
  }

  /** @param seize go on to the next lock file, so that a holder that lives and does not answer is passed by */
  async take(system: string, holder: Holder, seize: boolean): Promise<Lease> {
    const until = this.#clock.monotonic() + patienceMilliseconds
    const first = this.#systems.of(system)
    for (;;) {
      const row = this.#systems.of(system)
      if (seize && row.lock !== first.lock) throw heldBy(row.holder)
      const lock = row.lock + (seize ? 1 : 0)
      const held = tryLock(join(this.#locks, `${fileName(system)}.${lock}.db`))
      const hold =
        held === null ? null : this.#enter(system, held, row, { epoch: row.epoch + 1, lock, holder })
      if (hold !== null) return hold
      // Where the lock was free, the row is what has changed: it is read again before anybody is named.
      const known = held === null && !seize && row.holder !== null && isAlive(row.holder)
      if (known || this.#clock.monotonic() >= until) throw heldBy(row.holder)
      await this.#clock.sleep(pauseMilliseconds)
    }
  }

  #enter(
    system: string,
    held: KernelLock,
    seen: SystemRow,
    next: SystemRow & { readonly holder: Holder },
  ): Lease | null {
    try {
      const entered = this.#connection
        .transaction(() => {
          const { epoch, lock } = this.#systems.of(system)
          if (epoch !== seen.epoch || lock !== seen.lock) return false
          this.#systems.put(system, next)
          return true
        })
        .immediate()
      if (entered) return this.#keep(system, next.epoch, held)
    } catch (thrown) {
      held.release()
      throw thrown
    }
    held.release()
    return null
  }

  #keep(system: string, epoch: number, lock: KernelLock): Lease {
    const hold: Lease = { system, epoch, release: async () => this.#release(hold) }
    this.#mine.set(hold, lock)
    return hold
  }

  /** The kernel's lock goes whatever happens to the row, which only names its holder. */
  #release(hold: Lease): void {
    const lock = this.#mine.get(hold)
    if (lock === undefined) return
    this.#mine.delete(hold)
    try {
      if (this.#connection.open) this.#systems.clear(hold.system, hold.epoch)
    } finally {
      lock.release()
    }
  }

  releaseAll(): void {
    for (const hold of this.#mine.keys()) this.#release(hold)
  }

  /** Asked within the transaction of each append. @throws RunbookError `held` where a later epoch has begun */
  refuseOld(hold: Lease): void {
    if (!this.#mine.has(hold)) {
      throw new RunbookError('held', 'nothing more is written: the hold on the target was given back', {
        hint: 'take the run up again with `runbook resume`',
      })
    }
    const row = this.#systems.of(hold.system)
    if (row.epoch === hold.epoch) return
    const { message } = heldBy(row.holder)
    throw new RunbookError('held', `this run was taken over, so it does nothing more: ${message}`, {
      hint: '`runbook status` shows how it stands',
    })
  }

  holder(system: string): Holder | null {
    const { holder } = this.#systems.of(system)
    return holder !== null && isAlive(holder) ? holder : null
  }
}

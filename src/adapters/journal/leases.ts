import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Holder, Stored } from '../../run/journal/entry.ts'
import { heldBy, takenOver, type Lease } from '../../run/journal/journal.ts'
import { isAlive } from './process-identity.ts'
import type { Connection } from './connection.ts'
import { isNoSpace } from './errors.ts'
import { fileName } from './state-folder.ts'
import { tryLock, type KernelLock } from './kernel-lock.ts'
import { Systems, type SystemRow } from './systems.ts'

/**
 * A refusal must name the holder within a second; for some milliseconds after locking, a holder is not
 * recorded yet.
 */
const patienceMilliseconds = 900
const pauseMilliseconds = 15

/** The leases of this process. */
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

  /** @param takeOver use the next lock file, so that a live holder that does not respond is bypassed */
  async take(system: string, holder: Holder, takeOver: boolean): Promise<Lease> {
    const until = this.#clock.monotonic() + patienceMilliseconds
    const first = this.#systems.of(system)
    for (;;) {
      const row = this.#systems.of(system)
      if (takeOver && row.lock !== first.lock) throw heldBy(row.holder)
      const lock = row.lock + (takeOver ? 1 : 0)
      const held = tryLock(join(this.#locks, `${fileName(system)}.${lock}.db`))
      const hold =
        held === null ? null : this.#enter(system, held, row, { epoch: row.epoch + 1, lock, holder })
      if (hold !== null) return hold
      // If the lock was free, the row has changed: read it again before naming a holder.
      const known = held === null && !takeOver && row.holder !== null && isAlive(row.holder)
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

  /** Releases the kernel lock even if the row, which only names the holder, cannot be cleared. */
  #release(hold: Lease): void {
    const lock = this.#mine.get(hold)
    if (lock === undefined) return
    this.#mine.delete(hold)
    try {
      if (this.#connection.open) this.#systems.clear(hold.system, hold.epoch)
    } catch (thrown) {
      // On a full disk the row stays; a holder counts only while its process lives.
      if (!isNoSpace(thrown)) throw thrown
    } finally {
      lock.release()
    }
  }

  releaseAll(): void {
    for (const hold of this.#mine.keys()) this.#release(hold)
  }

  /**
   * Called in the transaction of each append.
   * @param last reads the last entry of the run
   * @throws RunbookError `held` if a later epoch has begun
   */
  refuseStale(hold: Lease, last: () => Stored | undefined): void {
    if (!this.#mine.has(hold)) {
      throw new RunbookError('held', 'cannot write to the journal: the lock on the target was released', {
        hint: 'resume the run with `runbook resume`',
      })
    }
    const row = this.#systems.of(hold.system)
    if (row.epoch === hold.epoch) return
    throw takenOver(row.holder, last())
  }

  holder(system: string): Holder | null {
    const { holder } = this.#systems.of(system)
    return holder !== null && isAlive(holder) ? holder : null
  }
}

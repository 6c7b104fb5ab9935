import type { Statement } from 'better-sqlite3'
import { canonical } from '../../kernel/json.ts'
import type { Holder } from '../../run/journal/entry.ts'
import type { Connection } from './connection.ts'

export type SystemRow = {
  /** Increases with every lease, so that writes under an older one are detected. 0 before the first. */
  readonly epoch: number
  /**
   * The number of the current lock file: a takeover from a live holder uses the next one, since its lock
   * cannot be revoked.
   */
  readonly lock: number
  readonly holder: Holder | null
}

type Row = { readonly epoch: number; readonly lock: number; readonly holder: string | null }

/**
 * The rows of the table `systems`: the names of holders. The kernel lock decides who really holds a system.
 */
export class Systems {
  readonly #row: Statement<[string], Row>
  readonly #put: Statement<
    [{ readonly system: string; readonly epoch: number; readonly lock: number; readonly holder: string }]
  >
  readonly #clear: Statement<[string, number]>

  constructor(connection: Connection) {
    this.#row = connection.prepare('SELECT epoch, lock, holder FROM systems WHERE system = ?')
    this.#put = connection.prepare(
      `INSERT INTO systems (system, epoch, lock, holder) VALUES (@system, @epoch, @lock, @holder)
       ON CONFLICT (system) DO UPDATE SET epoch = @epoch, lock = @lock, holder = @holder`,
    )
    this.#clear = connection.prepare('UPDATE systems SET holder = NULL WHERE system = ? AND epoch = ?')
  }

  of(system: string): SystemRow {
    const row = this.#row.get(system)
    if (row === undefined) return { epoch: 0, lock: 0, holder: null }
    return { ...row, holder: row.holder === null ? null : (JSON.parse(row.holder) as Holder) }
  }

  put(system: string, row: SystemRow & { readonly holder: Holder }): void {
    this.#put.run({ system, ...row, holder: canonical(row.holder) })
  }

  /** No effect if it has another holder since. */
  clear(system: string, epoch: number): void {
    this.#clear.run(system, epoch)
  }
}

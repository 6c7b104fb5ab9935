import type { Statement } from 'better-sqlite3'
import { canonical } from '../../kernel/json.ts'
import type { Holder } from '../../run/journal/entry.ts'
import type { Connection } from './connection.ts'

export type SystemRow = {
  /** Grows with every hold, and what was written under an older one can be told. 0 before the first. */
  readonly epoch: number
  /** Which lock file counts: a takeover from a living holder moves on to the next one, since the old one cannot be taken from it. */
  readonly lock: number
  readonly holder: Holder | null
}

type Row = { readonly epoch: number; readonly lock: number; readonly holder: string | null }

/** The rows of the table `systems`: who holds what, in words. Who really holds it, the kernel knows. */
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

  /** Nothing where somebody else holds it by now. */
  clear(system: string, epoch: number): void {
    this.#clear.run(system, epoch)
  }
}

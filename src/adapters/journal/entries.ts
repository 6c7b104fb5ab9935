import type { Statement } from 'better-sqlite3'
import { canonical } from '../../kernel/json.ts'
import type { Head } from '../../run/journal/hash-chain.ts'
import type { Entry, Stored } from '../../run/journal/entry.ts'
import type { RunSummary } from '../../run/journal/journal.ts'
import { foldHistory, type HistoryFact } from '../../run/journal/history.ts'
import type { Connection } from './connection.ts'
import type { RunRow } from './run-table.ts'

type Row = Omit<Stored, 'entry'> & { readonly body: string }

/** The rows of the table `entries`. */
export class Entries {
  readonly #tail: Statement<[string], Head>
  readonly #hashAt: Statement<[string, number], string>
  readonly #insert: Statement<[Row]>
  readonly #rows: Statement<[string], Row>
  readonly #lines: Statement<[], { readonly id: number; readonly run: string; readonly line: string }>
  readonly #sealed: Statement<[], string>
  readonly #begun: Statement<[string], number>

  constructor(connection: Connection) {
    this.#tail = connection.prepare('SELECT seq, hash FROM entries WHERE run = ? ORDER BY seq DESC LIMIT 1')
    this.#hashAt = connection
      .prepare<[string, number], string>('SELECT hash FROM entries WHERE run = ? AND seq = ?')
      .pluck()
    this.#insert = connection.prepare(
      'INSERT INTO entries (run, seq, epoch, at, previous, hash, body) VALUES (@run, @seq, @epoch, @at, @previous, @hash, @body)',
    )
    this.#rows = connection.prepare(
      'SELECT run, seq, epoch, at, previous, hash, body FROM entries WHERE run = ? ORDER BY seq',
    )
    this.#lines = connection.prepare(
      'SELECT id, run, line FROM entries INDEXED BY lines WHERE line IS NOT NULL ORDER BY id',
    )
    // The last entry of each run is found in the index of (run, seq), without reading the others.
    this.#sealed = connection
      .prepare<[], string>(
        `SELECT run FROM (SELECT run, max(seq) AS seq FROM entries GROUP BY run) JOIN entries USING (run, seq)
        WHERE json_valid(body) AND json_extract(body, '$.type') = 'sealed'`,
      )
      .pluck()
    this.#begun = connection.prepare<[string], number>('SELECT count(*) FROM entries WHERE run = ?').pluck()
  }

  /** The last entry of a run; undefined for a run without any. */
  tail(run: string): Head | undefined {
    return this.#tail.get(run)
  }

  hashAt(run: string, seq: number): string | undefined {
    return this.#hashAt.get(run, seq)
  }

  has(run: string): boolean {
    return this.#begun.get(run) !== 0
  }

  insert({ entry, ...link }: Stored): void {
    this.#insert.run({ ...link, body: canonical(entry) } as Row)
  }

  /** The stored rows, unchecked. */
  of(run: string): readonly Stored[] {
    return this.#rows
      .all(run)
      .map(({ body, ...link }) => ({ ...link, entry: JSON.parse(body) as Entry }) as Stored)
  }

  lines(): readonly RunSummary[] {
    return foldHistory(
      this.#lines.all().map(({ run, line }) => [run, JSON.parse(line) as HistoryFact] as const),
      new Set(this.#sealed.all()),
    )
  }

  /** The same as rows of the table of runs, oldest first. */
  *rows(): Iterable<RunRow> {
    const ids = new Map<string, number>()
    for (const { id, run, line } of this.#lines.all())
      if (!ids.has(run) && (JSON.parse(line) as HistoryFact)[0] === 'opened') ids.set(run, id)
    for (const { run, outcome, released, sealed, ...line } of this.lines().toReversed()) {
      const { system, runbook, target, mode, startedAt, story } = line
      const opened: HistoryFact = ['opened', system, runbook, target, mode, startedAt, story]
      yield {
        id: ids.get(run) ?? null,
        run,
        opened: JSON.stringify(opened),
        outcome,
        released: released ? 1 : 0,
        sealed: sealed ? 1 : 0,
      }
    }
  }
}

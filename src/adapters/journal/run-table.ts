import type { Statement } from 'better-sqlite3'
import type { Outcome } from '../../run/journal/entry.ts'
import type { HistoryFact } from '../../run/journal/history.ts'
import type { RunFilter, RunSummary } from '../../run/journal/journal.ts'
import type { Connection } from './connection.ts'
import { isBusy, isDamage, shortageBehind } from './errors.ts'

/** `isOpen` and `isUnsealed` of the columns, word for word in the index and in the query that uses it. */
const pendingTerm = `mode = 'run' AND ((released = 0 AND (outcome IS NULL OR outcome = 'needs-human'))
  OR (sealed = 0 AND (released = 1 OR outcome IS NOT NULL)))`

/**
 * One row a run, so that a journal of many years is listed as fast as a new one. Triggers keep it, also where an
 * earlier version of the program writes. `id` is that of the first `opened` entry, `opened` the line of the
 * last. `run_list` has a row while `runs` is complete; `heads` is the state of the folder in which no head was
 * without an entry. Entries leave or change only where somebody has removed the triggers that forbid it: then
 * the table is made again.
 */
export const runTableSchema = `
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL UNIQUE,
  opened TEXT NOT NULL,
  outcome TEXT,
  released INTEGER NOT NULL DEFAULT 0,
  sealed INTEGER NOT NULL DEFAULT 0,
  system TEXT GENERATED ALWAYS AS (json_extract(opened, '$[1]')) STORED,
  runbook TEXT GENERATED ALWAYS AS (json_extract(opened, '$[2]')) STORED,
  target TEXT GENERATED ALWAYS AS (json_extract(opened, '$[3]')) STORED,
  mode TEXT GENERATED ALWAYS AS (json_extract(opened, '$[4]')) STORED,
  at TEXT GENERATED ALWAYS AS (json_extract(opened, '$[5]')) STORED
) STRICT;

CREATE INDEX runs_pending ON runs (id) WHERE ${pendingTerm};
CREATE INDEX runs_on_target ON runs (runbook, target, mode, id);

CREATE TABLE run_list (heads TEXT) STRICT;

CREATE TRIGGER runs_open AFTER INSERT ON entries WHEN json_extract(NEW.body, '$.type') = 'opened'
BEGIN
  INSERT INTO runs (id, run, opened) VALUES (NEW.id, NEW.run, NEW.line)
  ON CONFLICT (run) DO UPDATE SET opened = excluded.opened, outcome = NULL, released = 0, sealed = 0;
END;

CREATE TRIGGER runs_go_on AFTER INSERT ON entries WHEN json_extract(NEW.body, '$.type') <> 'opened'
BEGIN
  UPDATE runs SET
    outcome = iif(json_extract(NEW.body, '$.type') = 'settled', json_extract(NEW.body, '$.outcome'), outcome),
    released = released OR json_extract(NEW.body, '$.type') = 'released',
    sealed = json_extract(NEW.body, '$.type') = 'sealed'
  WHERE run = NEW.run AND (sealed OR json_extract(NEW.body, '$.type') IN ('settled', 'released', 'sealed'));
END;

CREATE TRIGGER runs_doubt_removed AFTER DELETE ON entries BEGIN DELETE FROM run_list; DELETE FROM runs; END;
CREATE TRIGGER runs_doubt_changed AFTER UPDATE ON entries BEGIN DELETE FROM run_list; DELETE FROM runs; END;
`

/**
 * Creates the table, and fills it from the entries of a journal of an earlier version, in one transaction.
 * Without room, or where the journal is damaged, there is none, and runs are listed from the entries.
 * @param all the runs, oldest first, with the identifiers of their first `opened` entries
 */
export function prepareRunTable(connection: Connection, path: string, all: () => Iterable<RunRow>): void {
  try {
    if (isComplete(connection)) return
    connection
      .transaction(() => {
        // Another process may have done it meanwhile.
        if (isComplete(connection)) return
        if (!exists(connection)) connection.exec(runTableSchema)
        const insert = connection.prepare<[RunRow]>(
          'INSERT INTO runs (id, run, opened, outcome, released, sealed) VALUES (@id, @run, @opened, @outcome, @released, @sealed)',
        )
        for (const run of all()) insert.run(run)
        connection.exec('INSERT INTO run_list (heads) VALUES (NULL)')
      })
      .immediate()
  } catch (thrown) {
    if (isBusy(thrown) || isDamage(thrown) || shortageBehind(thrown, path) !== null) return
    throw thrown
  }
}

export type RunRow = {
  readonly id: number | null
  readonly run: string
  readonly opened: string
  readonly outcome: Outcome | null
  readonly released: 0 | 1
  readonly sealed: 0 | 1
}

const exists = (connection: Connection): boolean =>
  connection.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'run_list'").pluck().get() === 1

const isComplete = (connection: Connection): boolean =>
  exists(connection) && connection.prepare('SELECT count(*) FROM run_list').pluck().get() !== 0

/** The table `runs`. */
export class RunTable {
  readonly #connection: Connection
  readonly #heads: Statement<[], string | null>
  readonly #remember: Statement<[string]>

  private constructor(connection: Connection) {
    this.#connection = connection
    this.#heads = connection.prepare<[], string | null>('SELECT heads FROM run_list').pluck()
    this.#remember = connection.prepare('UPDATE run_list SET heads = ?')
  }

  /** Null in a journal that has none. */
  static of(connection: Connection): RunTable | null {
    return exists(connection) ? new RunTable(connection) : null
  }

  get isComplete(): boolean {
    return this.#heads.get() !== undefined
  }

  /** State of the folder of heads in which none was lost; null for none. */
  get heads(): string | null {
    return this.#heads.get() ?? null
  }

  remember(heads: string): void {
    this.#remember.run(heads)
  }

  names(): readonly string[] {
    return this.#connection.prepare<[], string>('SELECT run FROM runs').pluck().all()
  }

  runs(wanted: RunFilter): readonly RunSummary[] {
    const { terms, values } = this.#terms(wanted)
    return this.#connection
      .prepare<unknown[], RunRow>(
        // The index has the ids, so that no row is read to be sorted and left out.
        `SELECT run, opened, outcome, released, sealed FROM runs
         WHERE id IN (SELECT id FROM runs ${terms} ORDER BY id DESC LIMIT ?) ORDER BY id DESC`,
      )
      .all(...values, wanted.newest ?? -1)
      .map(({ run, opened, outcome, released, sealed }) => {
        const [, system, runbook, target, mode, startedAt, story] = JSON.parse(opened) as Extract<
          HistoryFact,
          readonly ['opened', ...unknown[]]
        >
        const ended = { outcome, released: released === 1, sealed: sealed === 1 }
        return { run, system, runbook, target, mode, startedAt, ...ended, story }
      })
  }

  count(wanted: RunFilter): number {
    const { terms, values } = this.#terms(wanted)
    return Number(
      this.#connection
        .prepare<unknown[], number>(`SELECT count(*) FROM runs ${terms}`)
        .pluck()
        .get(...values),
    )
  }

  #terms({ id, runbooks, since, outcomes, pending, ...equal }: RunFilter): {
    readonly terms: string
    readonly values: readonly unknown[]
  } {
    const terms: string[] = []
    const values: unknown[] = []
    const add = (term: string, ...of: readonly unknown[]): void => {
      terms.push(`(${term})`)
      values.push(...of)
    }
    if (id !== undefined) {
      const exact = this.#connection.prepare('SELECT 1 FROM runs WHERE run = ?').get(id) !== undefined
      if (exact) add('run = ?', id)
      else add('substr(run, 1, length(?)) = ? OR substr(run, -length(?)) = ?', id, id, id, id)
    }
    const { system, runbook, target, mode } = equal
    for (const [name, value] of Object.entries({ system, runbook, target, mode }))
      if (value !== undefined) add(`${name} = ?`, value)
    for (const [name, values] of Object.entries({ runbook: runbooks, outcome: outcomes }))
      if (values !== undefined) add(`${name} IN (${values.map(() => '?').join(', ')})`, ...values)
    if (pending === true) add(pendingTerm)
    if (since !== undefined) add('at >= ?', since)
    return { terms: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values }
  }
}

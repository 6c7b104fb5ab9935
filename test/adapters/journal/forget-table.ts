import { join } from 'node:path'
import Database from 'better-sqlite3'

/** Leaves the journal as a version of the program wrote it that had no table of runs. */
export function forgetTable(state: string): void {
  const journal = new Database(join(state, 'journal.db'), { fileMustExist: true })
  journal.exec(`
    DROP TRIGGER runs_open;
    DROP TRIGGER runs_go_on;
    DROP TRIGGER runs_doubt_removed;
    DROP TRIGGER runs_doubt_changed;
    DROP TABLE runs;
    DROP TABLE run_list;
  `)
  journal.close()
}

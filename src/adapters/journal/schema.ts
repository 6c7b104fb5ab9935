/** `PRAGMA application_id`: marks a file as a journal of this program ("rbjl"). */
export const applicationId = 0x72626a6c

/** `PRAGMA user_version`. There has been no other: the first change brings the migration of this one, in one transaction, after a copy. */
export const schemaVersion = 1

/**
 * Entries only ever come. `id` is the order of writing over all runs, whatever the clock says. `line` is what lists of runs are told from,
 * derived from the entry by SQLite itself and kept in an index, so that thousands of runs are listed without opening their plans.
 */
export const schema = `
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  at TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  line TEXT GENERATED ALWAYS AS (
    CASE json_extract(body, '$.type')
      WHEN 'opened' THEN json_array('opened', json_extract(body, '$.plan.system'), json_extract(body, '$.plan.runbook'),
        json_extract(body, '$.plan.target.name'), json_extract(body, '$.mode'), at, json_extract(body, '$.story'))
      WHEN 'settled' THEN json_array('settled', json_extract(body, '$.outcome'))
      WHEN 'released' THEN json_array('released')
    END
  ) VIRTUAL,
  UNIQUE (run, seq)
) STRICT;

CREATE INDEX lines ON entries (id, run, line) WHERE line IS NOT NULL;

CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry of the journal is never changed'); END;
CREATE TRIGGER entries_never_leave BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'an entry of the journal is never removed'); END;
CREATE TRIGGER entries_never_replace BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.id OR (run = NEW.run AND seq >= NEW.seq))
BEGIN SELECT RAISE(ABORT, 'an entry of the journal is never replaced'); END;

CREATE TABLE systems (
  system TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  lock INTEGER NOT NULL,
  holder TEXT
) STRICT, WITHOUT ROWID;

PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'
import { openJournal } from '../../src/adapters/journal/open.ts'
import type { Journal } from '../../src/run/journal/journal.ts'
import { journalContract } from './journal.contract.ts'

const damage = {
  'last entry lost': 'DELETE FROM entries WHERE run = ? AND seq = 2',
  'all entries lost': 'DELETE FROM entries WHERE run = ?',
  'first entry altered': `UPDATE entries SET body = replace(body, 'ada', 'eve') WHERE run = ? AND seq = 0`,
}

journalContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runbook-journal-'))
  const journals: Journal[] = []
  return {
    async open(clock) {
      const journal = await openJournal(folder, clock)
      journals.push(journal)
      return journal
    },
    holder: (run) => ({ ...thisProcess('ada'), run, since: '2026-02-03T04:12:33.000Z' }),
    async damage(run, how) {
      const file = new Database(join(folder, 'journal.db'))
      file.exec('DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_leave;')
      file.prepare(damage[how]).run(run)
      file.close()
    },
    async close() {
      for (const journal of journals) await journal.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
})

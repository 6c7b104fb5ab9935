import type { BackupPlace } from '../../../drivers/backups.ts'
import type { Database } from '../../../drivers/databases.ts'
import { listBackups } from '../../../model/stored-backups.ts'
import { Notebook, type Check, type Subject } from '../check.ts'
import { restoreOf } from '../cures.ts'

export const database: Check = {
  id: 'database',
  of: 'target',
  looksAt: 'The database answers, accepts writes, has tables, and has no half-made copy of a run beside it.',
  run: async (subject) => {
    const {
      target: { database: live, backups },
      look,
    } = subject
    const notes = new Notebook()
    if (live === undefined) return notes.answer
    const identity = await notes.need(live.name, () => look.databases.identity(live))
    if (identity === undefined) return notes.answer
    notes.fact(`${live.engine} ${identity.version}, ${identity.bytes} bytes`)
    if (!identity.acceptsWrites)
      notes.refuse(
        live.name,
        `${live.name} accepts no writes`,
        'is this a replica, or is default_transaction_read_only on?',
      )
    if (backups !== undefined) await judgeEmpty(notes, subject, live, backups)
    const copies = await notes.seek('databases beside it', () => look.databases.beside(live))
    const ours = (copies ?? []).filter((name) => name.startsWith(`${live.name}__rb_`))
    for (const name of ours)
      notes.warn(
        name,
        `${name} is a copy that a run left beside ${live.name}`,
        'if no run is open, drop it; `runbook status` shows open runs',
      )
    return notes.answer
  },
}

/** A database without tables that has backups has lost its data, or was created again beside it. */
async function judgeEmpty(
  notes: Notebook,
  subject: Subject,
  live: Database,
  backups: BackupPlace,
): Promise<void> {
  const { look } = subject
  const contents = await notes.seek('tables', () => look.databases.contents(live, live.name))
  if (contents === undefined || contents.tables.length > 0) return
  const [newest] = (await notes.seek('backups', () => listBackups(look, backups))) ?? []
  if (newest === undefined) return
  notes.refuse(
    live.name,
    `${live.name} has no table, and there are backups of it, the newest ${newest.name}`,
    `if its data is nowhere else, restore it: ${restoreOf(subject) ?? '`runbook list` says what full-db-rollback lacks for it'}`,
  )
}

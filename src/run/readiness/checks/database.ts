import { Notebook, type Check } from '../check.ts'

export const database: Check = {
  id: 'database',
  of: 'target',
  looksAt: 'The database answers, accepts writes, and has no half-made copy of a run beside it.',
  run: async ({ target: { database: live }, look }) => {
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

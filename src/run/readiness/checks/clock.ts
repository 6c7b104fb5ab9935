import { listBackups } from '../../../model/stored-backups.ts'
import { Notebook, type Check } from '../check.ts'

/** Clocks of two machines differ a little. */
const skewSeconds = 60

/** Seconds since 1970, by the clock of the server. */
export const serverTime = 'select extract(epoch from clock_timestamp()) as now'

export const clock: Check = {
  id: 'clock',
  of: 'target',
  looksAt:
    "This machine's clock agrees with the database server's and with the times in journal and backups.",
  run: async ({ target: { database, backups }, look, clock: own, journal }) => {
    const notes = new Notebook()
    const ahead = (at: string): number => (Date.parse(at) - own.now().getTime()) / 1000
    const [last] = await journal.runs({ newest: 1 })
    if (last !== undefined && ahead(last.startedAt) > skewSeconds)
      notes.refuse(
        'clock',
        `the newest run began ${last.startedAt}, which is in the future: this clock went back`,
        'set the clock (timedatectl status) before anything is judged by its age',
      )
    if (backups !== undefined) {
      const all = (await notes.seek('backups', () => listBackups(look, backups))) ?? []
      for (const { file, takenAt } of all)
        if (ahead(takenAt) > skewSeconds)
          notes.warn(
            file,
            `backup ${file} is dated in the future: ${takenAt}`,
            'check the clock of the machine that makes the backups (date -u); times in names are read as UTC',
          )
    }
    notes.fact(own.now().toISOString())
    if (database?.engine !== 'postgres') return notes.answer
    const before = own.monotonic()
    const rows = await notes.seek('clock of the server', () =>
      look.databases.query(database, database.name, serverTime),
    )
    const server = Number(rows?.[0]?.['now'])
    if (rows === undefined) return notes.answer
    if (!Number.isFinite(server)) {
      notes.unchecked('clock of the server', 'it did not tell its time')
      return notes.answer
    }
    // The question itself may take a while on a slow machine.
    const tookSeconds = (own.monotonic() - before) / 1000
    const apart = Math.abs(own.now().getTime() / 1000 - server)
    if (apart > skewSeconds + tookSeconds)
      notes.refuse(
        'clock',
        `the clocks of this machine and of the database server are ${Math.round(apart)} s apart`,
        'set both (timedatectl status): ages of backups and the recovery point would be wrong',
      )
    return notes.answer
  },
}

import { SqliteJournal } from '../../src/adapters/journal/journal.ts'

/**
 * Loaded into the real program with `node --import`: kills it with SIGKILL at one point of its journal.
 * KILL_AT is `before|after|during ENTRY STEP [MILLISECONDS]`: before the entry is written, after it is durable, or so long after it.
 */
const [when, type, step, wait] = (process.env['KILL_AT'] ?? '').split(' ')

const die = (): void => void process.kill(process.pid, 'SIGKILL')

if (when !== undefined && type !== undefined) {
  const append = SqliteJournal.prototype.append
  SqliteJournal.prototype.append = async function appendOrDie(this: SqliteJournal, hold, run, entry) {
    const here = entry.type === type && (step === undefined || step === '' || step === '-' || entry['step'] === step)
    if (here && when === 'before') die()
    const stored = await append.call(this, hold, run, entry)
    if (here && when === 'after') die()
    if (here && when === 'during') setTimeout(die, Number(wait ?? 0))
    return stored
  }
}

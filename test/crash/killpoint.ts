import { SqliteJournal } from '../../src/adapters/journal/journal.ts'
import type { Kill } from './kill.ts'

/** Loaded into the real program with `node --import`: kills it with SIGKILL at the point of its journal that KILL_AT names. */
const { when, type, step, count = 1, wait = 0 } = JSON.parse(process.env['KILL_AT'] ?? '{}') as Partial<Kill>

const die = (): void => void process.kill(process.pid, 'SIGKILL')

if (when !== undefined) {
  const append = SqliteJournal.prototype.append
  let seen = 0
  let doomed: unknown
  SqliteJournal.prototype.append = async function appendOrDie(
    this: SqliteJournal,
    hold,
    run,
    entry,
    durability,
  ) {
    if (doomed !== undefined && entry['step'] === doomed && /^(?:undo-)?ended$/.test(entry.type)) die()
    const matches =
      (type === undefined || entry.type === type) && (step === undefined || entry['step'] === step)
    if (matches) seen += 1
    const here = matches && seen === count
    if (here && when === 'before') die()
    const stored = await append.call(this, hold, run, entry, durability)
    if (here && when === 'after') die()
    if (here && when === 'during') {
      doomed = entry['step']
      setTimeout(die, wait)
    }
    return stored
  }
}

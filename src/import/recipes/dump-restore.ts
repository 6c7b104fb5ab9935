import type { Draft } from '../draft.ts'
import { stopped } from './services.ts'

export const dumpParam = (draft: Draft): string =>
  draft.param('dump', `param.path('Dump to restore').optional('the newest one')`)

/** The dump, verified before anything else. */
export const archive = (draft: Draft): string =>
  draft.once(
    'verifyDump',
    'Choose and verify the dump',
    () =>
      `{ database: ${draft.need('database')}, from: ${draft.need('backups')}, file: ${dumpParam(draft)}, takenBefore: null }`,
  )

const beside = (draft: Draft): string =>
  draft.once(
    'restoreBeside',
    'Restore beside the live database',
    () => `{ database: ${draft.need('database')}, archive: ${archive(draft)} }`,
  )

const lossParam = (draft: Draft): string =>
  draft.param('acceptLoss', `param.text('Tables that may be lost, separated by commas').optional('none')`)

const again = (draft: Draft): string =>
  `{ from: ${draft.need('backups')}, flag: 'dump', params: { acceptLoss: ${lossParam(draft)} } }`

/** What the restore would lose, found out while everything still runs. */
const compared = (draft: Draft): string =>
  draft.once(
    'compareContents',
    'Compare the dump with the live database',
    () =>
      `{ database: ${draft.need('database')}, archive: ${archive(draft)}, strategy: 'beside', acceptLoss: ${lossParam(draft)}, file: ${dumpParam(draft)}, takenBefore: null, rpoSeconds: target.objectives.rpoSeconds, again: ${again(draft)} }`,
  )

export const provenCopy = (draft: Draft): string =>
  draft.once('assertCopy', 'Assert on the copy', () => {
    const copy = beside(draft)
    return `{ database: ${draft.need('database')}, copy: ${copy}, archive: ${archive(draft)}, assertions: ${draft.need('assertions')}, live: ${compared(draft)}, acceptLoss: ${lossParam(draft)}, again: ${again(draft)} }`
  })

/** The result of a run that replaces data, on the team's checklist where it has one. */
export function logged(draft: Draft, file: string): void {
  draft.lastly(
    'logResult',
    'Log the result',
    `{ checklist: target.checklist?.file ?? null, about: maybe(${file}) }`,
  )
}

/** The swap of the proven copy, which a person approves before anything changes. */
export function swappedDatabase(draft: Draft): void {
  const dump = archive(draft)
  const live = compared(draft)
  const database = draft.need('database')
  draft.ask(
    `{ phrase: ${database}.confirmPhrase, acceptsEnvironment: true, showing: { database: ${database}.name, dump: ${dump}.file, taken: maybe(${dump}.taken), age: ${live}.age, live: ${live}.live, 'would be lost': ${live}.losses, 'attached to the live database': ${live}.attached } }`,
    [dump, live],
  )
  const staged = provenCopy(draft)
  const writers = stopped(draft)
  const old = draft.once(
    'swapDatabase',
    'Swap the restored database in',
    () =>
      `{ database: ${database}, staged: ${staged}, writers: ${writers}, services: ${draft.need('writers')} }`,
  )
  // It stays closed until no rollback needs the proof that nobody wrote to it; a file of SQLite is never closed.
  const replaced =
    draft.facts.file === null
      ? draft.last('openReplaced', 'Open the old database', `{ database: ${database}, name: ${old}.aside }`)
      : `{ name: ${old}.aside }`
  draft.last(
    'recordReplaced',
    'Record the old data',
    `{ database: ${database}, replaced: ${replaced}, restored: ${staged}.tables }`,
  )
  logged(draft, `${dump}.file`)
}

import type { Draft } from '../draft.ts'
import { useOf } from '../host-database.ts'
import { literal } from '../literal.ts'
import type { Step } from '../procedure.ts'
import { startsServer } from '../traps/postgres.ts'
import { archive, dumpParam, logged, provenCopy, swappedDatabase } from './dump-restore.ts'
import { type Recipes } from './recipe.ts'
import { stopped } from './services.ts'

const backupParam = (draft: Draft): string =>
  draft.param('backup', `param.path('Backup to restore').optional('the newest one')`)

const dump = (draft: Draft): string =>
  draft.once('chooseDump', 'Choose the dump', () => {
    const database = draft.need('database')
    return `{ engine: ${database}.engine, name: ${database}.name, from: ${draft.need('backups')}, file: ${dumpParam(draft)} }`
  })

const throwaway = (draft: Draft): string =>
  draft.once(
    'startThrowaway',
    "Start a throwaway Postgres of the dump's major version",
    () => `{ purpose: 'restore-test', by: ${draft.need('restoreTest')}, dump: ${dump(draft)} }`,
  )

const read = (draft: Draft): string =>
  draft.once('readDump', 'Read the complete dump', () => {
    const server = throwaway(draft)
    return `{ throwaway: ${server}, dump: ${dump(draft)} }`
  })

const roles = (draft: Draft): string =>
  draft.once('createRoles', 'Create the roles that the dump needs', () => {
    const server = throwaway(draft)
    return `{ throwaway: ${server}, archive: ${read(draft)} }`
  })

const restored = (draft: Draft): string =>
  draft.once('restoreIntoThrowaway', 'Restore the dump into the throwaway Postgres', () => {
    const server = throwaway(draft)
    const made = roles(draft)
    return `{ throwaway: ${server}, by: ${draft.need('restoreTest')}, archive: ${read(draft)}, roles: ${made} }`
  })

const provenRestore = (draft: Draft): string =>
  draft.once('assertRestored', 'Assert on the restored data', () => {
    const copy = restored(draft)
    return `{ database: ${throwaway(draft)}.database, copy: ${copy}, archive: ${read(draft)}, assertions: ${draft.need('assertions')} }`
  })

/** The copy of a SQLite database that was live, made while nothing writes. */
const kept = (draft: Draft): string =>
  draft.once('keepVolumeDatabase', 'Back up the live database', () => {
    const writers = stopped(draft)
    const { at, name } = volume(draft)
    return `{ at: ${at}, name: ${name}, folder: ${draft.need('retention')}.dumps, label: 'current', writers: ${writers}, services: ${draft.need('writers')} }`
  })

function volume(draft: Draft): { readonly at: string; readonly name: string; readonly all: string } {
  const all = draft.need('volumeDatabase')
  return { at: `${all}.at`, name: `${all}.name`, all }
}

/** The verified backup of a SQLite database. */
export const found = (draft: Draft): string =>
  draft.once(
    'verifyBackup',
    'Choose and verify the backup',
    () => `{ from: ${draft.need('backups')}, file: ${backupParam(draft)} }`,
  )

/** A staging folder, which every run removes at its end. */
export function staging(draft: Draft, more: string): string {
  const under = draft.need('staging')
  const folder = draft.once('makeStaging', 'Create a staging folder', () => `{ under: ${under}, ${more} }`)
  draft.lastly('removeStaging', 'Clean up staging', `{ under: ${under} }`)
  return folder
}

const readable = (draft: Draft): string =>
  draft.once('decryptBackup', 'Decrypt the backup', () => {
    const backup = found(draft)
    const folder = staging(
      draft,
      `archives: [{ from: ${draft.need('backups')}, file: ${backupParam(draft)}, as: 'database' }]`,
    )
    return `{ backup: ${backup}, staging: ${folder}, passphrase: ${volume(draft).all}.passphrase }`
  })

const unpacked = (draft: Draft): string =>
  draft.once('unpackBackup', 'Unpack the backup', () => {
    const backup = readable(draft)
    const passphrase = `${draft.need('backups')}.decrypt ?? ${volume(draft).all}.passphrase`
    return `{ backup: ${backup}, verified: ${found(draft)}, staging: ${draft.output('makeStaging') ?? ''}, passphrase: ${passphrase} }`
  })

const examined = (draft: Draft): string =>
  draft.once('examineBackup', 'Check backup integrity', () => {
    const file = unpacked(draft)
    const { all, name } = volume(draft)
    return `{ backup: ${file}, name: ${name}, assertions: [], business: ${all}.business }`
  })

function swapped(draft: Draft, backup: string): string {
  const { at, all, name } = volume(draft)
  const source = draft.output('verifyBackup')
  const shown = source === null ? '' : `, backup: ${source}.file, taken: maybe(${source}.taken)`
  draft.ask(
    `{ phrase: ${all}.confirmPhrase, acceptsEnvironment: true, showing: { database: ${name}, service: ${at}.service, file: ${at}.path${shown} } }`,
    source === null ? [] : [source],
  )
  const copy = kept(draft)
  const done = draft.once(
    'swapVolumeDatabase',
    'Swap the restored database in',
    () =>
      `{ at: ${at}, backup: ${backup}, kept: ${copy}, writers: ${stopped(draft)}, services: ${draft.need('writers')}, ownership: ${all}.ownership, keepIn: { folder: ${draft.need('retention')}.dumps, name: ${name} } }`,
  )
  draft.last(
    'removeOldFile',
    'Remove the old file from the volume',
    `{ at: ${at}, swapped: ${done}, kept: ${copy} }`,
  )
  if (source !== null) logged(draft, `${source}.file`)
  return done
}

/** The revision of `alembic downgrade`; null: one step down. */
function revisionOf({ program }: Step): string {
  const to = program.args[program.args.indexOf('downgrade') + 1] ?? '-1'
  return /^[0-9a-f]{4,}$/.test(to) ? literal(to) : 'null'
}

const downgrades = ({ program }: Step): boolean =>
  program.program === 'alembic' && program.args.includes('downgrade')

/** One target has one database. */
const otherDatabase = ({ facts: { file } }: Draft): string =>
  `The runbook is about ${file ?? 'another database'}: this database needs a target of its own.`

const usesThrowaway = (all: readonly Step[]): boolean => all.some(startsServer)
const restores = (all: readonly Step[]): boolean =>
  all.some(({ program }) => program.program === 'pg_restore')

const rowParams = (draft: Draft): { readonly tables: string; readonly key: string } => ({
  tables: draft.param(
    'tables',
    `param.text('Tables, each with the column that identifies the lost rows, parents first, such as projects:id')`,
  ),
  key: draft.param('key', `param.text('Value of those columns: the id of what is lost')`),
})

export const databases: Recipes = {
  verifyDump: (draft) => {
    if (draft.facts.volume === null) archive(draft)
    else examined(draft)
  },
  startThrowaway: (draft) => void throwaway(draft),
  readDump: (draft, _, all) => void (usesThrowaway(all) ? read(draft) : archive(draft)),
  createRoles: (draft, _, all) => (usesThrowaway(all) ? void roles(draft) : false),
  restoreIntoThrowaway: (draft) => void restored(draft),
  assertCopy: (draft, _, all) => {
    if (usesThrowaway(all)) provenRestore(draft)
    else if (restores(all)) provenCopy(draft)
    else return false
  },
  dropThrowaway: (draft, _, all) => {
    if (!usesThrowaway(all)) return false
    draft.last('dropThrowaway', 'Drop the throwaway Postgres', `{ throwaway: ${throwaway(draft)} }`)
  },
  restoreBeside: (draft, step, all) => {
    const { program, main, shell } = step
    const use = useOf(step, all.slice(0, all.indexOf(step)))
    if (use !== null && use.file !== draft.facts.file) return otherDatabase(draft)
    // Named in a sentence, with neither a dump nor a database.
    if (
      program.args.every((arg) => arg.startsWith('-')) &&
      main.reads.length === 0 &&
      main.input === null &&
      shell.stages.length === 1
    )
      return false
    swappedDatabase(draft)
  },
  dumpDatabase: (draft, step, all) => {
    const use = useOf(step, all.slice(0, all.indexOf(step)))
    if (use !== null && draft.facts.volume !== null) return void kept(draft)
    if (use !== null && use.file !== draft.facts.file) return otherDatabase(draft)
    const database = draft.need('database')
    draft.once(
      'dumpDatabase',
      'Dump the live database',
      () =>
        `{ database: ${database}, name: ${database}.name, folder: ${draft.need('retention')}.dumps, label: 'before-rollback' }`,
    )
  },
  downgradeDatabase: (draft, step, commands) => {
    const sqlite = draft.facts.volume !== null
    if (draft.output('swapDatabase') !== null || draft.output('swapVolumeDatabase') !== null)
      return 'After a restore it could not be undone: make one of them a runbook of its own.'
    const earlier = commands.slice(0, commands.indexOf(step)).find(downgrades)
    if (earlier !== undefined && revisionOf(earlier) !== revisionOf(step))
      return `Line ${earlier.line} goes to another revision already: make one of them a runbook of its own.`
    const tool = `${draft.need('migrations')}.tool`
    const database = sqlite ? volume(draft).at : draft.need('database')
    const assessment = draft.once(
      'assessMigrations',
      'Identify the current migration',
      () =>
        `{ database: ${database}, tool: ${tool}, image: ${sqlite ? `'{tag}'` : `${draft.need('version')}.image`}, tag: null, to: ${revisionOf(step)} }`,
    )
    if (!sqlite) {
      const writers = stopped(draft)
      const fallback = draft.once(
        'dumpDatabase',
        'Dump the live database',
        () =>
          `{ database: ${database}, name: ${database}.name, folder: ${draft.need('retention')}.dumps, label: 'before-downgrade' }`,
      )
      draft.once(
        'downgradeDatabase',
        'Downgrade the database in isolation',
        () =>
          `{ database: ${database}, assessment: ${assessment}, fallback: ${fallback}, writers: ${writers}, services: ${draft.need('writers')}, empty: null }`,
      )
      return
    }
    const { at, all, name } = volume(draft)
    const folder = staging(draft, `copies: [${at}]`)
    const copy = kept(draft)
    const lowered = draft.once(
      'downgradeCopy',
      'Downgrade a copy and verify its revision',
      () => `{ at: ${at}, kept: ${copy}, staging: ${folder}, assessment: ${assessment}, empty: null }`,
    )
    swapped(
      draft,
      draft.once(
        'examineBackup',
        'Check the downgraded copy',
        () => `{ backup: ${lowered}, name: ${name}, assertions: [], business: ${all}.business }`,
      ),
    )
  },
  keepVolumeDatabase: (draft) => (draft.facts.volume === null ? false : void kept(draft)),
  swapVolumeDatabase: (draft) => (draft.facts.volume === null ? false : void swapped(draft, examined(draft))),
  decryptBackup: (draft) => (draft.facts.volume === null ? false : void readable(draft)),
  exportRows: (draft) => {
    if (draft.facts.volume === null) return false
    const backup = examined(draft)
    const { tables, key } = rowParams(draft)
    const folder = draft.param(
      'export',
      `param.path('Folder for the rows of the backup as CSV, one file per table')`,
    )
    const { name } = volume(draft)
    draft.once(
      'exportRows',
      'Export the rows of the backup',
      () =>
        `{ database: { engine: 'sqlite', name: 'backup', file: ${backup}.file, confirmPhrase: ${name}, fingerprint: 'rows' }, copy: { name: 'backup', bytes: ${backup}.bytes }, tables: ${tables}, key: ${key}, folder: ${folder} }`,
    )
  },
  mergeRows: (draft) => {
    if (draft.facts.volume === null) return false
    const backup = examined(draft)
    const copy = kept(draft)
    const { tables, key } = rowParams(draft)
    const folder = draft.output('makeStaging') ?? ''
    const merged = draft.once(
      'mergeRows',
      'Insert missing rows into a copy',
      () => `{ kept: ${copy}, backup: ${backup}, staging: ${folder}, tables: ${tables}, key: ${key} }`,
    )
    swapped(draft, merged)
  },
  putFileBack: (draft, step) => {
    const path = step.program.args.find((arg) => arg.startsWith('/')) ?? ''
    // Owner and mode of a database are set when it is swapped in.
    if (/\.(db|sqlite3?)$/.test(path) && draft.facts.volume !== null)
      return void swapped(draft, examined(draft))
    putDocumentBack(draft)
  },
  findInTree: (draft) => void document(draft),
}

function document(draft: Draft): { readonly at: string; readonly found: string; readonly folder: string } {
  const all = draft.need('documents')
  const file = draft.param('backup', `param.path('Backup to read').optional('the newest one')`)
  const tree = draft.once(
    'chooseTree',
    'Choose the backup',
    () => `{ from: ${all}.backups, path: ${file}, passphrase: ${all}.passphrase }`,
  )
  const folder = staging(draft, `archives: [{ from: ${all}.backups, file: ${file}, as: 'tree' }]`)
  const open = draft.once(
    'openTree',
    'Extract the backup',
    () => `{ tree: ${tree}, staging: ${folder}, passphrase: ${all}.passphrase }`,
  )
  const found = draft.once(
    'findInTree',
    'Find the document in the backup',
    () =>
      `{ tree: ${open}, below: ${all}.at.path.slice(${all}.at.path.lastIndexOf('/') + 1), id: ${draft.param('document', `param.text('Id of the document: its file name')`)}, project: null }`,
  )
  return { at: `${all}.at`, found, folder }
}

function putDocumentBack(draft: Draft): void {
  const { at, found: file, folder } = document(draft)
  const compared = draft.once(
    'compareFile',
    'Compare the document with the live one',
    () => `{ at: ${at}, found: ${file} }`,
  )
  draft.once(
    'putFileBack',
    'Restore the document',
    () =>
      `{ at: ${at}, found: ${file}, compared: ${compared}, staging: ${folder}, ownership: ${draft.need('documents')}.ownership }`,
  )
}

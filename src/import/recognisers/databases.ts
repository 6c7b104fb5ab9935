import { isTransient } from '../backup-paths.ts'
import { inContainer } from '../docker.ts'
import { useOf } from '../host-database.ts'
import type { Options } from '../options.ts'
import type { Step } from '../procedure.ts'
import { builtIn, into, shows, type Recogniser } from '../recogniser.ts'
import { clientOptions, startsServer } from '../traps/postgres.ts'
import { copied } from '../traps/sqlite.ts'

const runs =
  (program: string, argument?: string) =>
  ({ program: found }: Step): boolean =>
    found.program === program && (argument === undefined || found.args.includes(argument))

/** What is asked of a database: an argument, a here-document. */
const asked = ({ program, main }: Step): string =>
  [...program.args.slice(program.program === 'sqlite3' ? 1 : 0), main.input ?? ''].join('\n')

const psql = ({ program }: Step): Options => clientOptions(program)
const isDatabase = (path: string): boolean => /\.(db|sqlite|sqlite3)$/i.test(path)
const intoContainer = (step: Step): boolean => {
  // Of rsync and scp, what comes before the colon is a host.
  if (step.docker?.verb !== 'cp' && step.compose?.verb !== 'cp') return false
  const copy = copied(step)
  return copy !== null && inContainer(copy.to) !== null
}

/** Whether a later command puts a backup in the place of a SQLite file of this machine. */
const isRestoredLater = (step: Step, before: readonly Step[], after: readonly Step[]): boolean =>
  after.some((one, index) => useOf(one, [...before, step, ...after.slice(0, index)])?.as === 'restored')

/** A copy in `/tmp` is only looked into. */
const isCopyToKeep = (use: ReturnType<typeof useOf>): boolean => use?.as === 'kept' && !isTransient(use.other)

const listed = (step: Step): boolean => step.program.args.some((arg) => arg === '--list' || arg === '-l')

export const databases: readonly Recogniser[] = [
  into('restoreBeside', (step, before) => useOf(step, before)?.as === 'restored'),
  builtIn(
    'the swap keeps the old database under a name of the run',
    (step, before, after) => useOf(step, before)?.as === 'kept' && isRestoredLater(step, before, after),
  ),
  into('dumpDatabase', (step, before) => isCopyToKeep(useOf(step, before))),
  builtIn(
    'the swap replaces the file together with its log',
    ({ program: { program, args } }, before, after) =>
      program === 'rm' &&
      args.every((arg) => arg.startsWith('-') || /-(?:wal|shm|journal|\*)$/.test(arg)) &&
      args.some((arg) => /\.(?:db|sqlite3?)-/.test(arg)) &&
      [...before, ...after].some((one) => useOf(one, before)?.as === 'restored'),
  ),
  into('downgradeDatabase', runs('alembic', 'downgrade')),
  shows(
    'revisions of migrations',
    (step) =>
      runs('alembic')(step) &&
      step.program.args.some((arg) => ['current', 'history', 'heads', 'show', 'check'].includes(arg)),
  ),
  into('dumpDatabase', (step) => runs('pg_dump')(step) || runs('pg_dumpall')(step)),
  into('readDump', (step) => runs('pg_restore')(step) && listed(step)),
  into('restoreIntoThrowaway', (step, before) => runs('pg_restore')(step) && before.some(startsServer)),
  into('restoreBeside', runs('pg_restore')),
  into(
    'assertCopy',
    (step) => runs('psql')(step) && /^\s*select\b/i.test(psql(step).value('command', 'c') ?? ''),
  ),
  into(
    'createRoles',
    (step) =>
      (runs('psql')(step) && /create\s+role/i.test(psql(step).value('command', 'c') ?? '')) ||
      runs('createuser')(step),
  ),
  into(
    'restoreBeside',
    (step) =>
      runs('psql')(step) &&
      (psql(step).has('file', 'f') || step.main.reads.length > 0 || step.shell.stages[0] !== step.main),
  ),
  into(
    'verifyDump',
    (step) => runs('sqlite3')(step) && /integrity_check|quick_check|foreign_key_check/i.test(asked(step)),
  ),
  into(
    'exportRows',
    (step) =>
      runs('sqlite3')(step) &&
      /\.output|\.mode csv|\.dump/i.test(asked(step)) &&
      !/\binsert\b/i.test(asked(step)),
  ),
  into('keepVolumeDatabase', (step) => runs('sqlite3')(step) && /\.backup|vacuum into/i.test(asked(step))),
  into('mergeRows', (step) => runs('sqlite3')(step) && /\binsert\b/i.test(asked(step))),
  into(
    'mergeRows',
    (step) => runs('sqlite3')(step) && step.main.reads.some((path) => /\.(sql|dump)$/.test(path)),
  ),
  shows(
    'rows of a database',
    (step) => runs('sqlite3')(step) && /^\s*(select|pragma|\.(tables|schema|count))/i.test(asked(step)),
  ),
  into('swapVolumeDatabase', (step) => intoContainer(step) && isDatabase(copied(step)?.to ?? '')),
  into(
    'keepVolumeDatabase',
    (step) => step.docker?.verb === 'cp' && isDatabase(copied(step)?.from ?? '') && !intoContainer(step),
  ),
  into('putFileBack', intoContainer),
  into(
    'putFileBack',
    ({ program }) => program.inside !== null && (program.program === 'chown' || program.program === 'chmod'),
  ),
]

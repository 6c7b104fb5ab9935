import { RunbookError } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Databases, PostgresDatabase } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Secrets } from '../../drivers/secrets.ts'
import type { KeptPrograms } from '../process/kept-programs.ts'
import type { Shell } from '../process/shell.ts'
import { unwrapDumps } from './members/unwrap-dumps.ts'
import { attachments } from './attachments.ts'
import { bytes } from './bytes.ts'
import { containerServer, reloadIn, type ExecIn } from './server/container-server.ts'
import { contents } from './database-contents.ts'
import { createRoles } from './create-roles.ts'
import { drop } from './drop.ts'
import { dump } from './dump.ts'
import { beside, existsTogether } from './exists.ts'
import { fingerprint } from './fingerprint.ts'
import { fit } from './fit.ts'
import { freeBytes } from './free-bytes.ts'
import { hostServer } from './server/host-server.ts'
import { keptPsql } from './server/kept-psql.ts'
import { readExclusively } from './read-exclusively.ts'
import { refusalsOnce } from './server/refusals-once.ts'
import { identity } from './identity.ts'
import { tableIds } from './table-ids.ts'
import { listing, openDatabase } from './listing.ts'
import { header, inspect } from './inspect.ts'
import { defaultPatienceMilliseconds } from './server/drain-sessions.ts'
import { endOwnSessionsOnAbort } from './server/end-own-sessions.ts'
import { missingRights } from './missing-rights.ts'
import { query } from './query.ts'
import { restoreRights } from './limited/restore-rights.ts'
import { restoreBeside } from './restore-beside.ts'
import { restoreExactly, restoreInPlace } from './restore-in-place.ts'
import { deleteRows, insertRows, rows, values } from './rows.ts'
import type { Server } from './server/server.ts'
import { sessions } from './server/sessions.ts'
import { whileStarting } from './server/while-starting.ts'
import { nameAgain, swap } from './swap.ts'
import { unreadable } from './unreadable.ts'
import { partialName } from './partial-name.ts'

export type PostgresDeps = {
  readonly shell: Shell
  readonly execIn: ExecIn
  readonly secrets: Secrets
  readonly scope: Scope
  readonly clock: Clock
  readonly patienceMilliseconds?: number
  /** Left out, each attempt starts its own clients. */
  readonly programs?: KeptPrograms
  /** Questions that are asked at the same time wait for one another, so that they need one client. */
  readonly oneClient?: boolean
}

/** A server for one attempt, and the question that shares its clients. */
type Place = { readonly server: Server; readonly exists: (name: string) => Promise<boolean> }

/** The databases port for PostgreSQL 13 and newer, for one attempt of a step. All SQL goes through psql. */
export function postgresDatabases(given: PostgresDeps): Databases {
  const means = { ...given, scope: refusalsOnce(given.scope) }
  const { scope, clock, execIn, patienceMilliseconds = defaultPatienceMilliseconds } = means
  const policy = { clock, patienceMilliseconds }
  const places = new Map<string, Place>()

  const placeOf = (database: Database): Place => {
    if (database.engine !== 'postgres')
      throw new RunbookError('bug', `the PostgreSQL driver was given a database of ${database.engine}`)
    const key = JSON.stringify(database)
    const known = places.get(key)
    if (known !== undefined) return known
    const server = serverOfAttempt(database, means)
    const place = { server, exists: existsTogether(server, scope) }
    places.set(key, place)
    return place
  }
  const at = (database: Database): Server => placeOf(database).server

  return {
    identity: async (database, name) => identity(at(database), scope, name),
    tableIds: async (database) => tableIds(at(database), scope),
    exists: async (database, name) => placeOf(database).exists(name),
    listing: async (database, name) => listing(at(database), name, scope),
    // Its files change without any change of rows: vacuum, hint bits, freezing.
    fileVersion: async () => null,
    beside: async (database) => beside(at(database), database.name, scope),
    bytes: async (database, name) => bytes(at(database), name, scope),
    leftover: async (database, name) => placeOf(database).exists(partialName(name)),
    fingerprint: async (database, name) => fingerprint(at(database), name, scope),
    contents: async (database, name) => contents(at(database), name, scope),
    attachments: async (database) => attachments(at(database), scope),
    unreadable: async (database) => unreadable(at(database), scope),
    missingRights: async (database, change) => missingRights(at(database), change, scope),
    query: async (database, name, sql) => query(at(database), name, sql, scope),
    rows: async (database, name, choices) => rows(at(database), name, choices, scope),
    values: async (database, name, of) => values(at(database), name, of, scope),
    inspect: async (database, file, opening) => inspect(at(database), { file, ...opening }, scope),
    // Completeness is all that `inspect` asks of a dump of Postgres.
    readBack: async (database, file) => inspect(at(database), { file }, scope),
    header: async (_database, file, opening) =>
      header({ unwrap: unwrapDumps(means) }, { file, ...opening }, scope),
    fit: async (database, dump) => fit(at(database), dump, scope),
    restoreRights: async (database, dump, name) => restoreRights(at(database), dump, name, scope),
    sessions: async (database, name) => sessions(at(database), [name], scope),
    freeBytes: async (database) => freeBytes(at(database), scope),
    tools: async (database) => at(database).tools(scope),
    restoreBeside: async (database, dump, name, rights) =>
      restoreBeside(at(database), dump, name, scope, rights),
    readExclusively: async (database, name, read) =>
      readExclusively(at(database), name, policy, scope, async (inside) =>
        read({
          fingerprint: async (_, of) => fingerprint(inside, of, scope),
          query: async (_, of, sql) => query(inside, of, sql, scope),
        }),
      ),
    async reload(database) {
      if (database.engine === 'postgres' && database.via.kind === 'compose')
        return reloadIn(database.via, execIn, scope)
      throw new RunbookError(
        'failed',
        `cannot reload the settings of the server of ${database.name}: not in a container of the stack`,
        { hint: 'run by hand: SELECT pg_reload_conf()' },
      )
    },
    drop: async (database, name) => drop(at(database), name, scope),
    swap: async (database, { aside, ...names }) =>
      aside === null
        ? nameAgain(at(database), { live: database.name, ...names }, policy, scope)
        : swap(at(database), { live: database.name, aside, ...names }, policy, scope),
    open: async (database, name) => openDatabase(at(database), name, scope),
    dump: async (database, name, file) => dump(at(database), name, file, scope),
    restoreInPlace: async (database, dump) => restoreInPlace(at(database), dump, policy, scope),
    restoreExactly: async (database, dump) => restoreExactly(at(database), dump, policy, scope),
    insertRows: async (database, batch) => insertRows(at(database), batch, scope),
    deleteRows: async (database, batch) => deleteRows(at(database), batch, scope),
    createRoles: async (database, roles) => createRoles(at(database), roles, scope),
  }
}

export function serverOf(
  database: PostgresDatabase,
  { shell, execIn, secrets, clock }: Pick<PostgresDeps, 'shell' | 'execIn' | 'secrets' | 'clock'>,
): Server {
  const { via } = database
  const server =
    via.kind === 'server'
      ? hostServer(database, via, { shell, secrets })
      : containerServer(database, via, execIn, { secrets, unwrap: unwrapDumps({ shell, secrets }) })
  return whileStarting(endOwnSessionsOnAbort(server, clock), clock)
}

/** The same with one psql for the scripts of an attempt, and of the next ones. */
export function serverOfAttempt(database: PostgresDatabase, means: PostgresDeps): Server {
  const server = serverOf(database, means)
  const { scope, clock, programs, oneClient } = means
  return { ...server, script: keptPsql(server, scope, clock, programs, oneClient) }
}

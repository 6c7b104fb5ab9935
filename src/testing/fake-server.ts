import type {
  Attachment,
  ChangeNeedingRights,
  MissingRight,
  Session,
  Unreadable,
} from '../drivers/databases.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { FakeTables } from './fake-dump.ts'
import type { Doorkeeper } from './fake-pg-hba.ts'

export type FakeDatabase = {
  tables: FakeTables
  /** Changes whenever the database is recreated. */
  generation: string
  /** Which database it is, as in `Identity`; where left out, its generation. A restore in place on Postgres keeps it. */
  readonly instance?: string
  readonly owner: string
  /** Refuses sessions, as one that a swap put aside. */
  closed?: boolean
  /** As in `Listing`. */
  version?: number
  /** Whether a log beside a file of SQLite has content. */
  log?: boolean
}

/**
 * An in-memory database server as plain state that a test sets up and inspects. Its dumps are on the
 * in-memory disk.
 */
export type FakeServer = {
  readonly engine: 'postgres' | 'sqlite'
  readonly host: string
  readonly version: string
  /** The live databases and the copies beside them. */
  readonly databases: Map<string, FakeDatabase>
  /** Names of copies that a killed restore left unfinished. */
  readonly leftovers: Set<string>
  /** Sessions by database. A swap ends all but stubborn ones, which make it fail. */
  readonly sessions: Map<string, (Session & { readonly stubborn?: boolean })[]>
  readonly roles: Set<string>
  /** Why its dumps need a superuser; empty where a role of the run restores them. */
  readonly superuserNeeds: string[]
  /** What of its dumps its role may not create. */
  readonly refused: string[]
  readonly extensions: Set<string>
  /** Checks logins over TCP; null admits all. */
  doorkeeper: Doorkeeper | null
  acceptsWrites: boolean
  /** False: the server does not answer. */
  reachable: boolean
  /** Answers to SQL that SQLite, which runs all other queries here, does not understand. */
  readonly answers: Map<string, (tables: FakeTables) => readonly JsonObject[]>
  /** What belongs to the live database outside it: replication slots, subscriptions. */
  readonly attachments: Attachment[]
  /** What of the live database its role may not read; a fingerprint and a dump of it fail. */
  readonly unreadable: Unreadable[]
  /** What its role lacks, and for which changes. */
  readonly missingRights: FakeMissingRight[]
}

export type FakeMissingRight = MissingRight & { readonly of: readonly ChangeNeedingRights['do'][] }

/**
 * An in-memory Postgres 17.6 with these databases, owned by the role `app`.
 * @param more fields that replace the defaults, such as `engine` or `reachable`
 */
export function fakeServer(
  databases: { readonly [name: string]: FakeTables },
  more: Partial<FakeServer> = {},
): FakeServer {
  return {
    engine: 'postgres',
    host: 'pretended',
    version: '17.6',
    leftovers: new Set(),
    sessions: new Map(),
    roles: new Set(['app']),
    superuserNeeds: [],
    refused: [],
    doorkeeper: null,
    extensions: new Set(),
    acceptsWrites: true,
    reachable: true,
    answers: new Map(),
    attachments: [],
    unreadable: [],
    missingRights: [],
    ...more,
    databases: new Map(
      Object.entries(databases).map(([name, tables], index) => [
        name,
        { tables, generation: `created ${index}`, owner: 'app' },
      ]),
    ),
  }
}

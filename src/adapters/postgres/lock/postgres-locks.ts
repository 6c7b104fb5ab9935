import type { Scope } from '../../../drivers/scope.ts'
import type { LockHolder, LocksAt, NoLock, PostgresPart, TakenLock } from '../../../drivers/locks.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { downOf, failureOf } from '../../../kernel/errors.ts'
import { sha256, type Json } from '../../../kernel/json.ts'
import { maintenance, records } from '../server/psql.ts'
import { literal } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import { applicationOf, commentOf, holderIn } from './holder-name.ts'
import { psqlSession, type PsqlSession } from './psql-session.ts'

export type PostgresLockDeps = {
  readonly clock: Clock
  serverOf(part: PostgresPart): Server
  /** Whether the server is known to be stopped, as opposed to one that cannot be reached. */
  isDown(part: PostgresPart): Promise<boolean>
}

const startingTries = 10
/** Milliseconds. */
const startingPause = 500

/** Milliseconds between two signs of life. */
const beat = 2_000

/**
 * Within ten seconds the server ends the session of a client that vanished: it probes a silent TCP connection
 * (section 20.3.2 of the manual), and from version 14 on ends one that sends nothing, over any connection.
 */
const settings = {
  tcp_keepalives_idle: '3',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '2',
  idle_session_timeout: '9s',
} as const

/** `rb`: tells these locks from those of applications, which share the server's advisory locks. */
const lockClass = 0x7262

/**
 * Advisory locks of a server. They are per database (section 13.3.5 of the manual), and the live database is
 * renamed by a swap, so all are held in the maintenance database, by the name of the live one.
 */
export function postgresLocks({ clock, serverOf, isDown }: PostgresLockDeps): LocksAt<PostgresPart> {
  const open = (part: PostgresPart, run: string): PsqlSession => {
    const server = serverOf(part)
    return psqlSession(server, maintenance(server), `lock-${run}`, clock)
  }
  const once = async (part: PostgresPart, script: string): Promise<Json> => {
    const server = serverOf(part)
    const doing = `look for a lock at ${server.host}`
    const [answer = null] = await records(
      server,
      { database: maintenance(server), doing, script, code: 'preflight' },
      lookScope(),
    )
    return answer
  }
  const lock = async (part: PostgresPart, holder: LockHolder): Promise<Attempt> => {
    const session = open(part, holder.run)
    try {
      const facts = (await session.ask(beginning(holder))) as Facts
      if ((await session.ask(taking(part, holder))) === true) return { is: 'taken', session, facts }
      const by = holderFrom(await session.ask(asking(part)))
      await session.close()
      return { is: 'held', by }
    } catch (thrown) {
      await session.close()
      throw thrown
    }
  }
  return {
    async look(part) {
      try {
        const found = await once(part, asking(part))
        return found === null ? { is: 'free' } : { is: 'held', by: holderFrom(found) }
      } catch (thrown) {
        return unavailable(thrown)
      }
    },
    async take(part, holder) {
      try {
        const attempt = await lock(part, holder)
        if (attempt.is === 'held') return attempt
        const again = () => lock(part, holder)
        const keeping = { holder, clock, again, isDown: () => isDown(part), via: part.database.via.kind }
        return { is: 'taken', lock: taken(attempt, keeping) }
      } catch (thrown) {
        return unavailable(thrown)
      }
    },
    async evict(part, run) {
      try {
        const found = (await once(part, asking(part))) as Found
        if (found === null || holderFrom(found)?.run !== run) return true
        return (
          (await once(part, `SELECT to_json(pg_catalog.pg_terminate_backend(${Number(found.pid)}));`)) ===
          true
        )
      } catch {
        return false
      }
    },
  }
}

/** Longer than a connection may take. Milliseconds. */
const lookTimeout = 15_000

const lookScope = (): Scope => ({
  run: 'lock-look',
  step: 'lock',
  signal: AbortSignal.timeout(lookTimeout),
  output: () => undefined,
  progress: () => undefined,
  spawned: () => undefined,
})

type Facts = { readonly pid: number; readonly started: string }
type Held = { readonly is: 'taken'; readonly session: PsqlSession; readonly facts: Facts }
type Attempt = Held | { readonly is: 'held'; readonly by: LockHolder | null }
type Found = { readonly pid: number; readonly application: string; readonly query: string | null } | null

type Keeping = {
  readonly holder: LockHolder
  readonly clock: Clock
  again(): Promise<Attempt>
  isDown(): Promise<boolean>
  readonly via: PostgresPart['database']['via']['kind']
}

/**
 * Whether an error shows that the server accepts no session, so that nobody can hold the lock: it starts or replays its
 * log, or nothing listens in its own container. One that cannot be reached may have other clients.
 */
const acceptsNobody = (thrown: unknown, via: Keeping['via']): boolean =>
  /the database system is (?:starting up|not yet accepting connections|in recovery mode)/.test(
    failureOf(thrown).message,
  ) ||
  (via === 'compose' &&
    /refused|No such file/.test(failureOf(thrown).message) &&
    downOf(thrown) !== undefined)

/** Whether its machine says that no server listens there: it died, as opposed to a network that is interrupted. */
const refuses = (thrown: unknown): boolean =>
  /failed: (?:Connection refused|No such file)/.test(failureOf(thrown).message)

function taken(first: Held, { holder, clock, again, isDown, via }: Keeping): TakenLock {
  let { session, facts } = first
  let answeredAt = clock.now()
  const answers = (): void => void (answeredAt = clock.now())
  let stop = beating(first.session, holder, clock, answers)
  /** A pooler may give each transaction another session, which does not have the lock. */
  const isOurs = async (): Promise<boolean> =>
    session.ask(`SELECT to_json(pg_catalog.pg_backend_pid()) ${commentOf(holder)};`).then(
      (pid) => pid === facts.pid,
      () => false,
    )
  return {
    async check() {
      if (await isOurs()) {
        answers()
        return { is: 'held' }
      }
      stop()
      await session.close()
      try {
        const attempt = await whileStarting(again, clock)
        if (attempt.is === 'held')
          return {
            is: 'lost',
            why: attempt.by === null ? 'another run holds it' : `run ${attempt.by.run} holds it`,
          }
        if (attempt.facts.started === facts.started) {
          await attempt.session.close()
          return { is: 'lost', why: 'the session was ended, and another run may have held it' }
        }
        // A restart ends all sessions, so nobody could keep the lock over it.
        ;({ session, facts } = attempt)
        answers()
        stop = beating(session, holder, clock, answers)
        return { is: 'held' }
      } catch (thrown) {
        if (acceptsNobody(thrown, via) || (await isDown().catch(() => false))) return { is: 'down' }
        const place = refuses(thrown) ? downOf(thrown) : undefined
        return {
          is: 'lost',
          why: failureOf(thrown).message,
          ...(place === undefined ? {} : { down: { place, answeredAt: answeredAt.toISOString() } }),
        }
      }
    },
    async release() {
      stop()
      await session.close()
    },
  }
}

/** A server that was just started refuses connections for a moment, and a daemon that starts listens before it answers. */
async function whileStarting(again: () => Promise<Attempt>, clock: Clock): Promise<Attempt> {
  for (let left = startingTries; ; left -= 1) {
    try {
      return await again()
    } catch (thrown) {
      if (
        left === 0 ||
        !/starting up|not yet accepting|in recovery mode|refused|No such file|Docker does not answer .*no answer within/i.test(
          failureOf(thrown).message,
        )
      )
        throw thrown
      await clock.sleep(startingPause)
    }
  }
}

/** @returns a function that stops it */
function beating(session: PsqlSession, holder: LockHolder, clock: Clock, answers: () => void): () => void {
  const over = new AbortController()
  const beats = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(beat, over.signal)
      await session.ask(`SELECT to_json(1) ${commentOf(holder)};`)
      answers()
    }
  }
  // A session that ended is found by the next check.
  beats().catch(() => undefined)
  return () => over.abort()
}

const keyOf = ({ database }: PostgresPart): number =>
  Number.parseInt(sha256(database.name).slice(0, 8), 16) | 0

const beginning = (holder: LockHolder): string => {
  const wanted = Object.entries({ ...settings, application_name: applicationOf(holder) })
    .map(([name, value]) => `(${literal(name)}, ${literal(value)})`)
    .join(', ')
  // Of settings that this version has: idle_session_timeout came with version 14.
  return `SELECT json_build_object('pid', pg_catalog.pg_backend_pid(), 'started', pg_catalog.pg_postmaster_start_time()::text, 'set', (SELECT count(pg_catalog.set_config(w.name, w.value, false)) FROM (VALUES ${wanted}) AS w (name, value) JOIN pg_catalog.pg_settings AS s ON s.name = w.name));`
}

const taking = (part: PostgresPart, holder: LockHolder): string =>
  `SELECT to_json(pg_catalog.pg_try_advisory_lock(${lockClass}, ${keyOf(part)})) ${commentOf(holder)};`

const asking = (part: PostgresPart): string =>
  `SELECT coalesce((SELECT json_build_object('pid', a.pid, 'application', coalesce(a.application_name, ''), 'query', a.query) FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AND l.classid::bigint = ${lockClass} AND l.objid::bigint = ${keyOf(part) >>> 0} AND l.objsubid = 2 AND l.granted LIMIT 1), 'null'::json);`

function holderFrom(found: unknown): LockHolder | null {
  const held = found as Found
  return held === null ? null : holderIn(held.application, held.query)
}

function unavailable(thrown: unknown): NoLock {
  const { message, hint } = failureOf(thrown)
  const down = downOf(thrown)
  return {
    is: 'unavailable',
    why: message,
    hint: hint ?? 'the role must be able to connect to the maintenance database',
    ...(down === undefined ? {} : { down }),
  }
}

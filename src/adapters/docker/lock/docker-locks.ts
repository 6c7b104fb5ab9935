import { setInterval, setTimeout } from 'node:timers/promises'
import type { DockerPart, LockHolder, LocksAt, NoLock, TakenLock } from '../../../drivers/locks.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { downOf, failureOf } from '../../../kernel/errors.ts'
import { sha256 } from '../../../kernel/json.ts'
import { isDaemonDown, nullIfNotFound, type DockerEngine } from '../connection.ts'
import { isNameTaken, openSession, type DaemonSession } from './session.ts'

/** How often a taken name is asked for its holder, who writes it just after taking the name. */
const readings = 3
const pauseMilliseconds = 50
const retryMilliseconds = 500

/**
 * Locks of a Docker daemon. The lock is a session of a fixed name, which exists once and ends with its
 * connection. An empty volume of the same name has labels that name the holder; it locks nothing, and one
 * that a killed run left is replaced by the next holder.
 */
export function dockerLocks(engine: DockerEngine): LocksAt<DockerPart> {
  const look: LocksAt<DockerPart>['look'] = async (part) => {
    try {
      // A holder has a volume, so most looks need no request that could change something.
      const by = await volumeOf(engine, part)
      if (by === null || !(await isNameTaken(engine, nameOf(part)))) return { is: 'free' }
      return { is: 'held', by: await holderOf(engine, part) }
    } catch (thrown) {
      return unavailable(thrown)
    }
  }
  return {
    look,
    async take(part, holder) {
      try {
        const session = await openSession(engine, nameOf(part))
        if (session === null) return { is: 'held', by: await holderOf(engine, part) }
        try {
          await mustExclude(engine, part)
          await writeHolder(engine, part, holder)
        } catch (thrown) {
          session.close()
          throw thrown
        }
        return { is: 'taken', lock: taken(engine, part, holder, session) }
      } catch (thrown) {
        return unavailable(thrown)
      }
    },
    async evict(part, run) {
      // The daemon ends the session of a client that does not answer; that of one that answers stays.
      const seen = await look(part)
      return seen.is !== 'held' || (seen.by !== null && seen.by.run !== run)
    },
  }
}

const nameOf = ({ name }: DockerPart): string => `runbook-lock-${sha256(name).slice(0, 24)}`

/** That names exclude is how the daemon is built, not what its API promises, so it is checked. */
async function mustExclude(engine: DockerEngine, part: DockerPart): Promise<void> {
  if (!(await isNameTaken(engine, nameOf(part)))) throw new Error('the daemon does not keep sessions apart')
}

/** How often a holder looks whether its name is still there. */
const namingMilliseconds = 2_000

/** Names the holder again where somebody pruned the volumes that no container uses. */
function keepNamed(
  engine: DockerEngine,
  part: DockerPart,
  holder: LockHolder,
  isOurs: () => Promise<boolean>,
): () => Promise<void> {
  const over = new AbortController()
  const names = async (): Promise<void> => {
    for await (const _ of setInterval(namingMilliseconds, null, { signal: over.signal, ref: false })) {
      // A daemon that does not answer is what the next check of the lock finds.
      const seen = await volumeOf(engine, part).catch(() => holder)
      if (seen === null && !over.signal.aborted && (await isOurs()))
        await nameHolder(engine, part, holder).catch(() => undefined)
    }
  }
  const ended = names().catch(() => undefined)
  return () => {
    over.abort()
    return ended
  }
}

function taken(engine: DockerEngine, part: DockerPart, holder: LockHolder, first: DaemonSession): TakenLock {
  let session = first
  const stopNaming = keepNamed(engine, part, holder, () => session.answers())
  return {
    async check() {
      if (await session.answers()) return { is: 'held' }
      session.close()
      try {
        const again = await openedAgain(engine, part, holder)
        if (again.is === 'held') {
          const { by } = again
          return { is: 'lost', why: by === null ? 'another run holds it' : `run ${by.run} holds it` }
        }
        ;({ session } = again)
        // Each holder writes its name before it acts, so our name means that there was none in between.
        if (isSame(await holderOf(engine, part), holder)) return { is: 'held' }
        session.close()
        return { is: 'lost', why: 'the connection was interrupted, and another run may have held it' }
      } catch (thrown) {
        if (isDaemonDown(thrown)) return { is: 'down' }
        return { is: 'lost', why: `the connection was interrupted: ${failureOf(thrown).message}` }
      }
    },
    async release() {
      await stopNaming()
      // Before the session ends: afterwards the name may be that of the next holder.
      await removeHolder(engine, part).catch(() => undefined)
      session.close()
    },
  }
}

/** How long a daemon that starts may not answer, though it listens already. Milliseconds. */
const startingMilliseconds = 30_000

type Reopened =
  | { readonly is: 'open'; readonly session: DaemonSession }
  | { readonly is: 'held'; readonly by: LockHolder | null }

/** As `openSession`, of a daemon that may be starting: it may take a name for a request that was given up. */
async function openedAgain(engine: DockerEngine, part: DockerPart, holder: LockHolder): Promise<Reopened> {
  const until = systemClock.monotonic() + startingMilliseconds
  for (;;) {
    const over = systemClock.monotonic() >= until
    try {
      const session = await openSession(engine, nameOf(part))
      if (session !== null) return { is: 'open', session }
      const by = await holderOf(engine, part)
      if (over || !isSame(by, holder)) return { is: 'held', by }
    } catch (thrown) {
      if (over || downOf(thrown) === undefined || isDaemonDown(thrown)) throw thrown
    }
    await setTimeout(retryMilliseconds)
  }
}

const isSame = (one: LockHolder | null, other: LockHolder): boolean =>
  one?.run === other.run && one.since === other.since

const label = 'runbook.lock'

async function writeHolder(engine: DockerEngine, part: DockerPart, holder: LockHolder): Promise<void> {
  await removeHolder(engine, part)
  await nameHolder(engine, part, holder)
}

async function nameHolder(engine: DockerEngine, part: DockerPart, holder: LockHolder): Promise<void> {
  const own = Object.entries(holder).map(([key, value]) => [`${label}.${key}`, value] as const)
  await engine.ask(scope(), {
    doing: 'name the holder of a lock',
    changesWithinSeconds: 5,
    ask: (docker, abortSignal) =>
      docker.createVolume({
        Name: nameOf(part),
        Labels: { [label]: part.name, ...Object.fromEntries(own) },
        abortSignal,
      }),
  })
}

async function removeHolder(engine: DockerEngine, part: DockerPart): Promise<void> {
  await engine
    .ask(scope(), {
      doing: 'remove the name of a lock',
      changesWithinSeconds: 5,
      ask: (docker, abortSignal) => docker.getVolume(nameOf(part)).remove({ abortSignal }),
    })
    .catch(nullIfNotFound)
}

async function holderOf(engine: DockerEngine, part: DockerPart): Promise<LockHolder | null> {
  for (let left = readings; left > 0; left -= 1) {
    const found = await volumeOf(engine, part)
    if (found !== null) return found
    await setTimeout(pauseMilliseconds)
  }
  return null
}

async function volumeOf(engine: DockerEngine, part: DockerPart): Promise<LockHolder | null> {
  const volume = await engine
    .ask(scope(), {
      doing: 'read the holder of a lock',
      ask: (docker, abortSignal) => docker.getVolume(nameOf(part)).inspect({ abortSignal }),
    })
    .catch(nullIfNotFound)
  const of = (key: keyof LockHolder): string => volume?.Labels?.[`${label}.${key}`] ?? ''
  return of('run') === '' ? null : { run: of('run'), by: of('by'), host: of('host'), since: of('since') }
}

const scope = () => ({ signal: new AbortController().signal })

function unavailable(thrown: unknown): NoLock {
  const { message, hint } = failureOf(thrown)
  const down = downOf(thrown)
  return {
    is: 'unavailable',
    why: message,
    hint: hint ?? 'check: docker info',
    ...(down === undefined ? {} : { down }),
  }
}

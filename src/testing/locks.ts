import { partName, type LockHolder, type LockPart, type Locks, type NoLock } from '../drivers/locks.ts'
import { placeOf } from './place.ts'

/** Locks of the fake world, as plain state that outlives processes. Keys are names, such as `service web of shop`. */
export type FakeLocks = {
  /** Change it to let another run hold a part, or to take a lock away from its holder. */
  readonly held: Map<string, LockHolder>
  /** Parts that offer no lock to this account, each with the reason. */
  readonly unavailable: Map<string, string>
  /** Parts that are stopped, so that their locks are gone and nobody can take them. */
  readonly down: Set<string>
  /** Parts whose place died, so that it is not known who has them: when it last answered. */
  readonly dead: Map<string, string>
}

/** All parts are free and available. */
export const noLocks = (): FakeLocks => ({
  held: new Map(),
  unavailable: new Map(),
  down: new Set(),
  dead: new Map(),
})

/** The locks of one process. */
export type ProcessLocks = Locks & {
  /** As after `kill -9`: its locks are free at once. */
  die(): void
}

export function fakeLocks(world: FakeLocks): ProcessLocks {
  const mine = new Map<string, LockHolder>()
  const missing = (part: LockPart): NoLock | null => {
    const name = partName(part)
    if (world.down.has(name))
      return {
        is: 'unavailable',
        why: `${name} is stopped`,
        hint: 'start it',
        down: part.kind === 'postgres' ? placeOf(part.database, name) : name,
      }
    const why = world.unavailable.get(name)
    return why === undefined ? null : { is: 'unavailable', why, hint: 'make the lock of the test available' }
  }
  const free = (name: string): void => {
    if (world.held.get(name) === mine.get(name)) world.held.delete(name)
    mine.delete(name)
  }
  return {
    async look(part) {
      const name = partName(part)
      const by = world.held.get(name)
      return missing(part) ?? (by === undefined ? { is: 'free' } : { is: 'held', by })
    },
    async take(part, holder) {
      const name = partName(part)
      const by = world.held.get(name)
      const gap = missing(part)
      if (gap !== null) return gap
      if (by !== undefined) return { is: 'held', by }
      const own = { ...holder }
      world.held.set(name, own)
      mine.set(name, own)
      return {
        is: 'taken',
        lock: {
          async check() {
            if (world.down.has(name)) return { is: 'down' }
            const answeredAt = world.dead.get(name)
            if (answeredAt !== undefined)
              return { is: 'lost', why: 'connection refused', down: { place: name, answeredAt } }
            if (world.held.get(name) === own) return { is: 'held' }
            const now = world.held.get(name)
            return {
              is: 'lost',
              why: now === undefined ? 'the connection was interrupted' : `run ${now.run} holds it`,
            }
          },
          release: async () => free(name),
        },
      }
    },
    async evict(part, run) {
      const name = partName(part)
      if (world.held.get(name)?.run !== run) return true
      world.held.delete(name)
      return true
    },
    die() {
      for (const name of mine.keys()) free(name)
    },
  }
}

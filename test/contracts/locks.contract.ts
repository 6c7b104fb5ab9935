import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LockHolder, LockPart, Locks, TakenLock } from '../../src/drivers/locks.ts'
import { eventually } from '../fixtures/eventually.ts'

export interface LocksWorld {
  /** Locks as another process has them. */
  open(): Locks
  readonly part: LockPart
  /** Of the same place, and not the same thing. */
  readonly neighbour: LockPart
  /** A process that holds the part, to be killed with SIGKILL. */
  hold(part: LockPart, holder: LockHolder): Promise<{ kill(): Promise<void> }>
  /** False where a live holder cannot be evicted. */
  readonly evicts: boolean
  close(): Promise<void>
}

const holderNamed = (run: string): LockHolder => ({
  run,
  by: 'deploy',
  host: 'db-host-1',
  since: '2026-11-29T13:15:07.000Z',
})
const first = holderNamed('20261129-131507-aaaaa')
const second = holderNamed('20261129-131510-bbbbb')

export function locksContract(kind: string, open: () => Promise<LocksWorld>): void {
  describe(`locks: ${kind}`, () => {
    let world: LocksWorld
    const held: TakenLock[] = []
    beforeEach(async () => {
      world = await open()
    })
    afterEach(async () => {
      await Promise.all(held.splice(0).map((lock) => lock.release()))
      await world.close()
    })

    const taken = async (locks: Locks, part: LockPart, holder: LockHolder): Promise<TakenLock> => {
      const result = await locks.take(part, holder)
      if (result.is !== 'taken') throw new Error(`not taken: ${JSON.stringify(result)}`)
      held.push(result.lock)
      return result.lock
    }

    /** A place may take a moment to notice that a holder is gone; until then the name is taken by nobody. */
    const takenSoon = async (part: LockPart, holder: LockHolder): Promise<TakenLock> => {
      for (;;) {
        const result = await world.open().take(part, holder)
        if (result.is === 'held' && result.by === null) continue
        if (result.is !== 'taken') throw new Error(`not taken: ${JSON.stringify(result)}`)
        held.push(result.lock)
        return result.lock
      }
    }

    test('one run has it, and the others are given its name', async () => {
      const lock = await taken(world.open(), world.part, first)
      expect(await lock.check()).toEqual({ is: 'held' })
      expect(await world.open().take(world.part, second)).toEqual({ is: 'held', by: first })
      expect(await world.open().look(world.part)).toEqual({ is: 'held', by: first })
      expect(await lock.check()).toEqual({ is: 'held' })
    })

    test('it is asked before each of many changes, without a warning of Node', async () => {
      const lock = await taken(world.open(), world.part, first)
      const warnings: string[] = []
      const note = ({ message }: Error): void => void warnings.push(message)
      process.on('warning', note)
      try {
        for (let change = 0; change < 15; change += 1) expect(await lock.check()).toEqual({ is: 'held' })
        await new Promise((resolve) => setImmediate(resolve))
      } finally {
        process.off('warning', note)
      }
      expect(warnings).toEqual([])
    })

    test('released, it is free for the next', async () => {
      const lock = await taken(world.open(), world.part, first)
      await lock.release()
      expect(await eventuallyFree(world)).toEqual({ is: 'free' })
      const next = await takenSoon(world.part, second)
      expect(await next.check()).toEqual({ is: 'held' })
      expect(await world.open().look(world.part)).toEqual({ is: 'held', by: second })
    })

    test('a look takes nothing', async () => {
      expect(await world.open().look(world.part)).toEqual({ is: 'free' })
      const lock = await taken(world.open(), world.part, first)
      expect(await lock.check()).toEqual({ is: 'held' })
    })

    test('a neighbour is not excluded', async () => {
      await taken(world.open(), world.part, first)
      expect(await world.open().look(world.neighbour)).toEqual({ is: 'free' })
      await taken(world.open(), world.neighbour, second)
    })

    test('of many at once, one gets it', async () => {
      const results = await Promise.all(
        Array.from({ length: 5 }, (_, index) =>
          world.open().take(world.part, holderNamed(`20261129-131507-cccc${index}`)),
        ),
      )
      for (const result of results) if (result.is === 'taken') held.push(result.lock)
      expect(results.map(({ is }) => is).sort()).toEqual(['held', 'held', 'held', 'held', 'taken'])
    })

    test('a killed holder frees it within ten seconds', async () => {
      const process = await world.hold(world.part, first)
      expect(await world.open().take(world.part, second)).toEqual({ is: 'held', by: first })
      await process.kill()
      const began = performance.now()
      await eventuallyFree(world)
      expect(performance.now() - began).toBeLessThan(10_000)
      const next = await taken(world.open(), world.part, second)
      expect(await next.check()).toEqual({ is: 'held' })
      expect(await world.open().look(world.part)).toEqual({ is: 'held', by: second })
    })

    test('only the named run is evicted, and finds out', async () => {
      const lock = await taken(world.open(), world.part, first)
      expect(await world.open().evict(world.part, second.run)).toBe(true)
      expect(await lock.check()).toEqual({ is: 'held' })
      expect(await world.open().evict(world.part, first.run)).toBe(world.evicts)
      if (!world.evicts) return
      await eventuallyFree(world)
      await taken(world.open(), world.part, second)
      expect(await lock.check()).toMatchObject({ is: 'lost' })
    })
  })
}

async function eventuallyFree(world: LocksWorld) {
  const free = async () => (await world.open().look(world.part)).is === 'free'
  await eventually(free, 'the lock is free')
  return world.open().look(world.part)
}

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Orphan, Orphans } from '../../src/drivers/orphans.ts'
import { eventually } from '../fixtures/eventually.ts'

export interface OrphansWorld {
  readonly orphans: Orphans
  /** Starts something that does not end by itself, as a step does, and lets its parent die. @returns once it lives, its id */
  leave(run: string, step: string, how: 'obedient' | 'stubborn'): Promise<string>
  /** Whether it still lives, by other eyes than the driver's. */
  lives(id: string): Promise<boolean>
  close(): Promise<void>
}

let number = 0

export function orphansContract(kind: string, open: () => Promise<OrphansWorld>): void {
  describe(`orphans: ${kind}`, () => {
    let world: OrphansWorld
    let run: string
    beforeEach(async () => {
      world = await open()
      number += 1
      run = `run-${process.pid}-${number}`
    })
    afterEach(() => world.close())

    const brief = (found: readonly Orphan[]) => found.map(({ id, step }) => `${id} ${step}`).sort()

    test('a run that left nothing has none, and to end them is no error', async () => {
      expect(await world.orphans.find(run)).toEqual([])
      expect(await world.orphans.end(run)).toEqual([])
    })

    test("what a dead run left is found with its step, and only that run's", async () => {
      const one = await world.leave(run, 'dump the old data', 'obedient')
      const other = await world.leave(`${run}0`, 'another run', 'obedient')
      expect(brief(await world.orphans.find(run))).toEqual([`${one} dump the old data`])
      expect(await world.lives(one)).toBe(true)
      expect(brief(await world.orphans.find(`${run}0`))).toEqual([`${other} another run`])
      await world.orphans.end(`${run}0`)
    })

    test('ended, it is gone when that returns, and others live', async () => {
      const one = await world.leave(run, 'one', 'obedient')
      const two = await world.leave(run, 'two', 'obedient')
      const other = await world.leave(`${run}0`, 'another run', 'obedient')
      expect(brief(await world.orphans.end(run))).toEqual([`${one} one`, `${two} two`].sort())
      expect([await world.lives(one), await world.lives(two), await world.lives(other)]).toEqual([
        false,
        false,
        true,
      ])
      expect(await world.orphans.find(run)).toEqual([])
      await world.orphans.end(`${run}0`)
    })

    test('what does not end when told to is killed', async () => {
      const one = await world.leave(run, 'stubborn', 'stubborn')
      expect(brief(await world.orphans.end(run))).toEqual([`${one} stubborn`])
      await eventually(async () => !(await world.lives(one)), 'it is dead')
      expect(await world.orphans.find(run)).toEqual([])
    })
  })
}

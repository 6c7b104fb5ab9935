import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Timer, Timers } from '../../src/drivers/timers.ts'

export interface TimersWorld {
  readonly timers: Timers
  /** What was defined there before, and is not of this program. */
  foreign(): Promise<string>
  /** What starts the timer, as the machine has it; null if it has none of the name. */
  definition(name: string): Promise<string | null>
  /** The machine refuses everything from now on. */
  breaks(): Promise<void>
  /** A path below which logs may be written. */
  readonly folder: string
  close(): Promise<void>
}

export function timersContract(kind: string, open: () => Promise<TimersWorld>): void {
  describe(`timers: ${kind}`, () => {
    let world: TimersWorld
    beforeEach(async () => {
      world = await open()
    })
    afterEach(() => world.close())

    const timer = (name: string, more: Partial<Timer> = {}): Timer => ({
      name,
      about: 'runbook: a test',
      every: 'hour',
      argv: ['/usr/bin/true', 'a b', `it's 50%`, '$HOME'],
      directory: world.folder,
      environment: { PATH: '/usr/bin:/bin' },
      log: `${world.folder}/logs/${name}.log`,
      ...more,
    })
    const names = async (prefix: string) => (await world.timers.installed(prefix)).map(({ name }) => name)

    test('has none before one is installed', async () => {
      expect(await names('runbook-shop-')).toEqual([])
      await world.timers.remove(['runbook-shop-drills'])
    })

    test('installs by name, and leaves what others defined as it is', async () => {
      const before = await world.foreign()
      await world.timers.install([
        timer('runbook-shop-drills'),
        timer('runbook-bar-drills', { every: 'day' }),
      ])
      expect(await names('runbook-shop-')).toEqual(['runbook-shop-drills'])
      expect(await names('runbook-')).toEqual(['runbook-bar-drills', 'runbook-shop-drills'])
      expect(await world.definition('runbook-shop-drills')).toContain('/usr/bin/true')
      expect(await world.foreign()).toBe(before)
    })

    test('replaces one of the same name', async () => {
      await world.timers.install([timer('runbook-shop-drills')])
      await world.timers.install([timer('runbook-shop-drills', { argv: ['/usr/bin/false'] })])
      expect(await names('runbook-')).toEqual(['runbook-shop-drills'])
      expect(await world.definition('runbook-shop-drills')).toContain('/usr/bin/false')
      expect(await world.definition('runbook-shop-drills')).not.toContain('/usr/bin/true')
    })

    test('removes only what is named', async () => {
      const before = await world.foreign()
      await world.timers.install([timer('runbook-shop-drills'), timer('runbook-shop-doctor')])
      await world.timers.remove(['runbook-shop-drills'])
      expect(await names('runbook-')).toEqual(['runbook-shop-doctor'])
      await world.timers.remove(['runbook-shop-doctor'])
      expect(await names('runbook-')).toEqual([])
      expect(await world.foreign()).toBe(before)
    })

    test('refuses what it cannot write without a change', async () => {
      await world.timers.install([timer('runbook-shop-doctor')])
      const hostile = timer('runbook-shop-drills', { argv: ['/usr/bin/true', 'two\nlines'] })
      await expect(world.timers.install([hostile])).rejects.toThrow('control character')
      expect(await names('runbook-')).toEqual(['runbook-shop-doctor'])
    })

    test('reports what the machine refuses', async () => {
      await world.breaks()
      await expect(world.timers.install([timer('runbook-shop-drills')])).rejects.toMatchObject({
        code: 'failed',
        hint: expect.stringMatching(/check: \S+/),
      })
    })
  })
}

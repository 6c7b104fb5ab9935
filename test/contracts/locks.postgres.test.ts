import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { locksFor } from '../../src/cli/locks.ts'
import type { PostgresPart } from '../../src/drivers/locks.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { holdInProcess } from '../fixtures/lock-process.ts'
import { password, requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { locksContract } from './locks.contract.ts'

describe.skipIf(!requirement())('advisory locks', () => {
  let fixture: ServerFixture
  beforeAll(async () => {
    fixture = await serverFixture()
  })
  afterAll(() => fixture?.stop())

  locksContract('of PostgreSQL', async () => {
    const environment = { SHOP_PASSWORD: password }
    const partOf = (name: string): PostgresPart => ({
      kind: 'postgres',
      database: fixture.databaseOf({ name }),
    })
    return {
      open: () => locksFor({ clock: systemClock, register: () => undefined, environment }),
      part: partOf('shop'),
      neighbour: partOf('till'),
      hold: (part, holder) => holdInProcess(part, holder, environment),
      evicts: true,
      close: async () => undefined,
    }
  })

  it('of a server that is not up are not available, and say that it is down', async () => {
    const locks = locksFor({ clock: systemClock, register: () => undefined, environment: {} })
    const database = fixture.databaseOf({
      name: 'shop',
      via: { ...fixture.via, port: 1, password: null },
    })
    expect(await locks.look({ kind: 'postgres', database })).toMatchObject({
      is: 'unavailable',
      down: '127.0.0.1:1',
    })
  })

  it('of a server that died are lost to nobody, and say when it last answered', async () => {
    const own = await serverFixture()
    try {
      const locks = locksFor({
        clock: systemClock,
        register: () => undefined,
        environment: { SHOP_PASSWORD: password },
      })
      const part: PostgresPart = { kind: 'postgres', database: own.databaseOf({ name: 'shop' }) }
      const began = systemClock.now().toISOString()
      const holder = { run: '20260203-050000-aaaaa', by: 'anna', host: 'here', since: began }
      const taken = await locks.take(part, holder)
      if (taken.is !== 'taken') throw new Error(`the lock is ${taken.is}`)
      await own.stop()
      const state = await taken.lock.check()
      expect(state).toMatchObject({
        is: 'lost',
        why: expect.stringContaining('Connection refused') as string,
        down: { place: `127.0.0.1:${own.cluster.port}` },
      })
      if (state.is === 'lost') expect(state.down?.answeredAt.localeCompare(began)).toBeGreaterThanOrEqual(0)
      await taken.lock.release()
    } finally {
      await own.stop()
    }
  })
})

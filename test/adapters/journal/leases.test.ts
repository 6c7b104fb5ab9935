import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess } from '../../../src/adapters/journal/process-identity.ts'
import { connect, type Connection } from '../../../src/adapters/journal/connection.ts'
import { Leases } from '../../../src/adapters/journal/leases.ts'
import { openJournal } from '../../../src/adapters/journal/open.ts'
import { systemClock, type Clock } from '../../../src/kernel/clock.ts'
import type { Journal } from '../../../src/run/journal/journal.ts'

const holder = (run: string) => ({ ...thisProcess('ada'), run, since: '2026-02-03T04:12:33.000Z' })

describe('a hold', () => {
  let folder: string
  let journal: Journal
  let connection: Connection
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'runbook-holds-'))
    journal = await openJournal(folder)
    connection = connect(join(folder, 'journal.db'), () => undefined)
  })
  afterEach(async () => {
    connection.close()
    await journal.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Looks at the table of systems as it was, `times` times, as somebody does who is held up between looking and locking. */
  function behind(times: number): Connection {
    const before = connection.prepare('SELECT epoch, lock, holder FROM systems WHERE system = ?').get('shop')
    let left = times
    const prepare = (sql: string) => {
      const statement = connection.prepare(sql)
      if (!sql.startsWith('SELECT')) return statement
      return { get: (system: string) => ((left -= 1) >= 0 ? before : statement.get(system)) }
    }
    return new Proxy(connection, {
      get: (target, name) => {
        if (name === 'prepare') return prepare
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  it('is not had by one who looked before another took over, though the lock he then got was free', async () => {
    const first = await journal.hold('shop', holder('one'))
    const late = new Leases(behind(2), join(folder, 'locks'), systemClock)
    await journal.takeOver('shop', holder('two'))
    await first.release()
    await expect(late.take('shop', holder('late'), false)).rejects.toMatchObject({
      code: 'held',
      message: expect.stringContaining('run two'),
    })
  })

  it('is not had twice by two who take over from the same holder', async () => {
    await journal.hold('shop', holder('one'))
    const late = new Leases(behind(2), join(folder, 'locks'), systemClock)
    await (await journal.takeOver('shop', holder('two'))).release()
    await expect(late.take('shop', holder('late'), true)).rejects.toMatchObject({ code: 'held' })
  })

  it('is waited for while its new holder has the lock and has not said so yet, and no longer than a second', async () => {
    const held = await journal.hold('shop', holder('one'))
    connection.prepare('UPDATE systems SET holder = NULL').run()
    let now = 0
    const clock: Clock = {
      now: () => new Date(),
      monotonic: () => now,
      sleep: async (milliseconds) => void (now += milliseconds),
    }
    const waiting = new Leases(connection, join(folder, 'locks'), clock)
    await expect(waiting.take('shop', holder('late'), false)).rejects.toMatchObject({
      code: 'held',
      message: expect.stringContaining('held by a run that is starting'),
    })
    expect(now).toBeGreaterThan(500)
    expect(now).toBeLessThan(1_000)
    // In time he names himself; or he is gone.
    const frees: Clock = { ...clock, sleep: () => held.release() }
    expect(
      await new Leases(connection, join(folder, 'locks'), frees).take('shop', holder('late'), false),
    ).toMatchObject({ epoch: 2 })
  })
})

import { describe, expect, it } from 'vitest'
import { acts } from '../../src/model/step.ts'
import { dumpBytes, lay, type FakeTables } from '../../src/testing/index.ts'
import { compareKept } from '../../steps/databases/compare-kept.ts'
import { damagedShop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'

const rowsOf = (count: number): FakeTables[string] => Array.from({ length: count }, (_, id) => ({ id }))

async function compared(live: FakeTables | string, acceptLoss: string | null = null) {
  const world = damagedShop()
  Object.assign(world.server, { engine: 'sqlite' })
  const bytes = (tables: FakeTables) =>
    dumpBytes({
      engine: 'sqlite',
      major: 3,
      database: null,
      takenAt: null,
      tables,
      roles: [],
      extensions: [],
    })
  lay(world.disk, '/backups/kept/live.db', typeof live === 'string' ? live : bytes(live))
  lay(world.disk, '/backups/good.db', bytes({ projects: rowsOf(2), queue: [] }))
  const { step, input } = opened(
    compareKept({
      kept: { file: '/backups/kept/live.db', endings: [''] },
      backup: { file: '/backups/good.db', source: '/backups/good.db' } as never,
      name: 'shop',
      acceptLoss,
    }),
  )
  if (acts(step)) throw new Error('it acts')
  const hands = handsOn(world)
  return { output: (await step.run(hands.io, input)) as unknown, notes: hands.notes }
}

describe('a SQLite backup with less than what is live', () => {
  const invoices = { projects: rowsOf(2), invoices: rowsOf(3) }

  it('is refused where it does not have a table that has rows', async () => {
    await expect(compared(invoices)).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('would lose it: invoices (3 rows)') as string,
      hint: expect.stringContaining('--accept-loss invoices') as string,
    })
  })

  it('is accepted where that loss is; both sides are recorded', async () => {
    const { output, notes } = await compared(invoices, 'invoices')
    expect(output).toMatchObject({
      compared: {
        before: [
          { table: 'invoices', rows: 3 },
          { table: 'projects', rows: 2 },
        ],
        after: [
          { table: 'projects', rows: 2 },
          { table: 'queue', rows: 0 },
        ],
      },
    })
    expect(notes.join()).toContain('invoices is gone, with 3 rows')
  })

  it('refuses no table that was empty when it was made, and notes its rows', async () => {
    const { notes } = await compared({ projects: rowsOf(1), queue: rowsOf(4) })
    expect(notes.join()).toContain('queue 0 rows instead of 4 (-4)')
  })

  it('is unknown where what is live cannot be read', async () => {
    const { output, notes } = await compared('damaged')
    expect(output).toEqual({ compared: null })
    expect(notes.join()).toContain('what the restore loses is unknown')
  })
})

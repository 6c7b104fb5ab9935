import { describe, expect, it } from 'vitest'
import { acts } from '../../src/model/step.ts'
import { dumpBytes, lay, layInVolume, type FakeTables } from '../../src/testing/index.ts'
import type { Stack, VolumePath } from '../../src/index.ts'
import { compareLive } from '../../steps/databases/compare-live.ts'
import { requireMissing } from '../../steps/databases/require-missing.ts'
import { compareKept } from '../../steps/databases/compare-kept.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'

const rowsOf = (count: number): FakeTables[string] => Array.from({ length: count }, (_, id) => ({ id }))

const bytes = (tables: FakeTables) =>
  dumpBytes({ engine: 'sqlite', major: 3, database: null, takenAt: null, tables, roles: [], extensions: [] })

async function compared(live: FakeTables | string, acceptLoss: string | null = null) {
  const world = damagedShop()
  Object.assign(world.server, { engine: 'sqlite' })
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

const saved = { file: '/backups/good.db', source: '/backups/good.db' } as never

/** A step that looks at the database in the volume of a service that runs. */
async function lookedAt(live: FakeTables | null, step: (at: VolumePath) => unknown) {
  const world = damagedShop()
  Object.assign(world.server, { engine: 'sqlite' })
  const at: VolumePath = {
    stack: (shop as unknown as { readonly stack: Stack }).stack,
    service: 'web',
    path: '/data/app.db',
  }
  if (live !== null) layInVolume(world.volumes, 'web', at.path, bytes(live))
  lay(world.disk, '/backups/good.db', bytes({ projects: rowsOf(2), queue: [] }))
  const before = [...world.disk.files.keys()]
  const { step: made, input } = opened(step(at))
  if (acts(made)) throw new Error('it acts')
  const hands = handsOn(world)
  const output = (await made.run(hands.io, input)) as { readonly says: string }
  expect([...world.disk.files.keys()]).toEqual(before)
  return { output, notes: hands.notes }
}

describe('a SQLite database whose service runs', () => {
  const compare = (acceptLoss: string | null) => (at: VolumePath) =>
    compareLive({ at, backup: saved, name: 'shop', acceptLoss })
  const require = (at: VolumePath) => requireMissing({ at, backup: saved, tables: 'projects:id', key: '0,1' })

  it('is compared with the backup before anything is stopped', async () => {
    const invoices = { projects: rowsOf(2), invoices: rowsOf(3) }
    await expect(lookedAt(invoices, compare(null))).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('would lose it: invoices (3 rows)') as string,
    })
    const accepted = await lookedAt(invoices, compare('invoices'))
    expect(accepted.output.says).toContain('invoices is gone, with 3 rows')
    expect((await lookedAt({ projects: rowsOf(2), queue: [] }, compare(null))).output.says).toBe(
      'as many rows in each table',
    )
    expect((await lookedAt(null, compare(null))).output.says).toBe('there is no live database')
  })

  it('is searched for missing rows before anything is stopped', async () => {
    await expect(lookedAt({ projects: rowsOf(2) }, require)).rejects.toMatchObject({
      code: 'preflight',
      message: 'no row of projects:id is missing',
    })
    await expect(lookedAt(null, require)).rejects.toThrow('there is no database')
    const one = await lookedAt({ projects: rowsOf(1) }, require)
    expect([one.output.says, one.notes]).toEqual(['projects 1', ['missing rows: projects 1']])
  })
})

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

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../src/drivers/databases.ts'
import { acts } from '../../src/model/step.ts'
import { dumpDatabase } from '../../steps/index.ts'
import { besideName, inFileName } from '../../steps/databases/lib/names.ts'
import { copiedAt } from '../../steps/retention/lib/copies.ts'
import { dumpedAt, unknownLabelIn } from '../../steps/retention/lib/dumps.ts'
import { putAside } from '../../steps/retention/lib/kept-databases.ts'
import { newestFirst, select } from '../../steps/backups/lib/retention-rule.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'

const things = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1, maxLength: 4 }),
    takenAt: fc.integer({ min: 0, max: 50 }).map((day) => new Date(day * 86_400_000).toISOString()),
  }),
  { selector: ({ name }) => name, maxLength: 20 },
)
const cases = things.chain((all) => {
  const names = all.map(({ name }) => name)
  return fc.record({
    all: fc.constant(all),
    keep: fc.integer({ min: 1, max: 8 }),
    used: fc.subarray(names),
    before: fc.option(fc.integer({ min: 0, max: 50 * 86_400_000 })),
    whole: fc.subarray(names, { minLength: Math.min(1, names.length) }),
  })
})
const ruled = ({
  all,
  keep,
  used,
  before,
  whole,
}: {
  readonly all: readonly { readonly name: string; readonly takenAt: string }[]
  readonly keep: number
  readonly used: readonly string[]
  readonly before: number | null
  readonly whole: readonly string[]
}) => {
  const ordered = newestFirst(all)
  const verified = ordered.find(({ name }) => whole.includes(name))?.name ?? null
  return {
    ordered,
    verified,
    ...select(all, { keep, inUse: new Map(used.map((name) => [name, 'somebody'])), verified, before }),
  }
}

describe('what may go', () => {
  it('is never one of the newest, nor one in use, nor the newest whole one, nor a young one; everything else goes, and no order of looking changes that', () => {
    fc.assert(
      fc.property(cases, fc.nat(), (one, turn) => {
        const { ordered, verified, go, spared } = ruled(one)
        const stays = ordered.filter((thing) => !go.includes(thing))
        expect(stays).toEqual(expect.arrayContaining(ordered.slice(0, one.keep)))
        expect(go.filter(({ name }) => one.used.includes(name) || name === verified)).toEqual([])
        if (verified !== null) expect(stays.map(({ name }) => name)).toContain(verified)
        if (one.before !== null)
          expect(go.every(({ takenAt }) => Date.parse(takenAt) < (one.before ?? 0))).toBe(true)
        expect(new Set([...go, ...spared].map(({ name }) => name))).toEqual(
          new Set(ordered.slice(one.keep).map(({ name }) => name)),
        )
        expect(spared.every(({ because }) => because !== '')).toBe(true)
        const at = one.all.length === 0 ? 0 : turn % one.all.length
        expect(ruled({ ...one, all: [...one.all.slice(at), ...one.all.slice(0, at)] }).go).toEqual(go)
      }),
    )
  })

  it('chosen again once it is gone, is nothing', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const { go } = ruled(one)
        expect(ruled({ ...one, all: one.all.filter((thing) => !go.includes(thing)) }).go).toEqual([])
      }),
    )
  })

  it('is nothing where none was seen to be whole', () => {
    fc.assert(fc.property(cases, (one) => void expect(ruled({ ...one, whole: [] }).go).toEqual([])))
  })

  it('says why something old stays', () => {
    const all = ['2026-01-05', '2026-01-04', '2026-01-03', '2026-01-02', '2026-01-01'].map((day) => ({
      name: day,
      takenAt: `${day}T00:00:00.000Z`,
    }))
    const { go, spared } = select(all, {
      keep: 1,
      inUse: new Map([['2026-01-02', 'a pointer']]),
      verified: '2026-01-03',
      before: Date.parse('2026-01-04'),
    })
    expect(go.map(({ name }) => name)).toEqual(['2026-01-01'])
    expect(spared).toEqual([
      { name: '2026-01-04', because: 'not old enough' },
      { name: '2026-01-03', because: 'the newest that is intact' },
      { name: '2026-01-02', because: 'in use: a pointer' },
    ])
  })
})

describe('names of what runs leave behind', () => {
  it('are told from those of anything else, however long the database is called', () => {
    const run = '20260203-041233-k7f2q'
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 60 }),
        (live) =>
          void expect(putAside(live, besideName(live, 'old', run))).toEqual(new Date('2026-02-03T04:12:33Z')),
      ),
    )
    expect(putAside('shop', 'shop__kept_20260203_041233_k7f2q', 'kept')).toEqual(
      new Date('2026-02-03T04:12:33Z'),
    )
    expect(putAside('shop', 'shop__kept_20260203_041233_k7f2q')).toBeNull()
    expect(
      [
        'shop',
        'shop__rb_20260203_041233_k7f2q',
        'shop2__old_20260203_041233_k7f2q',
        'shop__old_',
        'shop__old_of_mine',
        'shop__old_20261303_041233_k7f2q',
      ].map((name) => putAside('shop', name)),
    ).toEqual([null, null, null, null, null, null])
  })

  it.each([
    ['shop-mine-20260203-041233-k7f2q.dump', 'mine'],
    ['shop-eu-replaced-20260203-041233-k7f2q.dump', 'eu-replaced'],
    ['shop-replaced-20260203-041233-k7f2q.dump', null],
    ['shop-kept-20260203-041233-k7f2q.dump', null],
    ['shop-20260203_041233.dump', null],
    ['shop-mine-20260203-041233-k7f2q.dump.partial', null],
    ['other-mine-20260203-041233-k7f2q.dump', null],
  ])('%s has the unknown label %s', (file, label) => expect(unknownLabelIn('shop', file)).toBe(label))

  it.each<[string, boolean]>([
    ['.env.before-20260203-041233-k7f2q', true],
    ['.env.before-20260203-041233-k7f2q-2', true],
    ['.env.before-20260203-041233-k7f2q.partial', false],
    ['.env.before-20261303-041233-k7f2q', false],
    ['.env.before-yesterday', false],
    ['.env.production.before-20260203-041233-k7f2q', false],
    ['.env', false],
  ])('say of %s whether it is the copy of a configuration file: %s', (name, ours) =>
    expect(copiedAt('.env.before-', name)).toEqual(ours ? new Date('2026-02-03T04:12:33Z') : null),
  )

  it.each<[string, boolean]>([
    ['shop-replaced-20260203-041233-k7f2q.dump', true],
    ['shop-before-rollback-20260203-041233-k7f2q.db', true],
    ['shop-current-20260203-041233-k7f2q.db', true],
    ['shop-20260203_041233.dump', false],
    ['shop-eu-replaced-20260203-041233-k7f2q.dump', false],
    ['shop-replaced-20260203-041233-k7f2q.dump.partial', false],
    ['shop-mine-20260203-041233-k7f2q.dump', false],
    ['shop-current-20260203-041233-k7f2q.db-wal', false],
    ['shop-replaced-20260203-991233-k7f2q.dump', false],
  ])('%s: %s', (file, ours) =>
    expect(dumpedAt('shop', file)).toEqual(ours ? new Date('2026-02-03T04:12:33Z') : null),
  )

  it('of a database with a slash in its name are in the folder of dumps, and are found again', async () => {
    const name = '../a/b'
    const world = damagedShop()
    world.server.databases.set(name, { tables: {}, generation: 'x', owner: 'app' })
    const { step, input } = opened(
      dumpDatabase({
        database: { ...(shop.database as Database), name },
        name,
        folder: '/backups/kept',
        label: 'replaced',
      }),
    )
    if (!acts(step)) throw new Error('it does not act')
    const { look } = handsOn(world, { id: '20260203-041233-k7f2q' })
    const { file } = (await step.survey(look, input)) as { readonly file: string }
    expect(file).toBe('/backups/kept/..%2Fa%2Fb-replaced-20260203-041233-k7f2q.dump')
    expect(dumpedAt(inFileName(name), file.slice('/backups/kept/'.length))).toEqual(
      new Date('2026-02-03T04:12:33Z'),
    )
  })
})

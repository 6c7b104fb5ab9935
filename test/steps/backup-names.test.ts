import { takenText } from '../../src/formats/backup-age.ts'
import { backupsText } from '../../src/views/backups.ts'
import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import { toPrune } from '../../steps/backups/lib/backups-to-prune.ts'
import type { Backup } from '../../src/drivers/backups.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { fakeMachine, lay, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop, shop } from './fake-shop.ts'

const folder = '/backups/db'
const timed = `${folder}/shop-20260203_040000.dump`

/** The shop whose good dump has another name, or whose folder has another file beside it. */
function dumpsNamed(...names: readonly string[]): FakeWorld {
  const world = damagedShop()
  const body = world.disk.files.get(timed) ?? new Uint8Array()
  for (const name of names) {
    lay(world.disk, `${folder}/${name}`, body)
    world.disk.modifiedAt.set(`${folder}/${name}`, new Date('2026-02-03T04:30:00Z'))
    lay(world.disk, `${folder}/${name}.sha256`, `${sha256(body)}  ${name}\n`)
  }
  return world
}

function without(world: FakeWorld, path: string): FakeWorld {
  for (const one of [path, `${path}.sha256`]) world.disk.files.delete(one)
  return world
}

async function tried(world: FakeWorld, params: { readonly [name: string]: string } = {}) {
  const machine = fakeMachine(world, { book: rollback, target: shop })
  const before = world.state()
  const result = await machine.run({ strategy: 'beside', ...params })
  const problems = machine.entries.flatMap(({ entry }) =>
    entry.type === 'preflighted' ? entry.findings.map(({ level, problem }) => `${level}: ${problem}`) : [],
  )
  const taken = machine.entries.flatMap(({ entry }) =>
    entry.type === 'ended' && entry.step === 'choose-and-verify-the-dump'
      ? [(entry.output as { readonly takenAt: string }).takenAt]
      : [],
  )
  const shown = machine.entries.flatMap(({ entry }) =>
    entry.type === 'ended' ? [JSON.stringify(entry)] : [],
  )
  return {
    result,
    problems,
    taken,
    shown,
    unchanged: () => expect(world.state()['services']).toEqual(before['services']),
  }
}

describe('dumps whose names have no exact time', () => {
  it('a date alone is used, as taken at the first moment of its day, so that the loss is not understated', async () => {
    const { result, taken } = await tried(without(dumpsNamed('shop-2026-02-03.dump'), timed))
    expect(result).toMatchObject({ outcome: 'succeeded' })
    expect(taken).toEqual(['2026-02-03T00:00:00.000Z'])
  })

  it('a date alone is shown to the operator and in lists as a date, without a time that nobody knows', async () => {
    const { shown } = await tried(without(dumpsNamed('shop-2026-02-03.dump'), timed))
    expect(shown.find((entry) => entry.includes('"choose-and-verify-the-dump"'))).toContain(
      '"taken":"2026-02-03 (its name does not say at what time)"',
    )
    const day = {
      file: '/backups/shop-2026-02-03.dump',
      name: 'shop-2026-02-03.dump',
      bytes: 2_000,
      takenAt: '2026-02-03T00:00:00.000Z',
      takenBy: '2026-02-03T23:59:59.999Z',
      dated: 'by-name',
      modifiedAt: '2026-02-03T04:00:00.000Z',
      format: 'postgres 17',
      vouchedBy: null,
      proven: null,
      fits: true,
      readBy: 'list',
      why: null,
    } as const
    const text = backupsText([day], {
      target: 'shop',
      directory: '/backups',
      place: '/backups',
      now: new Date('2026-02-04T04:00:00Z'),
      fitting: [],
    })
    expect(text).toMatch(/^2026-02-03, time not known +1d 4h at most /m)
    const minute = { takenAt: '2026-02-03T04:12:00.000Z', takenBy: '2026-02-03T04:12:59.999Z' }
    expect([takenText(day), takenText(minute), takenText({ takenAt: minute.takenAt })]).toEqual([
      '2026-02-03 (its name does not say at what time)',
      'between 2026-02-03T04:12:00.000Z and 2026-02-03T04:12:59.999Z',
      '2026-02-03T04:12:00.000Z',
    ])
  })

  it('a date alone is not from before a moment of its day', async () => {
    const { result, problems, unchanged } = await tried(without(dumpsNamed('shop-2026-02-03.dump'), timed), {
      badSince: '2026-02-03T04:30:00Z',
    })
    expect(result).toMatchObject({ outcome: 'refused' })
    expect(problems.join()).toContain(
      'the oldest of 1 was taken on 2026-02-03 (its name does not say at what time)',
    )
    unchanged()
    const named = await tried(dumpsNamed('shop-2026-02-03.dump'), {
      badSince: '2026-02-03T04:30:00Z',
      dump: `${folder}/shop-2026-02-03.dump`,
    })
    expect(named.problems.join()).toContain('may be taken after the bad deployment began')
  })

  it('an older one is not used without a word', async () => {
    const { problems } = await tried(dumpsNamed('shop-2026-02-03.dump'))
    expect(problems).toContain(
      'warn: "shop-2026-02-03.dump" may be newer than shop-20260203_040000.dump, which is used: a name without a time of day stands for all of its day',
    )
    const other = await tried(dumpsNamed('shop-03.02.2026.dump', 'shop-latest.dump'))
    expect(other.problems).toContain(
      'warn: "shop-03.02.2026.dump" may be newer than shop-20260203_040000.dump, which is used: no time can be read in the name',
    )
    expect(other.problems.join()).not.toContain('shop-latest')
  })

  it('where none can be used, what lies there is named', async () => {
    const { result, problems } = await tried(
      without(dumpsNamed('shop-03.02.2026.dump', 'shop-latest.dump'), timed),
    )
    expect(result).toMatchObject({ outcome: 'refused' })
    expect(problems.join()).toMatch(
      /no backup shop-\{time\}\.dump in \/backups\/db; no time can be read in the names of "shop-(?:03|latest)/,
    )
  })

  it('a name without an exact time is never pruned, nor counted', () => {
    const backup = (name: string, more: Partial<Backup>): Backup => ({
      file: `/b/${name}`,
      name,
      bytes: 9,
      dated: 'by-name',
      takenAt: '2026-02-01T00:00:00.000Z',
      ...more,
    })
    const coarse = backup('a', { takenBy: '2026-02-01T23:59:59.999Z' })
    const exact = ['b', 'c', 'd'].map((name) => backup(name, {}))
    const gone = toPrune([coarse, ...exact], 3, 1, new Date('2026-02-03'))
    expect(gone.map(({ name }) => name)).toEqual(['d'])
  })
})

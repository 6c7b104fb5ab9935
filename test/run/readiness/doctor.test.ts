import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bucket, inBucket } from '../../steps/fake-bucket.ts'
import type { Target } from '../../../src/model/target.ts'
import { drifts } from './drifts.ts'
import { doctorOn, foundBy, healthyShop, shop } from './healthy.ts'

test('a healthy system gives no finding, and nothing is unchecked', async () => {
  const world = healthyShop()
  const before = world.state()
  const reports = await doctorOn(world)
  expect(foundBy(reports)).toEqual([])
  expect(reports.flatMap(({ unchecked }) => unchecked)).toEqual([])
  expect(world.state()).toEqual(before)
})

describe('sees', () => {
  test.each(drifts.map((drift) => [drift.what, drift] as const))('%s', async (_, drift) => {
    const world = healthyShop()
    const setting = drift.seed(world) ?? {}
    const before = world.state()
    const found = foundBy(await doctorOn(world, setting))
    const same = found.filter(({ problem }) => drift.problem.test(problem))
    expect(same, JSON.stringify(found, null, 1)).not.toEqual([])
    expect(same[0]).toMatchObject({ check: drift.check, level: drift.level })
    // Each finding says what to do.
    for (const { hint } of found) expect(hint).not.toBe('')
    expect(world.state()).toEqual(before)
  })
})

test('judges a backup in a bucket without a download, and says that nobody looked into it', async () => {
  const { world } = inBucket(healthyShop())
  const backups = { ...shop.backups, directory: '/state/downloads/shop', from: bucket, cacheBytes: 1_000_000 }
  const reports = await doctorOn(world, { target: { ...shop, backups } as Target })
  expect(foundBy(reports)).toEqual([])
  expect(reports.flatMap(({ unchecked }) => unchecked.map(({ why }) => why)).join('\n')).toContain(
    'it is in s3://backups, and nothing is downloaded to look into it',
  )
  expect(world.faults.reached).not.toContain('places.fetch')
})

test.each([
  ['healthy', null],
  ['starting', 'web: the health check of web is still starting'],
  ['none', 'web: web runs, but has no health check of its own'],
] as const)('looks at the own check of a service: %s', async (state, problem) => {
  const world = healthyShop()
  const web = world.fleet.services.get('web')
  if (web === undefined || shop.stack === undefined) throw new Error('the shop has no web')
  web.health = state
  const service = { stack: shop.stack, names: ['web'] }
  const target = { ...shop, health: [{ name: 'web', service, passes: 2, withinSeconds: 5, everySeconds: 1 }] }
  const found = foundBy(await doctorOn(world, { target })).filter(({ check }) => check === 'addresses')
  expect(found.map((one) => one.problem)).toEqual(problem === null ? [] : [problem])
  for (const { hint, level } of found)
    expect([level, hint]).toEqual(['refuse', expect.stringContaining('docker compose ps web')])
})

test('the drifts are those that docs/doctor.md lists', () => {
  const page = readFileSync(new URL('../../../docs/doctor.md', import.meta.url), 'utf8')
  const listed = page.split('## Drifts that it sees')[1] ?? ''
  expect([...listed.matchAll(/^- (.*)\.$/gm)].map(([, what]) => what)).toEqual(drifts.map(({ what }) => what))
  expect(drifts.length).toBeGreaterThan(40)
})

import { expect, test } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import book from '../../runbooks/sign-backup.ts'
import { manifestFiles } from '../../src/formats/backup-manifest.ts'
import type { Target } from '../../src/model/target.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { damagedShop, shop } from './fake-shop.ts'

const checklist = '/artifacts/checklist.md'
const dump = '/backups/db/shop-20260203_040000.dump'
const [manifest, signature] = manifestFiles(dump)
const onlySigned = { ...shop, backups: { ...shop.backups, require: 'signed' } } as Target

provesItself({
  name: 'sign-backup',
  book,
  target: onlySigned,
  params: {},
  world: damagedShop,
  records: [checklist],
  dated: (path) => path === manifest || path === signature,
  succeeded: (world) => {
    const stated: unknown = JSON.parse(Buffer.from(world.disk.files.get(manifest) ?? []).toString())
    expect(stated).toMatchObject({
      name: 'shop-20260203_040000.dump',
      begun: '2026-02-03T04:00:00.000Z',
      source: { kind: 'postgres', system: 'pretended', name: 'shop' },
    })
  },
})

const params = { dump: null, badSince: null, strategy: 'beside' }
const rolledBack = (world: FakeWorld) =>
  fakeMachine(world, { book: rollback, target: onlySigned }).run(params)

test('what it signs is accepted where only signed backups are', async () => {
  const world = damagedShop()
  expect(await rolledBack(world)).toMatchObject({ outcome: 'refused', code: 'preflight' })
  expect(await fakeMachine(world, { book, target: onlySigned }).run({ dump: null })).toMatchObject({
    code: 'succeeded',
  })
  expect(await rolledBack(world)).toMatchObject({ code: 'succeeded' })
})

test('a dump with a manifest is not signed again', async () => {
  const world = damagedShop()
  const machine = fakeMachine(world, { book, target: shop })
  await machine.run({ dump: null })
  const before = world.disk.files.get(manifest)
  expect(await machine.run({ dump: null })).toMatchObject({ outcome: 'rolled-back' })
  expect(world.disk.files.get(manifest)).toBe(before)
})

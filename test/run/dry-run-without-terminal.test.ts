import { expect, test } from 'vitest'
import fullDbRollback from '../../runbooks/full-db-rollback.ts'
import { fakeMachine, nobody } from '../../src/testing/index.ts'
import { damagedShop, shop } from '../steps/fake-shop.ts'

test('a dry run without a terminal warns of the missing answer; a run is refused for it', async () => {
  const world = damagedShop()
  world.person = nobody
  const missing = { about: 'approval', problem: expect.stringContaining('no terminal to ask for') }
  const dry = await fakeMachine(world, { book: fullDbRollback, target: shop }).dryRun()
  expect(dry).toMatchObject({ outcome: 'foretold', failure: null })
  expect(dry.findings).toContainEqual(expect.objectContaining({ ...missing, level: 'warn' }))
  const real = await fakeMachine(world, { book: fullDbRollback, target: shop }).run()
  expect(real).toMatchObject({ outcome: 'refused' })
  expect(real.findings).toContainEqual(expect.objectContaining({ ...missing, level: 'refuse' }))
})

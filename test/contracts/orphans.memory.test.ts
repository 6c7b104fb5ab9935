import { expect, test } from 'vitest'
import { fakeOrphans, noLeftovers } from '../../src/testing/orphans.ts'
import { orphansContract } from './orphans.contract.ts'

orphansContract('memory', async () => {
  const leftovers = noLeftovers()
  let made = 0
  return {
    orphans: fakeOrphans(leftovers),
    leave: async (run, step) => {
      made += 1
      leftovers.living.set(run, [
        ...(leftovers.living.get(run) ?? []),
        { what: 'process', id: `${made}`, step },
      ])
      return `${made}`
    },
    lives: async (id) => [...leftovers.living.values()].flat().some((orphan) => orphan.id === id),
    close: async () => undefined,
  }
})

test('one that cannot be ended leaves the run in doubt', async () => {
  const leftovers = noLeftovers()
  leftovers.living.set('r', [
    { what: 'exec', id: '1', step: 's' },
    { what: 'exec', id: '2', step: 's' },
  ])
  leftovers.undying.add('2')
  await expect(fakeOrphans(leftovers).end('r')).rejects.toMatchObject({
    code: 'in-doubt',
    message: expect.stringContaining('exec 2'),
  })
  expect(await fakeOrphans(leftovers).find('r')).toHaveLength(1)
})

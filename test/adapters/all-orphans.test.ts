import { expect, test } from 'vitest'
import { allOrphans } from '../../src/adapters/process/all-orphans.ts'
import { fakeOrphans, noLeftovers } from '../../src/testing/orphans.ts'

test('several places are searched and cleared as one; one that fails does not keep the others', async () => {
  const [one, two, three] = [noLeftovers(), noLeftovers(), noLeftovers()]
  one.living.set('r', [{ what: 'exec', id: 'a', step: 's' }])
  two.living.set('r', [{ what: 'container', id: 'b', step: 's' }])
  three.living.set('r', [{ what: 'process', id: 'c', step: 's' }])
  two.undying.add('b')
  const places = allOrphans([one, two, three].map((place) => fakeOrphans(place)))
  expect((await places.find('r')).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  await expect(places.end('r')).rejects.toMatchObject({
    code: 'in-doubt',
    message: expect.stringContaining('container b'),
  })
  expect((await places.find('r')).map(({ id }) => id)).toEqual(['b'])
  two.undying.clear()
  expect((await places.end('r')).map(({ id }) => id)).toEqual(['b'])
})

import { expect, test } from 'vitest'
import { onceEach } from '../../src/kernel/once-each.ts'

test('a function is computed once for each argument, whatever it returns', () => {
  const asked: string[] = []
  const nameOf = onceEach(({ name }: { readonly name: string }): string | undefined => {
    asked.push(name)
    return name === 'nobody' ? undefined : name
  })
  const [one, other, nobody] = [{ name: 'ann' }, { name: 'ann' }, { name: 'nobody' }]
  expect([one, other, nobody, one, nobody].map(nameOf)).toEqual(['ann', 'ann', undefined, 'ann', undefined])
  expect(asked).toEqual(['ann', 'ann', 'nobody'])
})

import { expect, test } from 'vitest'
import { listText } from '../../src/views/list.ts'

test('a runbook of the package is marked, one of the team is not', () => {
  const one = { title: 'Title', when: 'Never.', targets: [{ name: 'here', lacks: [] }] }
  const text = listText([
    { ...one, name: 'ours', from: 'package' },
    { ...one, name: 'theirs', from: 'team' },
  ])
  expect(text).toMatch(/^ours {2}\(included\)$/m)
  expect(text).toMatch(/^theirs$/m)
})

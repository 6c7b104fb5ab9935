import { expect, it } from 'vitest'
import { excludedWithParents } from '../../src/formats/exclusion.ts'

it.each([
  ['node_modules', 'node_modules/a/b', true],
  ['node_modules', 'packages/one/node_modules/x', true],
  ['node_modules', 'node_modules.md', false],
  ['releases/', 'releases/a.tar.gz', true],
  ['.cache/', 'src/.cache/x', true],
  ['*.log', 'deep/er/a.log', true],
  ['var/cache', 'var/cache/x', true],
  ['var/cache', 'src/var/cache/x', false],
  ['/build', 'src/build', false],
  ['./build/', 'build/x', true],
  ['logs/2025-*', 'logs/2025-01/x', true],
  ['logs/**/old', 'logs/a/b/old/c', true],
  ['', 'a', false],
])('%j on %j: %j', (pattern, path, expected) => {
  expect(excludedWithParents(path, [pattern])).toBe(expected)
})

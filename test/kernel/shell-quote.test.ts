import { expect, test } from 'vitest'
import { shellWord } from '../../src/kernel/shell-quote.ts'

test.each([
  ['/backups/app-20260203-041233.db', '/backups/app-20260203-041233.db'],
  ['my backup.db', `'my backup.db'`],
  [`it's.db`, String.raw`'it'\''s.db'`],
  ['$(rm -rf).db', `'$(rm -rf).db'`],
  ['', `''`],
  ['two\nlines', String.raw`$'two\nlines'`],
  [`\u001b[31mred's`, String.raw`$'\u001b[31mred\'s'`],
  ['gnp.bd\u202e', String.raw`$'gnp.bd\u202e'`],
])('%j is typed as %s', (name, typed) => {
  expect(shellWord(name)).toBe(typed)
})

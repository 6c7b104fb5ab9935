import { describe, expect, test } from 'vitest'
import { checksumList, checksumFor } from '../../src/formats/checksum-list.ts'

const one = 'a'.repeat(64)
const two = 'b'.repeat(64)
const says = (text: string, name = 'app.db', alone = true) => checksumFor(checksumList(text), name, alone)

describe('checksum files', () => {
  test.each([
    ['text', `${one}  app.db\n`],
    ['binary', `${one} *app.db\n`],
    ['no line end', `${one}  app.db`],
    ['Windows line ends', `${one}  app.db\r\n`],
    ['a byte order mark', `\uFEFF${one}  app.db\n`],
    ['capitals', `${one.toUpperCase()}  app.db\n`],
    ['the tagged form', `SHA256 (app.db) = ${one}\n`],
    ['the path of another machine', `${one}  /mnt/gdrive/backups/2026/02-03/app.db\n`],
    ['here', `${one}  ./app.db\n`],
    ['one of many', `${two}  other.db\n\n${one}  app.db\n`],
    ['the exact name before a like one', `${two}  /elsewhere/app.db\n${one}  app.db\n`],
    ['a bare hash', `${one}\n`],
    ['the same twice', `${one}  app.db\n${one}  app.db\n`],
  ])('%s', (_, text) => {
    expect(says(text)).toEqual({ kind: 'found', sha256: one })
  })

  test('escaped names, as sha256sum writes newline, carriage return and backslash', () => {
    expect(checksumList(`\\${one}  a\\nb\\\\c\\rd.db\n`)).toEqual([{ sha256: one, name: 'a\nb\\c\rd.db' }])
    expect(says(`\\${one}  a\\\\nb.db\n`, 'a\\nb.db')).toEqual({ kind: 'found', sha256: one })
  })

  test('a leading dash is part of the name', () => {
    expect(says(`${one}  -rf.db\n`, '-rf.db')).toEqual({ kind: 'found', sha256: one })
  })

  test('other names only', () => {
    expect(says(`${one}  app.db.old\n${two}  xapp.db\n`)).toEqual({
      kind: 'other-names',
      names: ['app.db.old', 'xapp.db'],
    })
  })

  test('a bare hash says nothing in a list for many files', () => {
    expect(says(`${one}\n`, 'app.db', false).kind).toBe('other-names')
  })

  test('two hashes for one name', () => {
    expect(says(`${one}  app.db\n${two}  app.db\n`)).toEqual({ kind: 'conflict', hashes: [one, two] })
  })

  test.each([
    ['nothing', ''],
    ['empty lines', '\n\n'],
    ['words', 'no such file\n'],
    ['a short hash', `${one.slice(1)}  app.db\n`],
  ])('%s has no checksum', (_, text) => {
    expect(says(text)).toEqual({ kind: 'no-checksum' })
  })
})

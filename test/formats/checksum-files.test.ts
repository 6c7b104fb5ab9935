import { expect, test } from 'vitest'
import { checksumsBeside } from '../../src/formats/checksum-files.ts'

const backup = 'shop-20260203_040000.tar.gz'
const beside = (...names: readonly string[]) => checksumsBeside([backup, backup], [backup, ...names])

test.each([
  ['own', `${backup}.sha256`],
  ['own', `${backup}.sha256sum`],
  ['own', `${backup}.sha256.txt`],
  ['own', `${backup}.sha256sum.txt`],
  ['own', `${backup}.SHA256SUM`],
  ['lock', 'shop-20260203_040000.lock.json'],
  ['list', 'SHA256SUMS'],
  ['list', 'sha256sum.txt'],
  ['list', 'sha256.txt'],
  ['list', 'SHASUMS256.txt'],
  ['list', 'checksums_sha256.txt'],
  ['checksums', 'shop-20260203_040000.sha256sum'],
  ['checksums', `${backup}.checksum`],
  ['checksums', 'CHECKSUMS'],
] as const)('reads as %s: %s', (kind, name) => {
  expect(beside(name)).toEqual({ read: [{ name, kind }], unread: [] })
})

test.each([
  `${backup}.md5`,
  `${backup}.MD5`,
  'shop-20260203_040000.md5',
  `${backup}.sha512sum`,
  `${backup}.sha384`,
  `${backup}.b2sum`,
  `${backup}.blake3`,
  `${backup}.cksum`,
  `${backup}.hash`,
  `${backup}.asc`,
  'MD5SUMS',
  'SHASUMS512.txt',
  'checksums.md5',
])('names and does not read: %s', (name) => {
  expect(beside(name)).toEqual({ read: [], unread: [name] })
})

test.each([
  'shop-20260204_040000.tar.gz.sha256',
  'shop-20260204_040000.tar.gz.md5',
  `${backup}.manifest.json.sig`,
  'notes.txt',
  'shop.sha256',
])('has nothing to do with it: %s', (name) => {
  expect(beside(name)).toEqual({ read: [], unread: [] })
})

test('an armored backup is not its own signature', () => {
  expect(checksumsBeside(['shop.tar.gz.asc'], ['shop.tar.gz.asc'])).toEqual({ read: [], unread: [] })
})

import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { contentOf, startsLikeADump } from '../../src/formats/dumps/content.ts'
import { wrappingOf } from '../../src/formats/dumps/wrapping.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('what a backup is wrapped in', () => {
  test.each([
    ['gzip', gzipSync('x')],
    ['zstd', zstdCompressSync('x')],
    ['xz', bytes('\xfd7zXZ\0\0\x04')],
    ['bzip2', bytes('BZh91AY&SYrest')],
    ['bzip2', bytes('BZh9\x17rE8P\x90\0\0\0\0')],
    ['gpg', bytes('\x8c\x0d\x04\x09\x03\x02')],
    ['gpg', bytes('\xc3\x0d\x04\x09\x03\x02')],
    ['gpg', bytes('\x85\x01\x0c\x03abcdefgh')],
    ['gpg', bytes('-----BEGIN PGP MESSAGE-----\n')],
    ['age', bytes('age-encryption.org/v1\n-> scrypt')],
    ['age', bytes('-----BEGIN AGE ENCRYPTED FILE-----\n')],
    ['openssl', bytes('Salted__12345678')],
    [null, bytes('')],
    [null, bytes('PGDMP\x01\x0e')],
    [null, bytes('BZh9 is how this text begins')],
    [null, bytes('\x1f\x8b')],
    [null, bytes('-- PostgreSQL database dump')],
  ])('is %s', (wrapping, start) => {
    expect(wrappingOf(start)).toBe(wrapping)
  })
})

describe('what is in a backup', () => {
  test.each([
    ['archive', 'PGDMP\x01'],
    ['sqlite', 'SQLite format 3\0'],
    ['script', '--\n-- PostgreSQL database dump\n--\n'],
    ['script', '--\r\n-- PostgreSQL database cluster dump\r\n--\r\n'],
    ['unknown', 'a text about "PostgreSQL database dump"'],
    ['unknown', '-- MySQL dump 10.13\n'],
    ['tar', `${'toc.dat'.padEnd(257, '\0')}ustar\0`],
    ['unknown', ''],
  ])('is %s', (content, start) => {
    expect(contentOf(bytes(start))).toBe(content)
  })

  test.each([
    ['PGDMP\x01\x0e', true],
    [`${'toc.dat'.padEnd(100, '\0')}0000600 `, true],
    [`${'shop-dump/3345.dat.gz'.padEnd(100, '\0')}0000644\0`, true],
    [`${'shop-dump/'.padEnd(100, '\0')}drwxr-x `, false],
    ['\0'.repeat(100) + '0000644\0', false],
    ['a text of no use', false],
  ])('a decrypted block that starts with %j is one of a dump: %s', (start, is) => {
    expect(startsLikeADump(bytes(start))).toBe(is)
  })
})

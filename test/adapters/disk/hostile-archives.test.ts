import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diskArchives } from '../../../src/adapters/disk/archives.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import type { ArchiveLimits } from '../../../src/drivers/archives.ts'
import { fakeSecrets } from '../../../src/testing/secrets.ts'
import { emptyDisk } from '../../../src/testing/disk.ts'
import {
  endMark,
  longName,
  pax,
  paxRecord,
  rawMember,
  rawTar,
  type RawMember,
} from '../../fixtures/raw-tar.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const limits: ArchiveLimits = { maxBytes: 1_000_000, maxMembers: 100, maxDepth: 10 }
const archives = diskArchives({
  shell,
  scope: watchedScope(),
  secrets: fakeSecrets({ environment: {}, disk: emptyDisk() }),
})

const top = mkdtempSync(join(tmpdir(), 'runbook-hostile-'))
const victim = join(top, 'victim')
const arena = join(top, 'arena')
beforeAll(() => {
  mkdirSync(victim)
  mkdirSync(arena)
  writeFileSync(join(victim, 'file'), 'untouched')
})
afterAll(() => rmSync(top, { recursive: true }))

const good: RawMember = { name: 'good', body: 'good' }
const evil = { body: 'owned' }
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)
const text = (value: string): Uint8Array => Buffer.from(value, 'latin1')
const negative = Uint8Array.from({ length: 12 }, () => 0xff)
const huge = Uint8Array.of(0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

/** What, the archive, and what the refusal must say. */
const corpus: readonly (readonly [string, Buffer, string | RegExp])[] = [
  // Ways out of the folder.
  ['an absolute path', rawTar({ ...evil, name: `${victim}/file` }), 'absolute path'],
  ['an absolute path with two slashes', rawTar({ ...evil, name: `//${victim}/file` }), 'absolute path'],
  ['a parent at the beginning', rawTar({ ...evil, name: '../victim/file' }), 'points outside its folder'],
  ['a parent in the middle', rawTar({ ...evil, name: 'a/../../victim/file' }), 'points outside its folder'],
  ['a parent that comes back', rawTar({ ...evil, name: 'a/../b' }), 'points outside its folder'],
  ['a parent at the end', rawTar({ name: 'a/..', type: '5' }), 'points outside its folder'],
  ['a parent behind a dot', rawTar({ ...evil, name: './.././victim/file' }), 'points outside its folder'],
  [
    'a parent in the prefix',
    rawTar({ ...evil, name: 'victim/file', prefix: '..' }),
    'points outside its folder',
  ],
  ['an absolute prefix', rawTar({ ...evil, name: 'file', prefix: victim }), 'absolute path'],
  [
    'a parent in an extended header',
    rawTar(pax({ path: '../victim/file' }), { ...evil, name: 'harmless' }),
    'points outside its folder',
  ],
  [
    'an absolute path in an extended header',
    rawTar(pax({ path: `${victim}/file` }), { ...evil, name: 'harmless' }),
    'absolute path',
  ],
  [
    'a parent in a long name',
    rawTar(longName('../victim/file'), { ...evil, name: 'harmless' }),
    'points outside its folder',
  ],
  ['backslashes', rawTar({ ...evil, name: '..\\victim\\file' }), 'other systems treat as a path'],
  ['a drive letter', rawTar({ ...evil, name: 'C:/windows/file' }), 'other systems treat as a path'],
  ['a drive letter alone', rawTar({ ...evil, name: 'c:..' }), 'other systems treat as a path'],

  // Links, and what is written through them.
  [
    'a symbolic link, then a file through it',
    rawTar({ name: 'x', type: '2', link: victim }, { ...evil, name: 'x/file' }),
    'a symbolic link',
  ],
  ['a harmless symbolic link', rawTar(good, { name: 'link', type: '2', link: 'good' }), 'a symbolic link'],
  [
    'a hard link to a file outside',
    rawTar({ name: 'x', type: '1', link: `${victim}/file` }, { ...evil, name: 'x' }),
    'a hard link',
  ],
  [
    'a hard link with content',
    rawTar({ name: 'x', type: '1', link: 'good', body: 'owned' }),
    /a hard link|is a folder with content/,
  ],
  [
    'a link with a long target',
    rawTar(longName(`${victim}/file`, 'K'), { name: 'x', type: '2', link: 'short' }),
    'a symbolic link',
  ],
  [
    'a link whose target an extended header gives',
    rawTar(pax({ linkpath: victim }), { name: 'x', type: '2', link: 'x' }),
    'a symbolic link',
  ],
  ['a file with a link target', rawTar({ ...good, link: victim }), 'not read by every program'],
  [
    'a link in the folder itself',
    rawTar({ name: '.', type: '2', link: victim }, { ...evil, name: 'file' }),
    'a symbolic link',
  ],

  // Other kinds of things.
  ['a character device', rawTar({ name: 'null', type: '3' }), 'a character device'],
  ['a block device', rawTar({ name: 'sda', type: '4' }), 'a block device'],
  ['a pipe', rawTar({ name: 'pipe', type: '6' }), 'a pipe'],
  ['a contiguous file', rawTar({ ...good, type: '7' }), 'a contiguous file'],
  ['a GNU dump folder', rawTar({ name: 'd', type: 'D' }), 'a folder of an incremental backup'],
  ['a GNU sparse file', rawTar({ ...good, type: 'S' }), 'a sparse file'],
  [
    'a sparse file of a newer GNU tar',
    rawTar(
      pax({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'big', 'GNU.sparse.realsize': '1000000' }),
      good,
    ),
    'sparse',
  ],
  ['a sparse file of star', rawTar(pax({ 'SCHILY.realsize': '1000000' }), good), 'sparse'],
  ['a volume header', rawTar({ name: 'volume', type: 'V' }, good), 'a volume label'],
  ['a continued file', rawTar({ ...good, type: 'M' }), 'a part of a file from another volume'],
  ['an old long name', rawTar(longName('other', 'N'), good), 'unknown type'],
  ['a Solaris extended header', rawTar(pax({ path: 'other' }, 'X'), good), 'unknown type'],
  ['a type that nobody knows', rawTar({ ...good, type: 'Z' }), 'unknown type'],
  ['a type outside ASCII', rawTar({ ...good, patch: [[156, bytes(0xff)]] }), 'unknown type'],
  ['a set-uid file', rawTar({ ...good, mode: 0o104755 }), 'owner or group'],
  ['a set-gid file', rawTar({ ...good, mode: 0o2755 }), 'owner or group'],
  ['a set-gid folder', rawTar({ name: 'd/', type: '5', mode: 0o2775 }), 'owner or group'],

  // One thing over another.
  ['a file twice', rawTar(good, { ...evil, name: 'good' }), 'twice'],
  ['a file twice, spelled differently', rawTar(good, { ...evil, name: './/good' }), 'twice'],
  [
    'a file twice, composed differently',
    rawTar({ ...good, name: 'caf\u00e9' }, { ...evil, name: 'cafe\u0301' }),
    'look the same',
  ],
  ['a folder, then a file', rawTar({ name: 'x/', type: '5' }, { ...evil, name: 'x' }), 'twice'],
  ['a file, then a folder', rawTar({ ...evil, name: 'x' }, { name: 'x', type: '5' }), 'twice'],
  ['a file below a file', rawTar({ ...evil, name: 'x' }, { ...evil, name: 'x/y' }), 'below a file'],
  ['a folder below a file', rawTar({ ...evil, name: 'x' }, { name: 'x/y/', type: '5' }), 'below a file'],
  ['the whole folder as a file', rawTar({ ...evil, name: '.' }), 'is the top folder'],
  [
    'the whole folder twice',
    rawTar({ name: './', type: '5' }, { name: '.', type: '5' }, good),
    'is the top folder',
  ],

  // Names.
  ['no name', rawTar({ ...evil, name: '' }), 'is not a valid name'],
  [
    'bytes behind the end of a name',
    rawTar({ ...evil, name: text('good\0/../../victim/file') }),
    'hides bytes',
  ],
  ['bytes behind the end of a prefix', rawTar({ ...evil, patch: [[345, text('a\0b')]] }), 'hides bytes'],
  [
    'times behind a prefix, and bytes between them',
    rawTar({
      ...evil,
      patch: [
        [345, text('a\0b')],
        [476, text('15300350010\0'.repeat(2))],
      ],
    }),
    'hides bytes',
  ],
  [
    'something like times behind a prefix',
    rawTar({ ...evil, patch: [[476, text('15300350010\0../../victim\0')]] }),
    'hides bytes',
  ],
  [
    'times within a prefix',
    rawTar({ ...evil, patch: [[475, text('/15300350010\0abcdefghijkl')]] }),
    'hides bytes',
  ],
  [
    'a NUL in an extended name',
    rawTar(pax({ path: 'good\0/../../victim/file' }), good),
    'control characters',
  ],
  ['bytes behind the end of a long name', rawTar(longName('good\0/../victim/file'), good), 'hides bytes'],
  ['a newline', rawTar({ ...evil, name: 'a\nb' }), 'control characters'],
  ['an escape sequence', rawTar({ ...evil, name: '\u001b[2J\u001b]0;owned\u0007' }), 'control characters'],
  ...['\u202e', '\u202a', '\u2066', '\u2069', '\u2028', '\u2029'].map((mark): [string, Buffer, string] => [
    `a name with U+${mark.charCodeAt(0).toString(16)}`,
    rawTar(pax({ path: `invoice${mark}fdp.exe` }), good),
    'change how text around them is shown',
  ]),
  ['a name that is no UTF-8', rawTar({ ...evil, name: bytes(0x66, 0xff, 0xfe) }), 'is not valid UTF-8'],
  ['an extended name that is no UTF-8', rawTar(pax({ path: bytes(0xc3) }), good), 'is not valid UTF-8'],
  ['a part of 256 bytes', rawTar(pax({ path: 'x'.repeat(256) }), good), 'is too long a name'],
  [
    'a path of 4096 bytes',
    rawTar(pax({ path: `${'x/'.repeat(9)}${'/'.repeat(4077)}y` }), good),
    'is too long a name',
  ],
  ['too deep a path', rawTar(pax({ path: `${'d/'.repeat(10)}f` }), good), 'deeper than'],

  // Numbers.
  ['a negative size', rawTar({ ...good, size: negative }), 'negative or too large size'],
  ['a size beyond all numbers', rawTar({ ...good, size: huge }), 'negative or too large size'],
  ['a size that is no number', rawTar({ ...good, size: text('12x\0') }), 'that is not a number'],
  ['a size with a sign', rawTar({ ...good, size: text('-0000000004\0') }), 'that is not a number'],
  [
    'a size with something behind it',
    rawTar({ ...good, size: text('00004 00000\0') }),
    'that is not a number',
  ],
  ['a size beyond the limit', rawTar({ ...good, size: 1_000_001 }), 'more than the 1000000 bytes'],
  [
    'a size beyond the limit in an extended header',
    rawTar(pax({ size: '99999999999' }), good),
    'more than the 1000000 bytes',
  ],
  ['a negative size in an extended header', rawTar(pax({ size: '-1' }), good), 'invalid size'],
  ['a size with a fraction in an extended header', rawTar(pax({ size: '4.5' }), good), 'invalid size'],
  ['a size in words in an extended header', rawTar(pax({ size: 'NaN' }), good), 'invalid size'],
  ['a folder with content', rawTar({ name: 'd/', type: '5', body: 'owned' }), 'is a folder with content'],
  ['an absurd time', rawTar(pax({ mtime: '1e400' }), good), 'invalid mtime'],
  [
    'a time out of range',
    rawTar({
      ...good,
      modified: '',
      patch: [[136, Uint8Array.of(0x80, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)]],
    }),
    'impossible time',
  ],
  [
    'an impossible owner',
    rawTar({ ...good, uid: Uint8Array.of(0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff) }),
    'impossible user',
  ],
  ['a wrong checksum', rawTar({ ...good, checksum: '0000000\0' }), 'checksum'],
  ['no checksum', rawTar({ ...good, checksum: '        ' }), 'checksum'],
  ['an unknown kind of header', rawTar({ ...good, magic: 'ustar\u000099' }), 'unknown kind of header'],

  // Extended headers out of form.
  [
    'a record with a wrong length',
    rawTar({ name: 'x', type: 'x', body: '99 path=y\n' }, good),
    'is malformed',
  ],
  ['a record of length nought', rawTar({ name: 'x', type: 'x', body: '0 path=y\n' }, good), 'is malformed'],
  ['a record without an end', rawTar({ name: 'x', type: 'x', body: '9 path=yz' }, good), 'is malformed'],
  ['a record without a value', rawTar({ name: 'x', type: 'x', body: '7 path\n' }, good), 'is malformed'],
  [
    'a name within an attribute',
    rawTar(pax({ 'SCHILY.xattr.user.a': 'b\n20 path=../victim/f\nc' }), good),
    'is read differently',
  ],
  [
    'a name twice in one header',
    rawTar(
      { name: 'x', type: 'x', body: Buffer.concat([paxRecord('path', 'a'), paxRecord('path', '../b')]) },
      good,
    ),
    'twice',
  ],
  [
    'two extended headers in a row',
    rawTar(pax({ path: 'a' }), pax({ path: 'b' }), good),
    'two extended headers',
  ],
  ['two long names in a row', rawTar(longName('a'), longName('b'), good), 'two long names'],
  ['a name by both ways', rawTar(longName('a'), pax({ path: 'b' }), good), 'named twice'],
  ['a name for all members', rawTar(pax({ path: '../victim/file' }, 'g'), good), 'for all members'],
  ['a size for all members', rawTar(pax({ size: '0' }, 'g'), good), 'for all members'],
  ['an unknown key', rawTar(pax({ 'realtime.x': '1' }), good), 'has the unknown key'],
  [
    'an extended header of two MiB',
    rawTar({ name: 'x', type: 'x', body: Buffer.alloc(2 ** 21, ' ') }, good),
    'larger than',
  ],
  [
    'an extended header that claims eight GiB',
    rawTar({ name: 'x', type: 'x', size: 0o77777777777 }, good),
    'larger than',
  ],
  [
    'an extended header at the end',
    rawTar(good, pax({ path: 'ghost' })),
    'after an extended header without a member',
  ],
  [
    'a size that swallows the next header',
    rawTar(pax({ size: '1024' }), { ...good, body: 'x'.repeat(512) }, { ...evil, name: '../victim/file' }),
    'truncated|differently|checksum',
  ],

  // Where it ends.
  ['nothing', Buffer.alloc(0), 'it is empty'],
  ['an end mark alone', rawTar(), 'it is empty'],
  ['zeros', Buffer.alloc(100_000), 'it is empty'],
  ['text', Buffer.from('this is no archive\n'.repeat(100)), 'checksum'],
  ['no end mark', rawMember(good), 'no end mark'],
  ['half an end mark', Buffer.concat([rawMember(good), endMark.subarray(512)]), 'no end mark'],
  [
    'an end within content',
    rawTar({ ...good, body: 'x'.repeat(5000) }).subarray(0, 3000),
    'truncated within \\"good\\"',
  ],
  [
    'an end within a header',
    Buffer.concat([rawMember(good), rawMember(good).subarray(0, 100)]),
    'no end mark',
  ],
  [
    'a member after the end mark',
    Buffer.concat([rawMember(good), endMark, rawMember({ ...evil, name: '../victim/file' }), endMark]),
    'extra data after its end mark',
  ],
  [
    'a member after half an end mark',
    Buffer.concat([rawMember(good), endMark.subarray(512), rawMember({ ...evil, name: 'x' }), endMark]),
    'extra data after its end mark',
  ],
  [
    'garbage after the end mark',
    Buffer.concat([rawTar(good), Buffer.from('garbage')]),
    'extra data after its end mark',
  ],
  [
    'twenty MiB of zeros after the end mark',
    Buffer.concat([rawTar(good), Buffer.alloc(20 * 2 ** 20)]),
    'zeros follow',
  ],

  // Compression.
  ['a gzip stream that is cut off', gzipSync(rawTar(good)).subarray(0, -5), 'truncated'],
  ['a gzip stream without its trailer', gzipSync(rawTar(good)).subarray(0, -8), 'truncated'],
  ['a gzip stream with a flipped bit in its checksum', flipped(gzipSync(rawTar(good)), -6), 'damaged'],
  ['a gzip stream with a flipped bit in its length', flipped(gzipSync(rawTar(good)), -1), 'damaged'],
  [
    'two gzip streams',
    Buffer.concat([gzipSync(rawTar(good)), gzipSync(rawTar({ ...evil, name: 'x' }))]),
    'extra data after its',
  ],
  [
    'garbage after gzip',
    Buffer.concat([gzipSync(rawTar(good)), Buffer.from('garbage')]),
    /damaged|extra data after its gzip stream/,
  ],
  [
    'zeros after gzip',
    Buffer.concat([gzipSync(rawTar(good)), Buffer.alloc(1000)]),
    'extra data after its gzip stream',
  ],
  ['gzip within gzip', gzipSync(gzipSync(rawTar(good))), 'checksum|no end mark'],
  ['a zstd stream that is cut off', zstdCompressSync(rawTar(good)).subarray(0, -1), 'truncated'],
  [
    'two zstd frames',
    Buffer.concat([zstdCompressSync(rawTar(good)), zstdCompressSync(rawTar({ ...evil, name: 'x' }))]),
    'extra data after its end mark',
  ],
  [
    'garbage after zstd',
    Buffer.concat([zstdCompressSync(rawTar(good)), Buffer.from('garbage')]),
    'extra data after its zstd stream',
  ],
  [
    'a damaged zstd header',
    flipped(zstdCompressSync(rawTar(good)), 5),
    /damaged|truncated|checksum|end mark/,
  ],
  ['xz', Buffer.from('fd377a585a00', 'hex'), 'xz file'],
  ['armored gpg', Buffer.from('-----BEGIN PGP MESSAGE-----\n\njA0ECQ'), 'encrypted, as OpenPGP text'],
  ['openssl enc', Buffer.from(`Salted__12345678${'x'.repeat(600)}`), 'encrypted, by openssl enc'],
  ['age', Buffer.from('age-encryption.org/v1\n-> scrypt'), 'encrypted, by age'],
  ['gpg with a passphrase', Buffer.from('8c0d04090302', 'hex'), 'encrypted, by gpg'],
  ['gpg for a public key', Buffer.from('85018c03aabbccdd', 'hex'), 'encrypted, by gpg'],
  [
    'names that differ in the form of a Unicode character',
    rawTar({ ...good, name: 'Cafe\u0301' }, { ...good, name: 'Caf\u00e9' }),
    /look the same: they differ only in the form of a Unicode character \(c3a9, cc81\)/,
  ],
  ['bzip2', Buffer.from('BZh91AY&SY'), 'bzip2 file'],
  ['zip', Buffer.from('PK\u0003\u0004'), 'zip file'],

  // Bombs.
  ['a gigabyte of zeros in a gzip file', gzipBomb(1024), 'more than the 1000000 bytes'],
  [
    'a gigabyte of zeros behind the end mark',
    gzipSync(Buffer.concat([rawTar(good), Buffer.alloc(64 * 2 ** 20)])),
    'zeros follow',
  ],
  [
    'too many members',
    rawTar(...Array.from({ length: 101 }, (_, index) => ({ name: `f${index}` }))),
    'more members than allowed',
  ],
  [
    'too many members that are folders',
    rawTar(...Array.from({ length: 101 }, (_, index) => ({ name: `f${index}/`, type: '5' }))),
    'more members than allowed',
  ],
  [
    'the same folder again and again',
    rawTar(...Array.from({ length: 101 }, () => ({ name: 'd/', type: '5' }))),
    'more members than allowed',
  ],
  [
    'extended headers and little else',
    gzipSync(
      rawTar(
        ...Array.from({ length: 99 }, (_, index) => [
          pax({ comment: ' '.repeat(900_000) }),
          { name: `f${index}` },
        ]).flat(),
      ),
    ),
    'larger than its members',
  ],
]

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  const index = at < 0 ? copy.length + at : at
  copy[index] = (copy[index] ?? 0) ^ 0x10
  return copy
}

function gzipBomb(mebibytes: number): Buffer {
  return gzipSync(
    Buffer.concat([rawMember({ name: 'bomb', size: mebibytes * 2 ** 20 }), Buffer.alloc(32 * 2 ** 20)]),
  )
}

/** Everything below a folder, with kinds, sizes and times: equal before and after means that nothing was written. */
function traces(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const facts = lstatSync(join(folder, name))
      return `${name} ${facts.mode} ${facts.size} ${facts.mtimeMs} ${facts.ino} ${facts.nlink}`
    })
}

describe('ordinary archives', () => {
  const file = join(top, 'archive')

  it.each([
    [
      'two zstd frames',
      (tar: Buffer) => [zstdCompressSync(tar.subarray(0, 700)), zstdCompressSync(tar.subarray(700))],
    ],
    [
      'a zstd frame and an empty one, as Node may end a stream',
      (tar: Buffer) => [zstdCompressSync(tar), zstdCompressSync(Buffer.alloc(0))],
    ],
    ['two gzip members', (tar: Buffer) => [gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]],
    [
      'many gzip members',
      (tar: Buffer) => [0, 1, 2, 3, 4].map((at) => gzipSync(tar.subarray(at * 2048, at * 2048 + 2048))),
    ],
    ['an empty gzip member at the end', (tar: Buffer) => [gzipSync(tar), gzipSync('')]],
  ])('are read from %s', async (_, parts) => {
    writeFileSync(
      file,
      Buffer.concat(parts(rawTar({ ...good, name: 'data/x' }, { ...good, name: 'data/y' }))),
    )
    const into = join(arena, 'into')
    expect(await archives.extract(file, into, limits)).toEqual({ members: 2, bytes: 8, top: 'data' })
    expect(readFileSync(join(into, 'data/y'), 'utf8')).toBe(good.body)
    rmSync(into, { recursive: true })
  })

  it('of macOS have one folder, whatever attributes lie beside it', async () => {
    const attributes = { name: './._data', body: '\0\u0005\u0016\u0007' }
    writeFileSync(file, rawTar(attributes, { name: 'data/', type: '5' }, { ...good, name: 'data/x' }))
    expect(await archives.inspect(file, limits)).toMatchObject({ top: 'data' })
    writeFileSync(file, rawTar({ ...attributes, name: './._other' }, { ...good, name: 'data/x' }))
    expect(await archives.inspect(file, limits)).toMatchObject({ top: null })
  })
})

describe('hostile archives', () => {
  it('are at least forty', () => {
    expect(new Set(corpus.map(([what]) => what)).size).toBe(corpus.length)
    expect(corpus.length).toBeGreaterThanOrEqual(40)
  })

  it.each(corpus)('%s', async (_, body, says) => {
    const file = join(top, 'archive')
    writeFileSync(file, body)
    const before = traces(top)
    const wanted = {
      name: 'RunbookError',
      code: 'verification',
      message: expect.stringMatching(says),
      hint: expect.any(String),
    }
    await expect(archives.inspect(file, limits)).rejects.toMatchObject(wanted)
    await expect(archives.extract(file, join(arena, 'into'), limits)).rejects.toMatchObject(wanted)
    expect(traces(top)).toEqual(before)
  })

  it('are refused at every place where they may be cut off', async () => {
    const whole = Buffer.concat([
      rawMember(good),
      rawMember(longName('a'.repeat(150))),
      rawMember({ ...good, name: 'x' }),
      endMark,
    ])
    const file = join(top, 'archive')
    for (let length = 0; length < whole.length; length += length % 512 < 4 || length % 512 > 508 ? 1 : 50) {
      writeFileSync(file, whole.subarray(0, length))
      await expect(archives.inspect(file, limits), `${length} bytes`).rejects.toMatchObject({
        code: 'verification',
      })
    }
    writeFileSync(file, whole)
    expect(await archives.inspect(file, limits)).toEqual({ members: 2, bytes: 8, top: null })
  })

  it('are refused for any flipped bit of a compressed file, unless it unpacks to the very same', async () => {
    const file = join(top, 'archive')
    const body = 'a line of some text\n'.repeat(30)
    const tar = rawTar(good, { ...good, name: 'x', body })
    let refused = 0
    for (const whole of [gzipSync(tar), execFileSync('zstd', ['-c', '--check'], { input: tar })]) {
      for (let at = 0; at < whole.length; at++) {
        writeFileSync(file, flipped(whole, at))
        try {
          await archives.extract(file, join(arena, 'into'), limits)
        } catch (thrown) {
          expect(thrown, `byte ${at}`).toMatchObject({ code: 'verification' })
          refused++
          continue
        }
        expect(readdirSync(join(arena, 'into'))).toEqual(['good', 'x'])
        expect(readFileSync(join(arena, 'into', 'x'), 'utf8')).toBe(body)
        rmSync(join(arena, 'into'), { recursive: true })
      }
    }
    expect(refused).toBeGreaterThan(150)
  })

  it('made of anything at all are refused without a trace, or hold what GNU tar sees in them', async () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      'c',
      '.',
      '..',
      '/',
      '/',
      'd/',
      '',
      '\\',
      '\0',
      '\n',
      'é',
      'x'.repeat(60),
      'victim',
      victim,
    )
    const name = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''))
    const plain = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd', 'e/', 'f/'), { minLength: 1, maxLength: 4 })
      .map((pieces) => pieces.join(''))
    const names = fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: name })
    const member = fc.record(
      {
        name: names,
        type: fc.constantFrom(...'0000005555127xgLK'),
        body: fc.string({ maxLength: 20 }),
        mode: fc.constantFrom(0o644, 0o755, 0o4755),
        prefix: names,
        link: fc.constantFrom('', victim),
      },
      { requiredKeys: ['name'] },
    )
    const piecesOf = fc.oneof(
      {
        weight: 4,
        arbitrary: names.map((one): readonly RawMember[] => [
          { name: one, type: one.endsWith('/') ? '5' : '0' },
        ]),
      },
      { weight: 1, arbitrary: member.map((one): readonly RawMember[] => [one as RawMember]) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(names, names)
          .map(([path, short]): readonly RawMember[] => [pax({ path }), { name: short, body: 'x' }]),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(names, names)
          .map(([long, short]): readonly RawMember[] => [
            longName(long),
            { name: short, magic: 'ustar  \0' },
          ]),
      },
    )
    const file = join(top, 'archive')
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(fc.array(piecesOf, { minLength: 1, maxLength: 4 }), async (members) => {
        writeFileSync(file, rawTar(...members.flat()))
        const before = traces(victim)
        const outcome = await archives.extract(file, join(arena, 'into'), limits).then(
          (facts) => facts,
          (thrown: unknown) => {
            expect(thrown).toMatchObject({ code: 'verification' })
            return null
          },
        )
        const written = readdirSync(arena, { recursive: true, withFileTypes: true })
        rmSync(join(arena, 'into'), { recursive: true, force: true })
        if (outcome !== null) {
          accepted++
          const listed = execFileSync('tar', ['-tf', file], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
          })
          expect(
            listed.split('\n').filter((line) => line.split('/').some((part) => part !== '' && part !== '.')),
          ).toHaveLength(outcome.members)
        }
        expect(written.length > 0).toBe(outcome !== null)
        expect(written.every((entry) => entry.isFile() || entry.isDirectory())).toBe(true)
        expect(readdirSync(arena)).toEqual([])
        expect(traces(victim)).toEqual(before)
        expect(readdirSync(top).sort()).toEqual(['archive', 'arena', 'victim'])
      }),
      { numRuns: 300 },
    )
    expect(accepted).toBeGreaterThan(50)
  })
})

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  appendFileSync,
  existsSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packTree, requirePackable } from '../../../src/adapters/disk/pack.ts'
import { treeDigest } from '../../../src/adapters/disk/tree-digest.ts'
import type { Packing } from '../../../src/drivers/archives.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-pack-'))
afterAll(() => rmSync(top, { recursive: true }))

const limits = { maxBytes: 1e9, maxMembers: 1000, maxDepth: 50 }
const packing = (folder: string, more: Partial<Packing> = {}): Packing => ({
  folder,
  only: null,
  as: '.',
  exclude: [],
  dated: null,
  limits,
  ...more,
})
const moment = '2026-02-03T04:12:00Z'

function tree(): { readonly at: string; readonly folder: string } {
  const at = mkdtempSync(join(top, 'f-'))
  mkdirSync(join(at, 'tree/deep'), { recursive: true })
  writeFileSync(join(at, 'tree/deep/run.sh'), '#!/bin/sh\n')
  chmodSync(join(at, 'tree/deep/run.sh'), 0o700)
  writeFileSync(join(at, 'tree/big'), Buffer.alloc(3_000_000, 'abc'))
  chmodSync(join(at, 'tree/big'), 0o640)
  utimesSync(join(at, 'tree/big'), 1_700_000_000, 1_700_000_000)
  return { at, folder: join(at, 'tree') }
}

/** Its change time tells. */
function rewritten(folder: string): void {
  const { atime, mtime, size } = statSync(join(folder, 'big'))
  writeFileSync(join(folder, 'big'), Buffer.alloc(size, 'xyz'))
  utimesSync(join(folder, 'big'), atime, mtime)
}

const listed = (archive: string): readonly string[] =>
  execFileSync('tar', ['--numeric-owner', '--full-time', '-tvzf', archive], {
    env: { ...process.env, TZ: 'UTC' },
  })
    .toString()
    .trim()
    .split('\n')

describe('packing on disk', () => {
  it('gives every member one owner, time and one of two modes where the same tree must give the same bytes, whatever umask and clock made', async () => {
    const [one, other] = [tree(), tree()]
    chmodSync(join(other.folder, 'big'), 0o666)
    chmodSync(join(other.folder, 'deep'), 0o700)
    utimesSync(join(other.folder, 'deep/run.sh'), 1, 1)
    const [first, second] = [
      await packTree(packing(one.folder, { dated: moment }), join(one.at, 'a.tar.gz'), watchedScope()),
      await packTree(packing(other.folder, { dated: moment }), join(other.at, 'b.tar.gz'), watchedScope()),
    ]
    expect(readFileSync(first.file).equals(readFileSync(second.file))).toBe(true)
    expect(listed(first.file).map((line) => line.split(/\s+/).join(' '))).toEqual([
      'drwxr-xr-x 0/0 0 2026-02-03 04:12:00 ./',
      '-rw-r--r-- 0/0 3000000 2026-02-03 04:12:00 ./big',
      'drwxr-xr-x 0/0 0 2026-02-03 04:12:00 ./deep/',
      '-rwxr-xr-x 0/0 10 2026-02-03 04:12:00 ./deep/run.sh',
    ])
    // gzip (RFC 1952): no flags, so no name, and no time.
    expect(readFileSync(first.file).subarray(2, 8).toString('hex')).toBe('080000000000')
  })

  it('keeps owner, mode and time as they are where data is copied, as tar unpacks them', async () => {
    const { at, folder } = tree()
    const { file } = await packTree(packing(folder, { as: '.data' }), join(at, 'a.tar.gz'), watchedScope())
    mkdirSync(join(at, 'back'))
    execFileSync('tar', ['-xpzf', file, '-C', join(at, 'back')])
    const [was, is] = [statSync(join(folder, 'big')), statSync(join(at, 'back/.data/big'))]
    expect([is.mode, is.uid, is.gid, is.mtimeMs]).toEqual([was.mode, was.uid, was.gid, was.mtimeMs])
    expect(readFileSync(join(at, 'back/.data/big')).equals(readFileSync(join(folder, 'big')))).toBe(true)
  })

  it('packs long names, and letters of every script', async () => {
    const { at, folder } = tree()
    const names = ['ä'.repeat(100), 'x'.repeat(250), `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}`]
    for (const name of names) {
      mkdirSync(join(folder, name, '..'), { recursive: true })
      writeFileSync(join(folder, name), name)
    }
    const { file } = await packTree(packing(folder, { dated: moment }), join(at, 'a.tar.gz'), watchedScope())
    mkdirSync(join(at, 'back'))
    execFileSync('tar', ['-xzf', file, '-C', join(at, 'back')])
    for (const name of names) expect(readFileSync(join(at, 'back', name), 'utf8')).toBe(name)
  })

  it.each([
    [
      'a name that is not UTF-8',
      (at: string) => writeFileSync(Buffer.concat([Buffer.from(`${at}/caf`), Buffer.from([0xe9])]), '1'),
      /caf.* is not valid UTF-8 \(bytes 636166e9\)/,
      /find \S+ -maxdepth 1 -inum \d+/,
    ],
    [
      'Unicode twins',
      (at: string) => ['Cafe\u0301', 'Caf\u00e9'].forEach((name) => writeFileSync(join(at, name), name)),
      /look the same/,
      /rename one of them/,
    ],
    [
      'a dangling link',
      (at: string) => symlinkSync('host:1234', join(at, 'lock')),
      /lock is a link to a missing file, host:1234/,
      /exclude it/,
    ],
    [
      'an absolute link out of it',
      (at: string) => symlinkSync('/etc/hostname', join(at, 'name')),
      /name is a link out of the folder, to \/etc\/hostname/,
      /exclude it/,
    ],
  ])(
    'refuses %s for what it is, before anything is written, unless it is excluded',
    async (_, make, says, cure) => {
      const { at, folder } = tree()
      make(folder)
      // Reading the folder twice, as a backup of data does, sees nothing that went away.
      const facts = await treeDigest(folder, watchedScope())
      expect((await treeDigest(folder, watchedScope())).digest).toBe(facts.digest)
      const refused = { message: expect.stringMatching(says), hint: expect.stringMatching(cure) }
      await expect(requirePackable(packing(folder), watchedScope())).rejects.toMatchObject(refused)
      await expect(packTree(packing(folder), join(at, 'a.tar.gz'), watchedScope())).rejects.toMatchObject(
        refused,
      )
      expect(existsSync(join(at, 'a.tar.gz.partial'))).toBe(false)
      const exclude = ['caf*', 'Cafe*', 'lock', 'name']
      await requirePackable(packing(folder, { exclude }), watchedScope())
    },
  )

  it('reads every byte of a name that is not UTF-8', async () => {
    const [one, other] = [tree(), tree()]
    for (const [{ folder }, byte] of [
      [one, 0xe9],
      [other, 0xe8],
    ] as const)
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([byte])]), '1')
    const digests = await Promise.all([one, other].map(({ folder }) => treeDigest(folder, watchedScope())))
    expect(digests[0]?.files).toBe(3)
    expect(digests[0]?.digest).not.toBe(digests[1]?.digest)
  })

  it('leaves pipes out and says so, and set-id bits too', async () => {
    const { at, folder } = tree()
    execFileSync('mkfifo', [join(folder, 'pipe')])
    chmodSync(join(folder, 'deep'), 0o2775)
    const { notes, members } = await packTree(packing(folder), join(at, 'a.tar.gz'), watchedScope())
    expect(notes).toEqual([
      'pipe is a pipe and was left out',
      expect.stringContaining('deep runs as its owner or group (mode 2775)'),
    ])
    expect(members).toBe(3)
  })

  it.each([
    ['as it was', null],
    ['dated', moment],
  ] as const)('meets a file that grows while it is packed, %s', async (_, dated) => {
    const { at, folder } = tree()
    const scope = watchedScope({ progress: () => appendFileSync(join(folder, 'big'), 'more') })
    const ending = packTree(packing(folder, { dated, only: ['big'] }), join(at, 'a.tar.gz'), scope)
    if (dated === null)
      expect((await ending).notes).toEqual([expect.stringContaining('its first 3000000 bytes were taken')])
    else
      await expect(ending).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('big changed while it was being packed'),
      })
    expect(existsSync(join(at, 'a.tar.gz.partial'))).toBe(false)
  })

  it.each<[what: string, change: (folder: string) => void, changed: readonly string[]]>([
    ['nothing', () => undefined, []],
    ['a file that was packed already is written to, and keeps size and time', rewritten, ['big']],
    ['a file appears', (folder) => writeFileSync(join(folder, 'deep/late'), ''), ['deep/late']],
    ['a file goes', (folder) => rmSync(join(folder, 'big')), ['big']],
    ['a mode changes', (folder) => chmodSync(join(folder, 'deep'), 0o700), ['deep']],
    ['what is excluded changes', (folder) => writeFileSync(join(folder, 'a.log'), 'more'), []],
    ['a link out of it appears', (folder) => symlinkSync('/etc/passwd', join(folder, 'out')), ['.']],
  ])('names what changed before it was done: %s', async (_, change, changed) => {
    const { at, folder } = tree()
    chmodSync(join(folder, 'deep'), 0o755)
    let done = false
    const scope = watchedScope({
      // The last file is read after the others.
      progress: ({ done: bytes, total }) => {
        if (done || bytes !== total) return
        done = true
        change(folder)
      },
    })
    const packed = await packTree(packing(folder, { exclude: ['*.log'] }), join(at, 'a.tar.gz'), scope)
    expect(packed.changed).toEqual(changed)
  })

  it('leaves nothing when it is stopped, and begins anew where a kill left a part', async () => {
    const { at, folder } = tree()
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal, progress: () => stop.abort(new Error('enough')) })
    await expect(packTree(packing(folder), join(at, 'a.tar.gz'), scope)).rejects.toThrow('enough')
    expect(existsSync(join(at, 'a.tar.gz')) || existsSync(join(at, 'a.tar.gz.partial'))).toBe(false)
    writeFileSync(join(at, 'a.tar.gz.partial'), 'half')
    const { size } = await packTree(packing(folder), join(at, 'a.tar.gz'), watchedScope())
    expect(statSync(join(at, 'a.tar.gz')).size).toBe(size)
  })
})

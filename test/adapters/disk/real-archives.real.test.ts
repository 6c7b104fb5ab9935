import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from 'tar'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { diskArchives } from '../../../src/adapters/disk/archives.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import type { ArchiveLimits } from '../../../src/drivers/archives.ts'
import type { Scope } from '../../../src/drivers/scope.ts'
import { emptyDisk } from '../../../src/testing/disk.ts'
import { fakeSecrets } from '../../../src/testing/secrets.ts'
import { pax, rawTar } from '../../fixtures/raw-tar.ts'
import { program, root } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const limits: ArchiveLimits = { maxBytes: 1e9, maxMembers: 10_000, maxDepth: 20 }
const archivesIn = (scope: Scope = watchedScope()) =>
  diskArchives({ shell, scope, secrets: fakeSecrets({ environment: {}, disk: emptyDisk() }) })

const top = mkdtempSync(join(tmpdir(), 'runbook-real-'))
const source = join(top, 'source')
let into = ''
beforeAll(() => {
  mkdirSync(join(source, 'release/config'), { recursive: true })
  mkdirSync(join(source, 'release/empty'))
  writeFileSync(join(source, 'release/app'), Buffer.alloc(700_000, 'binary\0'))
  writeFileSync(join(source, 'release/config/naïve ☂ name.json'), '{}')
  writeFileSync(join(source, 'release', `${'long-'.repeat(45)}name`), 'long')
  mkdirSync(join(source, 'release', 'd'.repeat(120), 'e'.repeat(120)), { recursive: true })
  writeFileSync(join(source, 'release', 'd'.repeat(120), 'e'.repeat(120), 'é'.repeat(100)), 'deep')
  writeFileSync(join(source, 'release/nothing'), '')
  chmodSync(join(source, 'release/app'), 0o755)
  chmodSync(join(source, 'release/nothing'), 0o666)
  chmodSync(join(source, 'release/config'), 0o1777)
  utimesSync(join(source, 'release/app'), 1e9, 1e9)
  utimesSync(join(source, 'release/empty'), 1.1e9, 1.1e9)
  if (process.getuid?.() === 0) chownSync(join(source, 'release/config'), 1234, 1235)
})
beforeEach(() => {
  into = join(mkdtempSync(join(top, 'into-')), 'into')
})
afterAll(() => rmSync(top, { recursive: true }))

/** Names, kinds, modes, sizes, owners and times. Of folders too, so that nothing touches them after their time was set. */
function looks(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { mode, size, mtimeMs, uid, gid } = statSync(join(folder, name))
      return `${name} ${mode.toString(8)} ${(mode & 0o40000) === 0 ? size : ''} ${Math.floor(mtimeMs / 1000)} ${uid}:${gid}`
    })
}

describe.skipIf(!program('tar'))('archives of GNU tar', () => {
  const pack = (file: string, ...options: readonly string[]): string => {
    execFileSync('tar', ['-C', source, ...options, '-cf', join(top, file), 'release'])
    return join(top, file)
  }

  it.each([
    ['gnu.tar', ['--format=gnu']],
    ['posix.tar', ['--format=posix']],
    ['posix with attributes.tar', ['--format=posix', '--xattrs', '--acls']],
    ['release.tar.gz', ['--gzip']],
    ['release.tgz', ['--gzip', '--format=posix']],
    ['release.tar.zst', ['--zstd']],
    ['misnamed.tar.gz', ['--zstd']],
  ])('are extracted as they were packed: %s', async (file, options) => {
    const archive = pack(file, ...options)
    const facts = await archivesIn().extract(archive, into, limits)
    expect(facts).toEqual({ members: 10, bytes: 700_010, top: 'release' })
    expect(spawnSync('diff', ['-r', source, into], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stdout: '',
    })
    expect(looks(join(into, 'release'))).toEqual(looks(join(source, 'release')))
  })

  it('restore the folder itself, when that was packed', async () => {
    const packed = join(top, 'packed')
    mkdirSync(packed, { recursive: true })
    writeFileSync(join(packed, 'file'), 'x')
    chmodSync(packed, 0o750)
    utimesSync(packed, 1e9, 1e9)
    execFileSync('tar', ['-C', packed, '-czf', join(top, 'dot.tar.gz'), '.'])
    expect(await archivesIn().extract(join(top, 'dot.tar.gz'), into, limits)).toEqual({
      members: 1,
      bytes: 1,
      top: null,
    })
    expect(statSync(into)).toMatchObject({ mode: 0o40750, mtimeMs: 1e12 })
  })

  it('are refused where they hold links or sparse files, and the member is named', async () => {
    const odd = join(top, 'odd')
    mkdirSync(odd)
    symlinkSync('file', join(odd, 'current'))
    execFileSync('tar', ['-C', top, '-cf', join(top, 'link.tar'), 'odd'])
    await expect(archivesIn().inspect(join(top, 'link.tar'), limits)).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('"odd/current" is a symbolic link'),
      hint: expect.stringContaining('--dereference'),
    })
    writeFileSync(join(odd, 'sparse'), 'x')
    truncateSync(join(odd, 'sparse'), 10_000_000)
    for (const format of ['gnu', 'posix']) {
      execFileSync('tar', [
        '-C',
        odd,
        '--sparse',
        `--format=${format}`,
        '-cf',
        join(top, 'sparse.tar'),
        'sparse',
      ])
      await expect(archivesIn().inspect(join(top, 'sparse.tar'), limits)).rejects.toThrow('sparse')
    }
  })
})

// Its headers keep times behind a shorter prefix, as those of star do.
describe('archives of node-tar', () => {
  it.each([
    ['as it packs by itself', {}],
    ['gzipped', { gzip: true }],
    ['without extended headers, and so without long names', { noPax: true }],
  ] as const)('are extracted as they were packed: %s', async (_, options) => {
    const archive = join(top, 'node.tar')
    const cut = 'noPax' in options
    const short = (name: string): boolean => !cut || !/long-|ddd/.test(name)
    await create({ ...options, cwd: source, file: archive, filter: short }, ['release'])
    await archivesIn().extract(archive, into, limits)
    expect(looks(join(into, 'release'))).toEqual(looks(join(source, 'release')).filter(short))
  })
})

describe('extraction', () => {
  const archive = (): string => {
    writeFileSync(
      join(top, 'a.tar'),
      rawTar(
        ...Array.from({ length: 20 }, (_, index) => ({
          name: `f${index}`,
          body: Buffer.alloc(300_000, index),
        })),
      ),
    )
    return join(top, 'a.tar')
  }

  it('refuses a file that is changed after it was judged, and leaves nothing of it', async () => {
    const file = archive()
    let changed = false
    const scope = watchedScope({
      progress: () => {
        if (changed) return
        changed = true
        const fd = openSync(file, 'r+')
        // Content of the last member; no header is touched, so only the digest can tell.
        writeSync(fd, 'X', 19 * 301_056 + 512)
        closeSync(fd)
      },
    })
    await expect(archivesIn(scope).extract(file, into, limits)).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('changed while'),
    })
    expect(readdirSync(join(into, '..'))).toEqual([])
  })

  it('judges again what it extracts, so a file swapped in between writes nothing outside', async () => {
    const file = archive()
    let changed = false
    const scope = watchedScope({
      progress: () => {
        if (changed) return
        changed = true
        const fd = openSync(file, 'r+')
        ftruncateSync(fd, 19 * 301_056)
        writeSync(fd, rawTar({ name: '../victim', body: 'owned' }), 0, undefined, 19 * 301_056)
        closeSync(fd)
      },
    })
    await expect(archivesIn(scope).extract(file, into, limits)).rejects.toMatchObject({
      code: 'verification',
    })
    expect(readdirSync(join(into, '..'))).toEqual([])
  })

  it('notices somebody else who writes there', async () => {
    const scope = watchedScope({ progress: () => writeFileSync(`${into}.partial/intruder`, 'x') })
    await expect(archivesIn(scope).extract(archive(), into, limits)).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('21 files and 0 folders with 6000001 bytes, but 20 files'),
    })
    expect(readdirSync(join(into, '..'))).toEqual([])
  })

  it('stops when the step is stopped, and leaves nothing', async () => {
    const stop = new AbortController()
    const scope = watchedScope({
      signal: stop.signal,
      progress: () => stop.abort(new Error('second Ctrl-C')),
    })
    await expect(archivesIn(scope).extract(archive(), into, limits)).rejects.toThrow('second Ctrl-C')
    expect(readdirSync(join(into, '..'))).toEqual([])
  })

  it('starts over what an earlier attempt left half done', async () => {
    mkdirSync(`${into}.partial`)
    writeFileSync(`${into}.partial/f0`, 'half')
    await archivesIn().extract(archive(), into, limits)
    expect(readdirSync(into)).toHaveLength(20)
    expect(readdirSync(join(into, '..'))).toEqual(['into'])
  })

  it.each(['', 'a'])(
    'keeps a long name whole where the reading is cut within a letter, after "%s"',
    async (shift) => {
      const name = `${shift}${Array.from({ length: 4 }, () => 'é'.repeat(100)).join('/')}`
      // The extended header's content begins 512 bytes before 256 KiB, and the name goes on beyond.
      writeFileSync(
        join(top, 'long.tar'),
        rawTar({ name: 'first', body: Buffer.alloc(256 * 1024 - 3 * 512) }, pax({ path: name }), {
          name: 'short',
          body: 'x',
        }),
      )
      await archivesIn().extract(join(top, 'long.tar'), into, limits)
      expect(statSync(join(into, name)).size).toBe(1)
    },
  )

  it('reports how far it is', async () => {
    const scope = watchedScope()
    await archivesIn(scope).extract(archive(), into, limits)
    expect(scope.steps.at(-1)).toEqual({ done: 6_000_000, unit: 'bytes' })
  })
})

describe.skipIf(!root())('extraction onto a small disk', () => {
  let small = ''
  beforeEach(() => {
    small = mkdtempSync(join(top, 'small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,nr_inodes=20', 'tmpfs', small])
  })
  afterEach(() => {
    execFileSync('umount', [small])
  })

  it('is refused before anything is written, when it does not fit', async () => {
    writeFileSync(join(top, 'big.tar'), rawTar({ name: 'big', body: Buffer.alloc(100_000) }))
    await expect(
      archivesIn().extract(join(top, 'big.tar'), join(small, 'into'), limits),
    ).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('no space is left'),
      hint: expect.stringContaining('make room'),
    })
    expect(readdirSync(small)).toEqual([])
  })

  it('leaves nothing when the disk fills up on the way', async () => {
    // Small enough by bytes; each file takes a whole page and an inode.
    writeFileSync(
      join(top, 'many.tar'),
      rawTar(...Array.from({ length: 30 }, (_, index) => ({ name: `f${index}`, body: 'x' }))),
    )
    await expect(
      archivesIn().extract(join(top, 'many.tar'), join(small, 'into'), limits),
    ).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('no space is left'),
    })
    expect(readdirSync(small)).toEqual([])
  })
})

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { mountsWithin } from '../../src/adapters/disk/mounts.ts'
import { root } from '../fixtures/requirements.ts'
import { filesContract } from './files.contract.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-files-'))
afterAll(() => rmSync(top, { recursive: true }))

filesContract('on disk', async () => ({
  files: diskFiles,
  folder: mkdtempSync(join(top, 'f-')),
  link: async (path, target) => symlinkSync(target, path),
}))

describe('files on a disk', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(top, 'f-'))
  })

  it('keeps the mode and the owner of a file that it replaces', async () => {
    writeFileSync(join(folder, 'config'), 'old')
    chmodSync(join(folder, 'config'), 0o640)
    if (process.getuid?.() === 0) lchownSync(join(folder, 'config'), 1234, 1235)
    const before = statSync(join(folder, 'config'))
    await diskFiles.write(join(folder, 'config'), 'new')
    const after = statSync(join(folder, 'config'))
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid])
    expect(after.ino).not.toBe(before.ino)
  })

  it('copies mode, owner and time, and replaces only the bytes', async () => {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')]
    writeFileSync(from, 'new')
    chmodSync(from, 0o640)
    if (process.getuid?.() === 0) lchownSync(from, 1234, 1235)
    const source = statSync(from)
    await diskFiles.copy(from, to)
    const copied = statSync(to)
    expect([copied.mode, copied.uid, copied.gid, copied.mtime]).toEqual([
      source.mode,
      source.uid,
      source.gid,
      source.mtime,
    ])
    chmodSync(to, 0o604)
    if (process.getuid?.() === 0) lchownSync(to, 4321, 4322)
    const before = statSync(to)
    writeFileSync(from, 'newer')
    await diskFiles.replace(to, from)
    const after = statSync(to)
    expect([after.mode, after.uid, after.gid, readFileSync(to, 'utf8')]).toEqual([
      before.mode,
      before.uid,
      before.gid,
      'newer',
    ])
    expect(readdirSync(folder).sort()).toEqual(['from', 'to'])
  })

  it('sees another mode in a tree', async () => {
    mkdirSync(join(folder, 'tree'))
    writeFileSync(join(folder, 'tree/file'), 'same')
    const { digest } = await diskFiles.tree(join(folder, 'tree'))
    chmodSync(join(folder, 'tree/file'), 0o755)
    expect((await diskFiles.tree(join(folder, 'tree'))).digest).not.toBe(digest)
  })

  it('gives a file system up that does not answer', async () => {
    writeFileSync(join(folder, 'stat'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 })
    const path = process.env['PATH']
    process.env['PATH'] = `${folder}:${path}`
    try {
      await expect(diskFiles.mount(folder, 1)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('did not answer within 1 s'),
        hint: expect.stringContaining('umount -l'),
      })
    } finally {
      process.env['PATH'] = path
    }
  })

  it('does not wait for a pipe that nobody writes to', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(diskFiles.read(join(folder, 'pipe'), 10)).rejects.toThrow('not a regular file')
    await expect(diskFiles.append(join(folder, 'pipe'), 'x')).rejects.toMatchObject({ code: 'failed' })
    await expect(diskFiles.write(join(folder, 'pipe'), 'x')).rejects.toThrow('not a regular file')
    expect(await diskFiles.stat(join(folder, 'pipe'))).toMatchObject({ kind: 'other' })
  })

  it('does not remove the folder it runs in', async () => {
    await expect(diskFiles.removeTree(process.cwd())).rejects.toThrow('this program runs in it')
    expect(readdirSync(process.cwd()).length).toBeGreaterThan(0)
  })

  it('finds the mount points below a folder', () => {
    const mountinfo = [
      '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
      '30 22 0:5 / /data/a\\040b rw - tmpfs none rw',
      '31 22 8:1 /x /data rw - ext4 /dev/sda1 rw',
      '32 22 0:5 / /database rw - tmpfs none rw',
      '',
    ].join('\n')
    expect(mountsWithin('/data', mountinfo)).toEqual(['/data/a b', '/data'])
    expect(mountsWithin('/other', mountinfo)).toEqual([])
  })
})

// The real thing: a file system of 64 KiB.
describe.skipIf(!root())('files on a disk that is full, or read-only', () => {
  let small = ''
  beforeEach(() => {
    small = mkdtempSync(join(top, 'small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small])
  })
  afterEach(() => {
    execFileSync('umount', [small])
  })

  const noSpace = {
    name: 'RunbookError',
    code: 'failed',
    message: expect.stringContaining('no space is left'),
    hint: expect.stringContaining('df -h'),
  }

  it('keeps the old file when the new one does not fit, down to the last byte', async () => {
    await diskFiles.write(join(small, 'file'), 'old')
    await expect(diskFiles.write(join(small, 'file'), Buffer.alloc(200_000, 1))).rejects.toMatchObject(
      noSpace,
    )
    // Room for some of it: write(2) then writes less than it was asked to, without an error.
    await expect(diskFiles.write(join(small, 'file'), Buffer.alloc(62_000, 1))).rejects.toMatchObject(noSpace)
    expect(readFileSync(join(small, 'file'), 'utf8')).toBe('old')
    expect(readdirSync(small)).toEqual(['file'])
  })

  it('leaves nothing of a copy that does not fit', async () => {
    await diskFiles.write(join(small, 'live'), 'old')
    writeFileSync(join(top, 'large'), Buffer.alloc(200_000, 1))
    await expect(diskFiles.copy(join(top, 'large'), join(small, 'copy'))).rejects.toMatchObject(noSpace)
    await expect(diskFiles.replace(join(small, 'live'), join(top, 'large'))).rejects.toMatchObject(noSpace)
    expect(readdirSync(small)).toEqual(['live'])
    expect(readFileSync(join(small, 'live'), 'utf8')).toBe('old')
  })

  it('refuses to move to another file system, and tells the mounted one from its parent', async () => {
    writeFileSync(join(top, 'file'), 'stays')
    await expect(diskFiles.move(join(top, 'file'), join(small, 'file'))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('another file system'),
    })
    expect(readFileSync(join(top, 'file'), 'utf8')).toBe('stays')
    const mount = await diskFiles.mount(small, 10)
    expect(mount).toMatchObject({ point: small, type: 'tmpfs', bytesTotal: 65_536 })
    expect(mount.device).not.toBe((await diskFiles.stat(top))?.device)
  })

  it('takes back a line that was cut off', async () => {
    await diskFiles.append(join(small, 'log'), 'first\n')
    await expect(diskFiles.append(join(small, 'log'), 'x'.repeat(100_000))).rejects.toMatchObject(noSpace)
    expect(readFileSync(join(small, 'log'), 'utf8')).toBe('first\n')
    await expect(diskFiles.append(join(small, 'new'), 'x'.repeat(100_000))).rejects.toMatchObject(noSpace)
    expect(readdirSync(small)).toEqual(['log'])
  })

  it('says what is free', async () => {
    expect(await diskFiles.freeBytes(join(small, 'not/yet'))).toBe(65_536)
  })

  it('says that the file system is read-only', async () => {
    await diskFiles.write(join(small, 'file'), 'old')
    execFileSync('mount', ['-o', 'remount,ro', small])
    for (const change of [
      () => diskFiles.write(join(small, 'file'), 'new'),
      () => diskFiles.append(join(small, 'file'), 'new'),
      () => diskFiles.makeFolder(join(small, 'a/b')),
      () => diskFiles.removeTree(join(small, 'file')),
    ]) {
      await expect(change()).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('read-only'),
        hint: expect.stringContaining('findmnt'),
      })
    }
  })

  it('does not remove a tree with something mounted in it', async () => {
    await diskFiles.write(join(small, 'file'), 'kept')
    await expect(diskFiles.removeTree(top)).rejects.toMatchObject({ code: 'failed', hint: `umount ${small}` })
    await expect(diskFiles.removeTree(small)).rejects.toMatchObject({ code: 'failed' })
    symlinkSync(top, join(top, 'way'))
    await expect(diskFiles.removeTree(small.replace(top, join(top, 'way')))).rejects.toMatchObject({
      code: 'failed',
      hint: `umount ${small}`,
    })
    expect(readFileSync(join(small, 'file'), 'utf8')).toBe('kept')
  })
})

// Root may do everything, so permission is asked as somebody else, in a process of its own.
describe.skipIf(!root())('files among several users', () => {
  it("follows a link above the path only where it is ours, root's or of the owner of its folder", async () => {
    const folder = mkdtempSync(join(top, 'f-'))
    mkdirSync(join(folder, 'real'))
    symlinkSync(join(folder, 'real'), join(folder, 'way'))
    await diskFiles.write(join(folder, 'way/file'), 'ours')
    lchownSync(join(folder, 'way'), 4321, 4321)
    for (const change of [
      () => diskFiles.write(join(folder, 'way/file'), 'x'),
      () => diskFiles.append(join(folder, 'way/file'), 'x'),
      () => diskFiles.makeFolder(join(folder, 'way/a/b')),
      () => diskFiles.removeTree(join(folder, 'way/file')),
    ]) {
      await expect(change()).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('it belongs to user 4321'),
        hint: expect.any(String),
      })
    }
    expect(readFileSync(join(folder, 'real/file'), 'utf8')).toBe('ours')
    lchownSync(folder, 4321, 4321)
    await diskFiles.write(join(folder, 'way/file'), 'its own')
    expect(readFileSync(join(folder, 'real/file'), 'utf8')).toBe('its own')
  })

  it('says that permission is denied', () => {
    const folder = mkdtempSync(join(top, 'f-'))
    chmodSync(top, 0o755)
    writeFileSync(join(folder, 'file'), 'ours')
    const script = `
      process.setgid(65534); process.setuid(65534)
      const { diskFiles } = await import(${JSON.stringify(new URL('../../src/adapters/disk/files.ts', import.meta.url).href)})
      const folder = ${JSON.stringify(folder)}
      const tries = [diskFiles.stat(folder + '/file'), diskFiles.read(folder + '/file', 9), diskFiles.list(folder), diskFiles.write(folder + '/file', 'x'),
        diskFiles.append(folder + '/file', 'x'), diskFiles.makeFolder(folder + '/a/b'), diskFiles.removeTree(folder)]
      console.log(JSON.stringify((await Promise.allSettled(tries)).map((one) => one.reason && [one.reason.code, one.reason.message, one.reason.hint])))
    `
    const said = JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
    ) as [string, string, string][]
    expect(said).toHaveLength(7)
    for (const [code, message, hint] of said) {
      expect(code).toBe('failed')
      expect(message).toContain('permission denied')
      expect(hint).toContain('namei -l')
    }
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('ours')
  })
})

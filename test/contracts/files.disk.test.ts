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
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { mountsWithin, shownAt } from '../../src/adapters/disk/mounts.ts'
import { filesContract } from './files.contract.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-files-'))
afterAll(() => rmSync(top, { recursive: true }))

filesContract('on disk', async () => ({
  files: diskFiles,
  folder: mkdtempSync(join(top, 'f-')),
  link: async (path, target) => symlinkSync(target, path),
  async rewrite(path, body) {
    // More than a tick of the clock that older kernels take the ctime from.
    await sleep(20)
    writeFileSync(path, body)
    utimesSync(path, new Date('2026-01-01'), new Date('2026-01-01'))
  },
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

  it('finds where else a folder is mounted', () => {
    const mountinfo = [
      '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
      '23 22 8:2 / /srv rw - ext4 /dev/sda2 rw',
      '24 22 8:1 /srv/old /mnt/other-disk rw - ext4 /dev/sda1 rw',
      '25 22 8:2 /old/deep /mnt/a\\040b rw - ext4 /dev/sda2 rw',
      '26 22 8:2 /older /mnt/older rw - ext4 /dev/sda2 rw',
      '27 22 8:2 /old /srv/old/itself rw - ext4 /dev/sda2 rw',
      '',
    ].join('\n')
    expect(shownAt('/srv/old', mountinfo)).toEqual(['/mnt/a b'])
    expect(shownAt('/srv/old/deep/er', mountinfo)).toEqual([])
    expect(shownAt('/mnt/older', mountinfo)).toEqual([])
    expect(shownAt('/home', mountinfo)).toEqual([])
  })
})

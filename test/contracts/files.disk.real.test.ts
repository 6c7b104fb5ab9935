import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { root } from '../fixtures/requirements.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-files-'))
afterAll(() => rmSync(top, { recursive: true }))

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

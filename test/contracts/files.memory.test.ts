import { describe, expect, it } from 'vitest'
import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { fakeFiles } from '../../src/testing/files.ts'
import { filesContract } from './files.contract.ts'

filesContract('in memory', async () => {
  const disk = emptyDisk()
  disk.folders.add('/work')
  return {
    files: fakeFiles(disk),
    folder: '/work',
    link: async (path, target) => void disk.links.set(path, target),
    rewrite: async (path, body) => {
      disk.files.set(path, Buffer.from(body))
      disk.modifiedAt.set(path, new Date('2026-01-01T00:00:00Z'))
    },
  }
})

describe('a pretended disk', () => {
  it('fills up', async () => {
    const disk = emptyDisk()
    lay(disk, '/data/file', 'old')
    disk.freeBytes = 10
    await expect(fakeFiles(disk).write('/data/file', 'x'.repeat(11))).rejects.toThrow('no space is left')
    await expect(fakeFiles(disk).append('/data/file', 'x'.repeat(11))).rejects.toThrow('no space is left')
    expect(Buffer.from(disk.files.get('/data/file') ?? []).toString()).toBe('old')
  })

  it('fails where a test says so', async () => {
    const disk = emptyDisk()
    disk.beforeChange = (operation, path) => {
      if (operation === 'write' && path === '/bad') throw new Error('the disk reports an error')
    }
    await fakeFiles(disk).write('/good', 'x')
    await expect(fakeFiles(disk).write('/bad', 'x')).rejects.toThrow('the disk reports an error')
    expect([...disk.files.keys()]).toEqual(['/good'])
  })
})

import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeFolders, makeFoldersNow } from '../../../src/adapters/disk/make-folders.ts'

it.each([
  ['makeFolders', makeFolders],
  ['makeFoldersNow', async (path: string, mode?: number) => makeFoldersNow(path, mode)],
])('%s makes what is missing, and fails where nothing can be made', async (_, make) => {
  const folder = await mkdtemp(join(tmpdir(), 'make-folders-'))
  try {
    const deep = join(folder, 'a', 'b')
    await make(deep, 0o700)
    await make(deep, 0o700)
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700)
    await writeFile(join(folder, 'file'), '')
    await expect(make(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(make(join(folder, 'file', 'x'))).rejects.toThrow(/EEXIST|ENOTDIR/)
  } finally {
    await rm(folder, { recursive: true })
  }
  // Node's own way never returns here.
  if (process.platform === 'linux') await expect(make('/proc/x/y')).rejects.toMatchObject({ code: 'ENOENT' })
})

it('is how the program makes folders', () => {
  const others = globSync('src/**/*.ts').filter((file) =>
    /mkdir(?:Sync)?\(.*recursive: true/.test(readFileSync(file, 'utf8')),
  )
  expect(others).toEqual([])
})

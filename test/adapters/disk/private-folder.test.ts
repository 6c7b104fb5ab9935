import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { privateFolder } from '../../../src/adapters/disk/private-folder.ts'

const before = process.env['TMPDIR']
let place: string

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'runbook-private-'))
  process.env['TMPDIR'] = place
})
afterEach(async () => {
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  await rm(place, { recursive: true, force: true })
})

const source = new URL('../../../src/adapters/disk/private-folder.ts', import.meta.url).href
const program = `const { privateFolder } = await import(${JSON.stringify(source)})
const { path } = await privateFolder()
process.stdout.write(path)
setInterval(() => {}, 1000)`

test('is private, and removed when its use ends, also by an error', async () => {
  await expect(
    (async () => {
      await using folder = await privateFolder()
      expect((await stat(folder.path)).mode & 0o777).toBe(0o700)
      await writeFile(join(folder.path, 'database'), 'x')
      throw new Error('it failed')
    })(),
  ).rejects.toThrow('it failed')
  expect(await readdir(place)).toEqual([])
})

test.skipIf(!existsSync('/proc/self/stat'))(
  'that of a killed process is removed by the next use; that of a living one stays',
  async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    try {
      const [path] = (await once(child.stdout, 'data')) as [Buffer]
      await writeFile(join(String(path), 'database'), 'x')
      {
        await using own = await privateFolder()
        expect((await readdir(place)).length).toBe(2)
        expect(existsSync(own.path)).toBe(true)
      }
      expect(existsSync(String(path))).toBe(true)
    } finally {
      child.kill('SIGKILL')
      await ended
    }
    expect((await readdir(place)).length).toBe(1)
    await using own = await privateFolder()
    expect(await readdir(place)).toEqual([own.path.slice(place.length + 1)])
  },
)

test('of another boot or container, only an old one is removed, and nothing else ever', async () => {
  const [young, old] = ['runbook-unpacked-0badb007-1-1-1-aaaaaa', 'runbook-unpacked-0badb007-1-1-1-bbbbbb']
  for (const name of [young, old, 'runbook-edit-cccccc', 'other']) await mkdir(join(place, name))
  const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000)
  for (const name of [old, 'other']) await utimes(join(place, name), longAgo, longAgo)
  {
    await using _own = await privateFolder()
  }
  expect((await readdir(place)).toSorted()).toEqual(['other', 'runbook-edit-cccccc', young].toSorted())
})

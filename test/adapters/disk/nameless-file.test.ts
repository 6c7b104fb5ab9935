import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { withNamelessFile } from '../../../src/adapters/disk/nameless-file.ts'

const ours = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('runbook-edit-'))

it.each([
  ['without a name', existsSync('/proc/self/fd')],
  ['with one, where there is no /proc', false],
])('lets a program read a text repeatedly, %s, and leaves nothing', async (_, nameless) => {
  const before = ours()
  const read = (path: string): string => execFileSync('cat', [path], { encoding: 'utf8' })
  const found = await withNamelessFile(
    Buffer.from('SECRET=1\n'),
    async (path) => {
      if (nameless) expect(ours()).toEqual(before)
      return [read(path), read(path), statSync(path).mode & 0o777]
    },
    nameless,
  )
  expect(found).toEqual(['SECRET=1\n', 'SECRET=1\n', 0o600])
  await expect(
    withNamelessFile(new Uint8Array(), () => Promise.reject(new Error('it failed')), nameless),
  ).rejects.toThrow('it failed')
  expect(ours()).toEqual(before)
})

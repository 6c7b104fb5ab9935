import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemGit } from '../../src/adapters/git/git.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import { gitIn } from '../fixtures/repository.ts'
import { watchedScope } from '../fixtures/scope.ts'

const git = systemGit({ shell, scope: watchedScope() })
let folder: string
let top: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'runbook-git-')))
  top = await repository('shop', { 'app/main.js': 'one\n' })
})
afterEach(() => rm(folder, { recursive: true }))

async function repository(name: string, files: { readonly [path: string]: string }): Promise<string> {
  const at = join(folder, name)
  await mkdir(at)
  gitIn(at, ['init', '-q'])
  for (const [path, body] of Object.entries(files)) {
    await mkdir(join(at, path, '..'), { recursive: true })
    await writeFile(join(at, path), body)
  }
  gitIn(at, ['add', '--all'])
  gitIn(at, ['commit', '-qm', 'first'])
  return at
}

it('lists the files of a submodule, and refuses one that is not checked out', async () => {
  const library = await repository('library', { 'lib.js': '' })
  gitIn(top, ['submodule', '--quiet', 'add', library, 'vendor/library'])
  gitIn(top, ['commit', '-qm', 'with a library'])
  expect(await git.tracked(top)).toEqual(['.gitmodules', 'app/main.js', 'vendor/library/lib.js'])
  gitIn(top, ['submodule', '--quiet', 'deinit', '--all'])
  await expect(git.tracked(top)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining('vendor/library'),
  })
})

it('runs nothing that the repository would have run, and heeds no variable that points elsewhere', async () => {
  const trap = join(folder, 'trap')
  await writeFile(trap, `#!/bin/sh\ntouch ${folder}/sprung\n`)
  await chmod(trap, 0o755)
  for (const [name, value] of [
    ['core.fsmonitor', trap],
    ['core.pager', trap],
    ['diff.external', trap],
    ['core.hooksPath', folder],
  ] as const)
    gitIn(top, ['config', name, value])
  const before = process.env['GIT_DIR']
  process.env['GIT_DIR'] = '/nonexistent'
  try {
    await writeFile(join(top, 'app/main.js'), 'two\n')
    expect(await git.dirty(top)).toEqual({ changed: ['app/main.js'], untracked: [] })
    await git.history(top, 'app/main.js', 5)
    await git.show(top, 'HEAD', 'app/main.js')
  } finally {
    if (before === undefined) delete process.env['GIT_DIR']
    else process.env['GIT_DIR'] = before
  }
  expect(existsSync(join(folder, 'sprung'))).toBe(false)
})

it('writes nothing while it looks', async () => {
  await writeFile(join(top, '.git/index.lock'), '')
  expect(await git.dirty(top)).toEqual({ changed: [], untracked: [] })
})

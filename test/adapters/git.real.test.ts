import { chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemGit } from '../../src/adapters/git/git.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import { gitIn } from '../fixtures/repository.ts'
import { root } from '../fixtures/requirements.ts'
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

it.skipIf(!root())('looks at a repository of another owner, from a folder in it too', async () => {
  for (const path of ['', '.git', 'app']) await chown(join(top, path), 4242, 4242)
  expect((await git.head(join(top, 'app'))).sha).toBe(
    gitIn(top, ['-c', 'safe.directory=*', 'rev-parse', 'HEAD']),
  )
})

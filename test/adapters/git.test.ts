import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { systemGit } from '../../src/adapters/git/git.ts'
import { shell } from '../../src/adapters/shell.ts'
import { watchedScope } from '../fixtures/scope.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-git-'))
afterAll(() => rmSync(top, { recursive: true }))
const git = systemGit({ shell, scope: watchedScope() })
const env = { ...process.env, GIT_COMMITTER_DATE: '2026-02-03T04:12:00Z', GIT_AUTHOR_DATE: '2026-02-03T04:12:00Z', GIT_CONFIG_GLOBAL: '/dev/null' }
const run = (at: string, ...args: readonly string[]): string => execFileSync('git', ['-C', at, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args], { env }).toString().trim()
const old = Buffer.from([65, 61, 49, 13, 10, 0, 255, 10, 32])

it('looks at a real repository', async () => {
  const at = mkdtempSync(join(top, 'r-'))
  await expect(git.head(at)).rejects.toMatchObject({ code: 'preflight' })
  run(at, 'init', '-q')
  await expect(git.head(at)).rejects.toMatchObject({ code: 'preflight' })
  mkdirSync(join(at, 'app'))
  writeFileSync(join(at, 'app/.env.production'), old)
  writeFileSync(join(at, '.gitignore'), 'ignored\n')
  run(at, 'add', '.')
  run(at, 'commit', '-qm', 'first')
  writeFileSync(join(at, 'app/.env.production'), 'A=2\n')
  run(at, 'commit', '-qam', 'second')
  run(at, 'tag', 'v1.0.0')
  expect(await git.head(at)).toEqual({ sha: run(at, 'rev-parse', 'HEAD'), committedAt: '2026-02-03T04:12:00.000Z', tags: ['v1.0.0'] })
  expect(Buffer.from(await git.show(at, 'HEAD~1', 'app/.env.production')).equals(old)).toBe(true)
  expect(Buffer.from(await git.show(join(at, 'app'), 'HEAD~1', '.env.production')).equals(old)).toBe(true)
  await expect(git.show(at, 'HEAD~9', 'app/.env.production')).rejects.toMatchObject({ code: 'failed' })
  await expect(git.show(at, '--help', 'a')).rejects.toMatchObject({ code: 'usage' })
  expect((await git.history(at, 'app/.env.production', 5)).map(({ subject }) => subject)).toEqual(['second', 'first'])
  expect(await git.dirty(at)).toEqual([])
  writeFileSync(join(at, 'ignored'), '')
  writeFileSync(join(at, 'app/new file'), '')
  writeFileSync(join(at, '.gitignore'), 'ignored\n#\n')
  expect(await git.dirty(at)).toEqual(['.gitignore', 'app/new file'])
  expect(await git.tracked(at)).toEqual(['.gitignore', 'app/.env.production'])
  expect(await git.tracked(join(at, 'app'))).toEqual(['.env.production'])
})

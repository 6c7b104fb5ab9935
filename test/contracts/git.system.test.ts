import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemGit } from '../../src/adapters/git/git.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import { gitIn } from '../fixtures/repository.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { gitContract } from './git.contract.ts'

gitContract('the program', async () => {
  const top = await realpath(await mkdtemp(join(tmpdir(), 'runbook-git-')))
  return {
    git: systemGit({ shell, scope: watchedScope() }),
    top,
    init: async () => void gitIn(top, ['init', '-q']),
    write: async (path, body) => {
      const at = join(top, path)
      await mkdir(dirname(at), { recursive: true })
      await (body === null ? rm(at) : writeFile(at, body))
    },
    commit: async (subject, at, tag) => {
      gitIn(top, ['add', '--all'])
      gitIn(top, ['commit', '-qm', subject], at)
      if (tag !== undefined) gitIn(top, ['tag', tag])
      return gitIn(top, ['rev-parse', 'HEAD'])
    },
    close: () => rm(top, { recursive: true }),
  }
})

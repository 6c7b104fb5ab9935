import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ComposeStack } from '../../src/drivers/services.ts'
import { composeLine } from '../../src/model/compose-line.ts'

const stack: ComposeStack = {
  kind: 'compose',
  project: 'larder',
  directory: '/srv/larder/deploy',
  files: ['/srv/larder/deploy/compose.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
}

describe('the line that a person types', () => {
  test.each<[string, Partial<ComposeStack>, string]>([
    [
      'names project and file',
      {},
      'docker compose --project-name larder --file /srv/larder/deploy/compose.yml ps',
    ],
    [
      'names all else that the stack has, quoted where a shell needs it',
      {
        directory: '/srv/my larder',
        files: ['/srv/my larder/deploy/compose.yml', '/etc/more.yml'],
        envFiles: ['/etc/larder env'],
        profiles: ['night'],
      },
      "docker compose --project-name larder --project-directory '/srv/my larder' --file '/srv/my larder/deploy/compose.yml' --file /etc/more.yml --env-file '/etc/larder env' --profile night ps",
    ],
    [
      'sets the variables that a run sets, which may choose the image',
      { environment: { TAG: '2.1', NOTE: "Ada's" } },
      `TAG=2.1 NOTE='Ada'\\''s' docker compose --project-name larder --file /srv/larder/deploy/compose.yml ps`,
    ],
    [
      'does not show what may be a credential',
      { environment: { DB_PASSWORD: 'hunter2' } },
      'DB_PASSWORD=‹as in runbook.config.ts› docker compose --project-name larder --file /srv/larder/deploy/compose.yml ps',
    ],
    [
      'leaves out a project that nobody knows yet',
      { project: '' },
      'docker compose --file /srv/larder/deploy/compose.yml ps',
    ],
  ])('%s', (_, more, line) => {
    expect(composeLine({ ...stack, ...more }, 'ps')).toBe(line)
  })

  test('is written in one place only', () => {
    const byHand = globSync('{src,steps,runbooks}/**/*.ts').filter((path) =>
      /docker compose (?:--|(?:exec|logs|ps|pull|start|up) )[^'`]*\$\{/.test(readFileSync(path, 'utf8')),
    )
    // What `init` proposes runs in cron, where no stack is configured yet.
    expect(byHand.toSorted()).toEqual(['src/init/proposal.ts'])
  })

  test('is in every message: a command without project and files works for few stacks', () => {
    // What is imported is another's text; a fake has no stack.
    const bare = globSync('{src,steps,runbooks}/**/*.ts', { exclude: ['src/{import,testing}/**'] }).flatMap(
      (path) =>
        readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line))
          .filter((line) => /docker compose (?!ls\b|version\b)[a-z]/.test(line))
          .map((line) => `${path}: ${line.trim()}`),
    )
    expect(bare).toEqual([])
  })
})

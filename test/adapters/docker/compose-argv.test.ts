import { describe, expect, test } from 'vitest'
import {
  configArgv,
  createArgv,
  dryRunUpArgv,
  pullArgv,
  recreatedIn,
  runArgv,
  upArgv,
} from '../../../src/adapters/docker/compose-argv.ts'
import { runLabels } from '../../../src/adapters/docker/run-labels.ts'
import type { ComposeStack } from '../../../src/drivers/services.ts'

const stack: ComposeStack = {
  kind: 'compose',
  project: 'shop',
  directory: '/srv/shop',
  files: ['/srv/shop/compose.yml', '/srv/shop/prod.yml'],
  envFiles: ['/srv/shop/.env.production'],
  profiles: ['eu'],
  environment: { IMAGE_TAG: '1.4.0' },
}
const onStack = [
  'docker',
  'compose',
  '--ansi',
  'never',
  '--project-name',
  'shop',
  '--project-directory',
  '/srv/shop',
  '--file',
  '/srv/shop/compose.yml',
  '--file',
  '/srv/shop/prod.yml',
  '--env-file',
  '/srv/shop/.env.production',
]

describe('the words of docker compose', () => {
  test('name project, folder, files and env files each time, so that nothing is taken from the folder or the shell', () => {
    expect(upArgv(stack, ['web', 'worker'])).toEqual([
      ...onStack,
      '--profile',
      'eu',
      'up',
      '--detach',
      '--no-build',
      '--no-deps',
      '--quiet-pull',
      '--',
      'web',
      'worker',
    ])
  })

  test('keep what exists where only what is missing is to be made', () => {
    expect(createArgv(stack, ['web'])).toEqual([
      ...onStack,
      '--profile',
      'eu',
      'up',
      '--detach',
      '--no-build',
      '--no-deps',
      '--no-recreate',
      '--quiet-pull',
      '--',
      'web',
    ])
  })

  test('fetch images, and none that would be built', () => {
    expect(pullArgv(stack, ['web'])).toEqual([
      ...onStack,
      '--profile',
      'eu',
      'pull',
      '--quiet',
      '--ignore-buildable',
      '--',
      'web',
    ])
  })

  test('foretell what up would do, and read whom it would make anew', () => {
    expect(dryRunUpArgv(stack, ['web'])).toEqual([
      ...onStack,
      '--profile',
      'eu',
      '--dry-run',
      'up',
      '--detach',
      '--no-build',
      '--no-deps',
      '--quiet-pull',
      '--',
      'web',
    ])
    const dryRun = [
      ' DRY-RUN MODE -  Container shop-db-1  Running',
      ' DRY-RUN MODE -  Container shop-web-1  Recreate',
      ' DRY-RUN MODE -  Container shop-new-1  Creating',
      ' DRY-RUN MODE -  Container shop-web-1  Recreated',
      ' DRY-RUN MODE -  Container 7ade65947d5f_shop-web-1  Started',
      ' Container shop-old-1  Recreate',
    ]
    expect(recreatedIn(dryRun.join('\n'))).toEqual(['shop-web-1'])
  })

  test('ask for the configuration of every profile', () => {
    expect(configArgv(stack)).toEqual([...onStack, '--profile', '*', 'config', '--format', 'json'])
  })

  test('run a one-off under a known name, labelled, alone; its words are never taken for options', () => {
    expect(runArgv(stack, 'smoke', ['--all', '$(id)'], 'shop-smoke-run-1', runLabels('r1', 's 1'))).toEqual([
      ...onStack,
      '--profile',
      'eu',
      'run',
      '--no-deps',
      '--no-TTY',
      '--quiet-pull',
      '--name',
      'shop-smoke-run-1',
      '--label',
      'runbook.run=r1',
      '--label',
      'runbook.step=s 1',
      '--env',
      'RUNBOOK_RUN',
      '--env',
      'RUNBOOK_STEP',
      '--',
      'smoke',
      '--all',
      '$(id)',
    ])
  })
})

import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { composeProgram } from '../../../src/adapters/docker/compose-program.ts'

let folder: string
const at = (...path: string[]): string => join(folder, ...path)
const program = async (path: string, text = '\x7fELF'): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  await chmod(path, 0o755)
}
const chosen = () =>
  composeProgram({ HOME: at('home') }, { docker: [at('bin/docker')], plugins: [at('lib'), at('libexec')] })
const throughDocker = ['docker', 'compose']

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-plugin-'))
  await program(at('bin/docker'))
  await program(at('libexec/docker-compose'))
  vi.stubEnv('PATH', at('bin'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('the plugin is the one that docker takes: its configuration comes first, then the folders of the system', async () => {
  expect(await chosen()).toEqual([at('libexec/docker-compose')])
  await program(at('lib/docker-compose'))
  expect(await chosen()).toEqual([at('lib/docker-compose')])
  await program(at('more/docker-compose'))
  await mkdir(at('home/.docker'), { recursive: true })
  await writeFile(at('home/.docker/config.json'), JSON.stringify({ cliPluginsExtraDirs: [at('more')] }))
  expect(await chosen()).toEqual([at('more/docker-compose')])
  await program(at('home/.docker/cli-plugins/docker-compose'))
  expect(await chosen()).toEqual([at('home/.docker/cli-plugins/docker-compose')])
})

test.each([
  ['docker is missing', () => rm(at('bin/docker'))],
  ['docker is a script', () => program(at('bin/docker'), '#!/bin/sh\nexec podman "$@"\n')],
  [
    'docker is a link to another packager’s',
    async () => {
      await rm(at('bin/docker'))
      await program(at('snap/snap'))
      await symlink(at('snap/snap'), at('bin/docker'))
    },
  ],
  ['the plugin is missing', () => rm(at('libexec/docker-compose'))],
  [
    'its configuration cannot be read',
    async () => {
      await mkdir(at('home/.docker'), { recursive: true })
      await writeFile(at('home/.docker/config.json'), '{')
    },
  ],
])('docker is asked where %s', async (_, change) => {
  await change()
  expect(await chosen()).toEqual(throughDocker)
})

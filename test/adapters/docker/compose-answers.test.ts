import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { compose, type ComposeAnswers } from '../../../src/adapters/docker/compose.ts'
import { dockerEngine } from '../../../src/adapters/docker/connection.ts'
import { watchedScope } from '../../fixtures/scope.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-compose-'))
  const docker = join(folder, 'docker')
  await writeFile(
    docker,
    `#!/bin/sh\necho "$*" >> ${folder}/calls\ncase "$*" in *broken*) exit 1 ;; esac\nprintf '{"services":{"web":{"image":"web"}}}'\n`,
  )
  await chmod(docker, 0o755)
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const commandWith = (answers: ComposeAnswers | null) => compose(dockerEngine(), watchedScope(), answers)
const stackOf = (project: string) => ({
  kind: 'compose' as const,
  project,
  directory: folder,
  files: [join(folder, 'compose.yml')],
  envFiles: [],
  profiles: [],
  environment: {},
})
const calls = async (): Promise<number> =>
  (await readFile(join(folder, 'calls'), 'utf8')).trimEnd().split('\n').length

test('a look asks Compose each question once, whoever asks', async () => {
  const answers: ComposeAnswers = new Map()
  const stack = stackOf('shop')
  const [one] = await Promise.all([
    commandWith(answers).config(stack),
    commandWith(answers).config(stack),
    commandWith(answers).document(stack),
  ])
  expect(one.services).toEqual(['web'])
  expect(await calls()).toBe(1)
  await commandWith(answers).document(stack, 'services: {}')
  await commandWith(answers).config(stackOf('other'))
  expect(await calls()).toBe(3)
  await commandWith(answers).hashes(stack, { web: { dependsOn: [] } })
  expect(await calls()).toBe(4)
})

test('what Compose refuses is refused again, without asking', async () => {
  const answers: ComposeAnswers = new Map()
  for (const _ of [1, 2])
    await expect(commandWith(answers).config(stackOf('broken'))).rejects.toMatchObject({ code: 'preflight' })
  expect(await calls()).toBe(1)
})

test('a run asks each time: its own steps change the answers', async () => {
  const command = commandWith(null)
  await command.config(stackOf('shop'))
  await command.config(stackOf('shop'))
  expect(await calls()).toBe(2)
})

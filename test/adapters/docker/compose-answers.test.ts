import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { compose, type ComposeAnswers } from '../../../src/adapters/docker/compose.ts'
import { dockerEngine } from '../../../src/adapters/docker/connection.ts'
import { answersOfLooks } from '../../../src/cli/compose-answers.ts'
import { watchedScope } from '../../fixtures/scope.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-compose-'))
  const docker = join(folder, 'docker')
  await writeFile(
    docker,
    `#!/bin/sh\necho "$*" >> ${folder}/calls\ncase "$*" in *broken*) exit 1 ;; *slow*) sleep 0.3 ;; esac\nprintf '{"services":{"web":{"image":"web"}}}'\n`,
  )
  await chmod(docker, 0o755)
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const commandWith = (answers: ComposeAnswers | null, signal?: AbortSignal) =>
  compose(dockerEngine(), { ...watchedScope(), ...(signal === undefined ? {} : { signal }) }, answers)
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

test('a look that is cut short takes its question with it, and nobody else', async () => {
  const answers: ComposeAnswers = new Map()
  const stack = stackOf('slow')
  const cut = new AbortController()
  const first = commandWith(answers, cut.signal).config(stack)
  const second = commandWith(answers).config(stack)
  cut.abort(new Error('its time is over'))
  await expect(first).rejects.toThrow('its time is over')
  expect((await second).services).toEqual(['web'])
})

describe('answers of looks', () => {
  const ahead = { run: 'r1', ahead: true }

  test('are shared by the looks of a run that follow one another', () => {
    const answersFor = answersOfLooks()
    expect(answersFor(ahead)).toBeInstanceOf(Map)
    expect(answersFor(ahead)).toBe(answersFor(ahead))
  })

  test('are not those of another run', () => {
    const answersFor = answersOfLooks()
    expect(answersFor(ahead)).not.toBe(answersFor({ run: 'r2', ahead: true }))
  })

  test('are forgotten once a step may act, which gets none', () => {
    const answersFor = answersOfLooks()
    const before = answersFor(ahead)
    expect(answersFor({ run: 'r1' })).toBeNull()
    expect(answersFor({ run: 'r1', ahead: false })).toBeNull()
    expect(answersFor(ahead)).not.toBe(before)
  })
})

test('a run asks each time: its own steps change the answers', async () => {
  const command = commandWith(null)
  await command.config(stackOf('shop'))
  await command.config(stackOf('shop'))
  expect(await calls()).toBe(2)
})

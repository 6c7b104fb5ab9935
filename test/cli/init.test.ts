import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Project } from '../fixtures/cli.ts'

/** No daemon listens there, so that what runs on this machine does not matter. */
const alone = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' }

let project: Project
let folder = ''
beforeEach(async () => {
  project = await Project.make()
  folder = project.path('elsewhere')
  await mkdir(folder)
})
afterEach(() => project[Symbol.asyncDispose]())

const init = (...args: readonly string[]) => project.runIn(folder, ['init', ...args], alone)

test('a folder without a Compose file is refused, with what to type, and nothing is written', async () => {
  const { code, err } = await init('--yes')
  expect(code).toBe(2)
  expect(err).toContain(`found neither a Compose project nor a SQLite file in ${folder} or running here`)
  expect(err).toContain('only files were read, since cannot list the containers: Docker does not answer')
  expect(err).toContain('runbook help config')
  expect(await readdir(folder)).toEqual([])
})

test('a place that cannot be written is refused before anything is looked at', async () => {
  await writeFile(`${folder}/file`, '')
  const { code, err } = await project.runIn(
    folder,
    ['--config', `${folder}/file/runbook.config.ts`, 'init', '--yes'],
    alone,
  )
  expect(code).toBe(2)
  expect(err).toContain('ls -ld')
  expect(err).not.toContain('Docker')
})

test('what is no file in the place of the configuration is refused', async () => {
  await mkdir(`${folder}/runbook.config.ts`)
  const { code, err } = await init('--yes')
  expect(code).not.toBe(0)
  expect(err).toContain('not a regular file')
})

test('the error is one JSON object if JSON is asked for', async () => {
  const { code, out } = await init('--json')
  expect(code).toBe(2)
  expect(JSON.parse(out)).toMatchObject({ event: 'error', exit: 2 })
  expect(await readFile(`${folder}/runbook.config.ts`).catch(() => null)).toBeNull()
})

test('says where git does not ignore the evidence, and leaves .gitignore alone', async () => {
  new Database(`${folder}/shop.db`).exec('create table orders (id integer)').close()
  const says = async () => (await init()).out
  expect(await says()).not.toContain('git does not ignore')
  await execa('git', ['init', '--quiet'], { cwd: folder })
  expect(await says()).toContain(
    `note: git does not ignore ${folder}/artifacts, where the evidence of runs is written: (cd ${folder} && echo /artifacts/ >> .gitignore)`,
  )
  expect((await readdir(folder)).toSorted()).toEqual(['.git', 'shop.db'])
  await writeFile(`${folder}/.gitignore`, '/artifacts/\n')
  expect(await says()).not.toContain('git does not ignore')
})

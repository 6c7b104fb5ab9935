import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importOf } from '../../src/import/report.ts'
import { Project } from '../fixtures/cli.ts'

let project: Project
beforeAll(async () => {
  project = await Project.make()
})
afterAll(() => project[Symbol.asyncDispose]())

test('reports on a document without reading the configuration', async () => {
  await writeFile(project.path('old.md'), '# Restore\n\nRun `docker compose down -v`.\n')
  const { code, out, err } = await project.run(['--config', 'other.ts', 'import', 'old.md'])
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toContain('- line 3, volumes-removed: `docker compose down -v`\n')
  expect(out).toContain('| 3 | `docker compose down -v` | step stopServices |\n')
})

test('a document that cannot be read is an error of usage', async () => {
  const { code, err } = await project.run(['import', 'missing.md'])
  expect(code).toBe(2)
  expect(err).toContain('cannot read missing.md')
  expect(err).toContain('hint: check: ls -l missing.md')
})

const procedure = '# Restart\n\n1. `docker compose stop api`\n2. `docker compose start api`\n'

test('writes nothing without --out', async () => {
  await writeFile(project.path('restart.md'), procedure)
  const { code, out } = await project.run(['import', 'restart.md'])
  expect(code).toBe(0)
  expect(out).toContain('Nothing is written.')
  expect(existsSync(project.path('runbooks/restart.ts'))).toBe(false)
})

test('writes runbooks and a configuration, which show plans', async () => {
  await writeFile(project.path('restart.md'), procedure)
  const { code, out, err } = await project.run(['import', 'restart.md', '--out', 'imported'])
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toContain('Wrote imported/runbooks/restart.ts.')
  expect(out).toContain('Wrote imported/runbook.config.ts.')
  const shown = await project.run(['--config', 'imported/runbook.config.ts', 'show', 'restart'])
  expect(shown.err).toBe('')
  expect(shown.out).toContain('Stop writers')
  expect(shown.out).toContain('Start services')
})

test('overwrites nothing, and keeps the configuration that is there', async () => {
  await writeFile(project.path('restart.md'), procedure)
  const there = await project.run(['import', 'restart.md', '--out', 'imported'])
  expect(there.code).toBe(2)
  expect(there.err).toContain('imported/runbooks/restart.ts exists already; nothing is written')
  const configuration = await readFile(project.path('runbook.config.ts'), 'utf8')
  await writeFile(project.path('other.md'), procedure.replace('# Restart', '# Other'))
  const { code, out } = await project.run(['import', 'other.md', '--out', '.'])
  expect(code).toBe(0)
  expect(out).toContain('runbook.config.ts is left as it is.')
  expect(out).toContain(`writers: ['api'],`)
  expect(await readFile(project.path('runbook.config.ts'), 'utf8')).toBe(configuration)
})

test('a document without commands is not imported', async () => {
  await writeFile(project.path('empty.md'), '# Nothing\n\nText.\n')
  const { code, err } = await project.run(['import', 'empty.md', '--out', 'nothing'])
  expect(code).toBe(2)
  expect(err).toContain('the document has no procedure with commands')
  expect(existsSync(project.path('nothing'))).toBe(false)
})

test('names the Compose files that are there, as Compose reads them', async () => {
  await using own = await Project.make()
  await writeFile(own.path('restart.md'), procedure)
  const filesIn = async (out: string) => {
    expect((await own.run(['import', 'restart.md', '--out', out])).code).toBe(0)
    return /(?:\/\/ guessed: the document names no Compose file\n\s*)?stack: .*/.exec(
      await readFile(own.path(`${out}/runbook.config.ts`), 'utf8'),
    )?.[0]
  }
  expect(await filesIn('none')).toMatch(/^\/\/ guessed.*\n.*'docker-compose\.yml'/)
  await writeFile(own.path('compose.yml'), 'services: {}\n')
  await writeFile(own.path('docker-compose.yaml'), 'services: {}\n')
  await writeFile(own.path('compose.override.yml'), 'services: {}\n')
  expect(await filesIn('above')).toMatch(/^stack: .*\['\.\.\/compose\.yml', '\.\.\/compose\.override\.yml'\]/)
  await mkdir(own.path('own'))
  await writeFile(own.path('own/docker-compose.yaml'), 'services: {}\n')
  expect(await filesIn('own')).toMatch(/^stack: .*\['docker-compose\.yaml'\]/)
  const { files } = importOf(
    'x.md',
    '# Restart\n\n```sh\ncd /srv/shop\ndocker compose stop api\n```\n',
    (folder) => [`${folder}/compose.yaml`],
  )
  expect(files.map(({ text }) => text).join('')).toContain("files: ['/srv/shop/compose.yaml']")
})

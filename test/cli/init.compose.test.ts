import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'
import { docker } from '../fixtures/requirements.ts'

const compose = (name: string): string => `
name: ${name}
services:
  web:
    image: runbook-test/busybox:1
    command: [httpd, -f, -p, '80']
    init: true
    ports: ['127.0.0.1::80']
    environment: { DATABASE_URL: 'postgres://db/shop' }
  db: { image: 'runbook-test/postgres:17', environment: { POSTGRES_DB: shop, POSTGRES_PASSWORD: hunter22-pass } }
`

describe.skipIf(!docker())('runbook init', () => {
  const name = `rbtest-init-${Math.random().toString(36).slice(2, 8)}`
  let project: Project
  let folder = ''
  const config = (): Promise<string> => readFile(`${folder}/runbook.config.ts`, 'utf8')
  const run = (...args: readonly string[]) => project.runIn(folder, args)

  beforeEach(async () => {
    project = await Project.make()
    folder = project.path('stack')
    await mkdir(`${folder}/backups`, { recursive: true })
    await writeFile(`${folder}/compose.yml`, compose(name))
    for (const day of ['01', '02', '03'])
      await writeFile(`${folder}/backups/shop_202611${day}T010000Z.dump`, 'PGDMP')
    await execa('docker', ['compose', '--project-directory', folder, 'up', '--no-start'])
  })
  afterEach(async () => {
    await execa('docker', ['compose', '--project-directory', folder, 'down', '--volumes']).catch(
      () => undefined,
    )
    await project[Symbol.asyncDispose]()
  })

  it('writes what loads, marks its guesses, tells what to type, and finds nothing to add the next time', async () => {
    const { code, out, err } = await run('init', '--yes')
    expect(code, err).toBe(0)
    const text = await config()
    expect(out).toContain(text)
    expect(text).toContain("database: { engine: 'postgres', service: 'db', name: 'shop', user: 'postgres' }")
    expect(text).toContain(
      "backups: { directory: './backups', pattern: 'shop_{time}.dump', checksums: 'if-present' }",
    )
    expect(text).toContain('// guessed: no published port answers HTTP')
    expect(text).not.toContain('hunter22-pass')
    expect(out).toContain('  npm install --save-dev runbook\n')
    for (const command of ['doctor', 'run restore-test', 'run full-db-rollback --dry-run'])
      expect(out).toContain(`  runbook ${command}\n`)
    expect((await stat(`${folder}/runbook.config.ts`)).mode & 0o777).toBe(0o644)
    const byNpx = { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'runbook init' }
    expect((await project.runIn(folder, ['init', '--yes'], byNpx)).out).toContain(
      '  npx runbook run restore-test\n',
    )
    const listed = await run('list')
    expect(listed.err).toBe('')
    expect(listed.code).toBe(0)
    const again = await run('init', '--yes')
    expect(again.code, again.err).toBe(0)
    expect(again.out).toContain('has all of it already; nothing is written')
    expect(await config()).toBe(text)
  })

  it('adds what is missing to what people wrote, and shows it first', async () => {
    await run('init', '--yes')
    const edited = (await config())
      .replace(/ +writers:.*\n/, '')
      .replace("user: 'postgres'", "user: 'owner' /* ours */")
    await writeFile(`${folder}/runbook.config.ts`, edited)
    const shown = await run('init')
    expect(shown.code).toBe(2)
    expect(shown.out).toContain("+      writers: ['web'],")
    expect(shown.err).toContain('to write it as shown, type: runbook init --yes')
    expect(await config()).toBe(edited)
    const { code, out } = await run('init', '--yes')
    expect(code).toBe(0)
    expect(out).toContain(`kept as it is: ${name}.stack, ${name}.database`)
    expect(await config()).toBe(
      edited.replace(/( +)(backups:.*\n)(?:.*\n)*?(?= {4}\},)/, (all) => `${all}      writers: ['web'],\n`),
    )
  })

  it('says that a file in a folder that others may write is not loaded', async () => {
    await chmod(folder, 0o777)
    const { out } = await run('init', '--yes')
    expect(out).toContain('note: the file will not be loaded as it is: refused to load')
  })

  it('never asks without a terminal, and writes nothing then', async () => {
    const { code, out, err } = await run('init')
    expect(code).toBe(2)
    expect(out).toContain('export default defineConfig({')
    expect(err).toContain('runbook init --yes')
    await expect(config()).rejects.toThrow('ENOENT')
    const json = await run('init', '--json')
    expect(json.code).toBe(0)
    expect(jsonLines(json.out)).toMatchObject([
      { event: 'init', written: false, targets: [name], added: [name] },
    ])
    await expect(config()).rejects.toThrow('ENOENT')
    const written = await run('init', '--json', '--yes', '--tsconfig')
    expect(jsonLines(written.out)).toMatchObject([{ written: true, guessed: [{ where: `${name}.health` }] }])
    expect(JSON.parse(await readFile(`${folder}/tsconfig.json`, 'utf8'))).toMatchObject({
      compilerOptions: { strict: true },
    })
  })

  it('asks at a terminal only about guesses, and an empty line takes the guess', async () => {
    await rm(`${folder}/backups`, { recursive: true })
    const running = project.atTerminalIn(folder, ['init'])
    await running.shows('In which folder do the backups arrive?')
    running.type('/var/dumps\r')
    await running.shows('How are they named?')
    running.type('\r')
    await running.shows('Write runbook.config.ts?')
    running.type('\r')
    const { code } = await running.ended
    expect(code, running.seen).toBe(0)
    expect(running.seen).not.toContain('Which services write')
    const text = await config()
    expect(text).toContain(
      "backups: { directory: '/var/dumps', pattern: 'shop_{time}.dump', checksums: 'if-present' }",
    )
    expect(text).not.toContain('guessed: no backups')
  })
})

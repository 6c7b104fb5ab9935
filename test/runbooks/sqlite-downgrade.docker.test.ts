import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { boundariesOf } from '../crash/boundaries.ts'
import { Scene, sourceOf, whole } from '../crash/scene.ts'
import { testLabel } from '../fixtures/busybox-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { containersOf } from '../fixtures/project-containers.ts'
import { docker } from '../fixtures/requirements.ts'

const project = `rbtest-downgrade-${Math.random().toString(36).slice(2, 8)}`
const path = '/app/data/contextsafe.db'
const status = '2b3c4d5e6f70'
const glossary = '5e6f708192a3'
const answers = [
  '--answer',
  'migration-kind=breaking: it renames a column',
  '--answer',
  'forward-fix=ticket 7',
]
const refused = ['run', 'sqlite-downgrade', ...answers]
const run = [...refused, '--empty', 'glossary']

const configOf =
  (url: string) =>
  (folder: string): string =>
    `
import { defineConfig } from ${sourceOf('src/index.ts')}
import { contextsafe } from ${sourceOf('targets/contextsafe.ts')}
const target = contextsafe({ root: '${folder}', backups: '${folder}/backups', project: '${project}', url: '${url}', patience: { passes: 1, every: '200ms', within: '20s' } })
const unhealthy = { name: 'nobody', url: 'http://127.0.0.1:1/', passes: 1, within: '1s' }
export default defineConfig({ runbooks: [${sourceOf('runbooks')}], artifacts: './artifacts', state: './state',
  targets: { contextsafe: target, unhealthy: { ...target, health: [unhealthy] } }, defaultTarget: 'contextsafe' })
`

const composeOf = (port: number): string => `services:
  api:
    image: runbook-test/api:2025-12-20-rc2-guarded
    ${testLabel}
    user: "0:0"
    command: ["python3", "/app/serve.py"]
    environment: { DATABASE_URL: "sqlite:///${path}" }
    stop_grace_period: 2s
    ports: ["127.0.0.1:${port}:8000"]
    volumes: ["data:/app/data", "./app.py:/app/serve.py:ro"]
volumes: { data: { ${testLabel} } }
networks: { default: { ${testLabel} } }
`

describe.skipIf(!docker())('sqlite-downgrade of a service that keeps its rows in a write-ahead log', () => {
  let scene: Scene
  let url: string

  const compose = async (...words: readonly string[]): Promise<string> =>
    (
      await execa(
        'docker',
        [
          'compose',
          '--project-name',
          project,
          '--file',
          scene.path('docker', 'docker-compose.yml'),
          ...words,
        ],
        { stdin: 'ignore' },
      )
    ).stdout
  const alembic = (...words: readonly string[]): Promise<string> =>
    compose('run', '--rm', '--no-TTY', 'api', 'alembic', ...words)
  const healthy = () =>
    eventually(
      async () => (await fetch(`${url}/api/v1/projects`).catch(() => null))?.status === 200,
      'the API answers',
    )
  let looks = 0
  /** The database as a program sees it that opens it with its log, and what is beside it. */
  const world = async () => {
    const folder = scene.path(`look-${(looks += 1)}`)
    await execa('docker', [
      'cp',
      '--archive',
      `${(await containersOf(project, { service: 'api', all: true })).join()}:/app/data`,
      folder,
    ])
    const database = new Database(join(folder, 'contextsafe.db'))
    const rows = (table: string): readonly unknown[] => database.prepare(`select * from ${table}`).all()
    const tables = database
      .prepare(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite%' order by name",
      )
      .pluck()
      .all() as readonly string[]
    const told = Object.fromEntries(tables.map((table) => [table, rows(table)]))
    database.close()
    const { uid, gid, mode } = await stat(join(folder, 'contextsafe.db'))
    return {
      told,
      owned: [uid, gid, mode],
      main: (await readdir(folder)).filter((name) => !/-(?:wal|shm)$/.test(name)),
      running: (await containersOf(project, { service: 'api' })).length > 0,
    }
  }
  type World = Awaited<ReturnType<typeof world>>
  let before: World
  const wentBack = ({ told, ...rest }: World): void => {
    expect(told['alembic_version']).toEqual([{ version_num: status }])
    expect(Object.keys(told)).not.toContain('glossary')
    expect(told['projects']).toEqual(before.told['projects'])
    expect(rest).toEqual({ owned: before.owned, main: before.main, running: true })
  }

  beforeAll(async () => {
    const [port] = (await freePorts(1)) as [number]
    url = `http://127.0.0.1:${port}`
    scene = await Scene.make(null, configOf(url), {
      RUNBOOK_TEST_RUN: process.env['RUNBOOK_TEST_RUN'] ?? 'by-hand',
    })
    for (const name of ['docker', 'deployments', 'backups/staging', 'backups/kept'])
      await mkdir(scene.path(name), { recursive: true, mode: 0o700 })
    await cp(
      join(import.meta.dirname, '..', 'fixtures', 'contextsafe-app.py'),
      scene.path('docker', 'app.py'),
    )
    await writeFile(scene.path('docker', 'docker-compose.yml'), composeOf(port))
    await alembic('upgrade', 'head')
  }, 120_000)
  afterAll(async () => {
    await compose('down', '--volumes', '--timeout', '1').catch(() => undefined)
    await scene[Symbol.asyncDispose]()
  }, 60_000)
  beforeEach(async () => {
    await compose('up', '--detach')
    await healthy()
    before = await world()
    if (JSON.stringify(before.told['alembic_version']).includes(status)) {
      await alembic('upgrade', 'head')
      before = await world()
    }
    expect(before.told['alembic_version']).toEqual([{ version_num: glossary }])
    expect(before.told['projects']).toHaveLength(7)
  }, 60_000)

  it('a dry run makes no container and changes nothing', async () => {
    const foretold = await scene.type([...run, '--dry-run'])
    expect(foretold.code, whole(foretold)).toBe(0)
    expect(await world()).toEqual(before)
    expect(await compose('ps', '--all', '--quiet')).toBe(await compose('ps', '--quiet'))
  }, 60_000)

  it('S4.94: a downgrade that refuses to delete data leaves the database alone, and says what to type', async () => {
    const finished = await scene.type(refused)
    expect(finished.code, whole(finished)).toBe(10)
    expect(whole(finished)).toContain("Can't downgrade, would delete data")
    expect(whole(finished)).toContain('--empty TABLE')
    expect(await world()).toEqual(before)
  }, 180_000)

  it('goes back where the application is not healthy then', async () => {
    const finished = await scene.type([...run, '--target', 'unhealthy'])
    expect(finished.code, whole(finished)).toBe(10)
    expect(await world()).toEqual(before)
    expect(await scene.list('backups/staging')).toEqual([])
    // What was live without getting healthy, with what the service wrote to it.
    const [kept, ...others] = await scene.list('backups/kept')
    expect(finished.stdout).toContain(`is kept as ${scene.path('backups', 'kept', String(kept))}`)
    expect(others).toEqual([`${kept}-wal`])
  }, 180_000)

  const step = 'roll-a-copy-back-and-verify-its-revision'
  it.each(
    boundariesOf(step, 900).map(
      ([where, kill], index) => [where, index % 2 === 0 ? 'rollback' : 'resume', kill] as const,
    ),
  )(
    'killed %s, then %s',
    async (_, way, kill) => {
      const died = await scene.type(run, kill)
      expect(died.signal, whole(died)).toBe('SIGKILL')
      const finished = await scene.type([way, ...(way === 'resume' ? answers : [])])
      expect(finished.code, whole(finished)).toBe(0)
      if (way === 'rollback') expect(await world()).toEqual(before)
      else wentBack(await world())
      expect(await scene.list('backups/staging')).toEqual([])
    },
    180_000,
  )

  it('S4.28, S4.95: goes one step down, the table emptied, with every row that was only in the log, owner and mode kept', async () => {
    const finished = await scene.type(run)
    expect(finished.code, whole(finished)).toBe(0)
    wentBack(await world())
    expect(await alembic('current')).toContain(status)
    expect(await readFile(scene.path('deployments', 'restore-checklist.md'), 'utf8')).toContain(
      '| succeeded |',
    )
    const [kept = ''] = (await scene.list('backups/kept')).filter((name) => name.endsWith('.db'))
    const database = new Database(scene.path('backups', 'kept', kept), { readonly: true })
    expect(database.prepare('select count(*) from glossary').pluck().get()).toBe(2)
    database.close()
  }, 180_000)
})

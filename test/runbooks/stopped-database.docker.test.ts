import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { docker } from '../fixtures/requirements.ts'
import { openShop, writers, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const hour = 3_600_000
const title = 'Start the database if it is stopped'

describe.skipIf(!docker())('full-db-rollback where the database is not up', () => {
  let shop: Shop
  let badSince: string
  let old: string

  const command = (...more: readonly string[]): readonly string[] => [
    'run',
    'full-db-rollback',
    '--bad-since',
    badSince,
    '--confirm',
    shop.phrase,
    ...more,
  ]
  const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`
  const dockerDo = async (...argv: readonly string[]): Promise<string> =>
    (await execa('docker', [...argv], { env: shop.stack.dockerEnv })).stdout
  const dbRuns = async (): Promise<boolean> =>
    (await dockerDo(
      'ps',
      '--quiet',
      '--filter',
      `label=com.docker.compose.project=${shop.stack.project}`,
      '--filter',
      'label=com.docker.compose.service=db',
    )) !== ''
  const databases = async (): Promise<readonly string[]> =>
    (
      await shop.stack.sql<{ datname: string }>(
        "select datname from pg_database where datname like 'brace%' order by 1",
      )
    ).map(({ datname }) => datname)

  beforeAll(async () => {
    shop = await openShop()
    await shop.dump(new Date(Date.now() - 4 * hour))
    badSince = new Date(Date.now() - 3 * hour).toISOString()
  }, 120_000)
  afterAll(() => shop[Symbol.asyncDispose]())

  beforeEach(async () => {
    await shop.stack.compose('up', '--detach', '--wait', '--no-recreate', 'db')
    await shop.stack.compose('up', '--detach', '--no-recreate', ...writers)
    for (const name of (await databases()).filter((one) => one !== 'brace'))
      await shop.stack.sql(`drop database "${name}" with (force)`)
    if (!(await shop.data()).includes('d4_bad')) await shop.damage()
    old = await shop.data()
  }, 90_000)

  it('a dry run says that it is started, and what is not known yet; the run starts it and succeeds', async () => {
    await shop.stack.compose('stop', 'db')
    const dry = await shop.type(command('--dry-run'))
    expect(dry.code, whole(dry)).toBe(0)
    expect(dry.stdout).toContain('  - db is stopped: it is started, and the run waits until it answers\n')
    expect(dry.stdout).toContain(`not known yet: depends on "${title}"`)
    expect(dry.stdout).toContain(`is locked only once it answers: depends on "${title}"`)
    expect(await dbRuns()).toBe(false)

    const finished = await shop.type(command())
    expect(finished.code, whole(finished)).toBe(0)
    expect(JSON.parse(await shop.data())).toMatchObject({ revision: 'c3_events', negative: 0 })
    expect(await shop.writersUp()).toEqual([...writers].sort())
  }, 120_000)

  it('a run that fails late stops it again, last of all', async () => {
    await shop.stack.compose('stop', ...writers, 'db')
    const file = join(shop.stack.dir, 'runbook.config.ts')
    const config = await readFile(file, 'utf8')
    await writeFile(
      file,
      config.replace("json: { status: 'ok' }", "json: { status: 'never' }").replace("'20s'", "'3s'"),
    )
    try {
      const finished = await shop.type(command())
      expect(finished.code, whole(finished)).toBe(10)
      expect(whole(finished)).toMatch(
        new RegExp(`undo Restore beside the live database[^]*undo ${title}[^]*At the end`),
      )
    } finally {
      await writeFile(file, config)
    }
    expect(await dbRuns()).toBe(false)
    expect(await shop.writersUp()).toEqual([])
    await shop.stack.compose('up', '--detach', '--wait', '--no-recreate', 'db')
    expect(await shop.data()).toBe(old)
  }, 120_000)

  it('killed in the middle of a run, it is waited for on the way back, and everything is as before', async () => {
    const run = shop.start(command())
    await run.says('[STARTED] Assert on the copy')
    const id = String(await shop.stack.containerId('db'))
    await dockerDo('kill', id)
    await run.says(/waiting for \S+, for 300 s at most: [^]*start it: docker/)
    await dockerDo('start', id)
    const finished = await run.finished
    expect(finished.code, whole(finished)).toBe(10)
    expect(await shop.data()).toBe(old)
    expect(await databases()).toEqual(['brace'])
    expect(await shop.writersUp()).toEqual([...writers].sort())
  }, 180_000)

  it('killed together with the run: a rollback begins while it is down, and waits for it', async () => {
    const run = shop.start(command())
    await run.says('[STARTED] Assert on the copy')
    run.child.kill('SIGKILL')
    await run.finished
    const id = String(await shop.stack.containerId('db'))
    await dockerDo('kill', id)
    const back = shop.start(['rollback'])
    await back.says(/waiting for \S+, for 300 s at most/)
    await dockerDo('start', id)
    const finished = await back.finished
    expect(finished.code, whole(finished)).toBe(0)
    expect(await shop.data()).toBe(old)
    expect(await databases()).toEqual(['brace'])
  }, 180_000)
})

import { execa } from 'execa'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openApi, rc1, rc2, type ApiStack } from '../fixtures/api-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'
import type { Finished } from '../fixtures/typed.ts'

const answers = ['--answer', 'traffic-off=at the balancer', '--answer', 'traffic-on=at the balancer', '--answer', 'forward-fix=ticket 7']
const status = '2b3c4d5e6f70'
const glossary = '3c4d5e6f7081'
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

describe.skipIf(!docker())('the API on Compose, Postgres and alembic', () => {
  let api: ApiStack
  beforeAll(async () => {
    api = await openApi(rc2)
  }, 180_000)
  afterAll(() => api?.[Symbol.asyncDispose](), 60_000)

  const level = (): Promise<string> => api.sql('select version_num from alembic_version')
  const rows = (): Promise<string> => api.sql("select (select json_agg(d order by id) from documents d)::text || coalesce((select to_regclass('glossary')::text), 'none')")
  const facts = async () => {
    const { mode, uid, gid } = await stat(join(api.folder, '.env'))
    return { env: await api.env(), mode, uid, gid, images: await api.images(), level: await level(), rows: await rows() }
  }
  const oneOffs = async (): Promise<string> =>
    (await execa('docker', ['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${api.project}`, '--filter', 'label=com.docker.compose.oneoff=True'])).stdout

  it('T.10: what ps prints as JSON is no list, so that the check of the procedure fails', async () => {
    const printed = await api.compose('ps', '--format', 'json')
    expect(printed.trim().split('\n').length).toBe(3)
    expect(() => JSON.parse(printed) as unknown).toThrow(SyntaxError)
  })

  describe('the bad version runs on its own migration', () => {
    let bad: Awaited<ReturnType<typeof facts>>
    beforeAll(async () => {
      bad = await facts()
      expect(bad).toMatchObject({ level: glossary, images: { api: `runbook-test/api:${rc2}`, jobs: `runbook-test/api:${rc2}` } })
    }, 60_000)
    beforeEach(async () => expect(await facts()).toEqual(bad), 60_000)

    it('T.11: a version without the revision is refused, and nothing is touched', async () => {
      const finished = await api.type(['run', 'version-rollback', '--to', rc1, ...answers.slice(0, 4)])
      expect(whole(finished)).toContain(`does not contain the revision ${glossary}`)
      expect(finished.code, whole(finished)).toBe(14)
      expect(await facts()).toEqual(bad)
      expect(await oneOffs()).toBe('')
    }, 120_000)

    it('a dry run of both changes nothing, and makes no container', async () => {
      const since = Math.floor(Date.now() / 1000)
      for (const words of [['version-rollback', '--to', rc1], ['migration-downgrade', '--answer', 'migration-kind=breaking']]) {
        const finished = await api.type(['run', ...words, ...answers.slice(0, words[0] === 'version-rollback' ? 4 : 0), ...(words[0] === 'version-rollback' ? [] : answers.slice(4)), '--dry-run'])
        expect(finished.code, whole(finished)).toBe(0)
      }
      expect(await facts()).toEqual(bad)
      const { stdout } = await execa('docker', ['events', '--since', String(since), '--until', String(Math.ceil(Date.now() / 1000)), '--filter', 'event=create', '--filter', 'type=container', '--filter', `label=com.docker.compose.project=${api.project}`])
      expect(stdout).toBe('')
    }, 120_000)

    it('a downgrade after which the bad version is not healthy goes back: every row of the dropped table too', async () => {
      const finished = await api.type(['run', 'migration-downgrade', '--answer', 'migration-kind=breaking: it renames', ...answers.slice(4)])
      expect(finished.code, whole(finished)).toBe(10)
      expect(await api.sql('select count(*) from glossary')).toBe('2')
      expect(await facts()).toEqual(bad)
    }, 180_000)
  })

  it('T.11, T.12: goes back with its migration in the order that the images allow, and later commands keep the version', async () => {
    const old = await api.env()
    const words = ['run', 'migration-downgrade', '--application', 'roll-back', '--version', rc1, '--answer', 'migration-kind=breaking: it renames a column', ...answers.slice(4)]
    const finished = await api.type(words)
    expect(finished.code, whole(finished)).toBe(0)
    expect(await level()).toBe(status)
    expect(await api.env()).toBe(old.replace(rc2, rc1))
    await api.compose('up', '--detach', 'api')
    expect(await api.images()).toMatchObject({ api: `runbook-test/api:${rc1}`, jobs: `runbook-test/api:${rc1}` })
    // A second `up` may have made the container anew.
    await eventually(async () => (await fetch(`${api.url}/readyz`).catch(() => null))?.status === 200, 'the API is ready')
    expect(await (await fetch(`${api.url}/readyz`)).json()).toMatchObject({ db: true, migrations_current: true })
    expect(await readFile(join(api.folder, 'docs', 'incident-log.md'), 'utf8')).toContain('| succeeded |')
    expect(await oneOffs()).toBe('')
  }, 180_000)
})

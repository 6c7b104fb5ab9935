import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { boundariesOf } from '../crash/boundaries.ts'
import type { Kill } from '../crash/kill.ts'
import { whole } from '../crash/scene.ts'
import { additive, openApi, rc1, type ApiFacts, type ApiStack } from '../fixtures/api-stack.ts'
import { docker } from '../fixtures/requirements.ts'
import type { Finished } from '../fixtures/typed.ts'

const answers = ['--answer', 'traffic-off=at the balancer', '--answer', 'traffic-on=at the balancer']
const note = '4d5e6f708192'

describe.skipIf(!docker())('version-rollback of an API whose bad version only added to the schema', () => {
  let api: ApiStack
  let bad: ApiFacts
  const runsGood = ({ images, level, rows, env }: ApiFacts): void => {
    expect([images['api'], images['jobs']]).toEqual([
      expect.stringContaining(`api:${rc1} `),
      expect.stringContaining(`api:${rc1} `),
    ])
    expect({ level, rows, env }).toEqual({
      level: bad.level,
      rows: bad.rows,
      env: bad.env.replace(additive, rc1),
    })
  }
  /** The variable names the version, as it does for the commands of the procedure. */
  const roll = (more: readonly string[] = [], kill?: Kill): Promise<Finished> =>
    api.type(['run', 'version-rollback', ...answers, ...more], {
      environment: { IMAGE_TAG: rc1 },
      ...(kill === undefined ? {} : { kill }),
    })

  beforeAll(async () => {
    api = await openApi(additive)
    bad = await api.facts()
    expect(bad).toMatchObject({
      level: note,
      images: { api: expect.stringContaining(`api:${additive} `) as string },
    })
  }, 180_000)
  afterAll(() => api?.[Symbol.asyncDispose](), 60_000)
  beforeEach(async () => {
    await api.writeEnv(bad.env)
    await api.compose('up', '--detach', 'api', 'jobs')
  }, 60_000)

  it('T.10: what ps prints as JSON is no list, so that the check of the procedure fails; T.13: what is in the other env file counts for nothing', async () => {
    const printed = await api.compose('ps', '--format', 'json')
    expect(printed.trim().split('\n').length).toBe(3)
    expect(() => JSON.parse(printed) as unknown).toThrow(SyntaxError)
    await writeFile(join(api.folder, '.env.production'), bad.env.replace(additive, rc1))
    expect(await api.compose('config', '--images', 'api')).toContain(`api:${additive}`)
  }, 60_000)

  it('T.11: a version without the revision is refused, and a dry run makes no container: nothing is touched', async () => {
    const since = Math.floor(Date.now() / 1000)
    const foretold = await roll(['--dry-run'])
    expect(foretold.code, whole(foretold)).toBe(0)
    const { stdout } = await execa('docker', [
      'events',
      '--since',
      String(since),
      '--until',
      String(Math.ceil(Date.now() / 1000)),
      '--filter',
      'event=create',
      '--filter',
      'type=container',
      '--filter',
      `label=com.docker.compose.project=${api.project}`,
    ])
    expect(stdout).toBe('')
    const refused = await roll()
    expect(whole(refused)).toContain(`does not contain the revision ${note}`)
    expect(refused.code, whole(refused)).toBe(14)
    expect(await api.facts()).toEqual(bad)
    expect(await api.oneOffs()).toBe(0)
  }, 180_000)

  it('foretells a rollback to the version before the present, as a registry lists them', async () => {
    const before = '2025-12-19-rc9-additive'
    const asked: string[] = []
    const registry = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          name: 'runbook-test/api',
          tags: ['latest', rc1, before, '2026-01-01-rc1-additive', additive],
        }),
      )
    })
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
    try {
      const finished = await api.type(
        ['run', 'version-rollback', '--from', 'registry', '--dry-run', ...answers],
        { environment: { TEST_REGISTRY: `http://127.0.0.1:${(registry.address() as AddressInfo).port}` } },
      )
      expect(whole(finished)).toContain(`back to ${before} (the one before it in the registry)`)
      expect(whole(finished)).toMatch(new RegExp(`api:${before}`))
      expect(finished.code, whole(finished)).toBe(0)
      expect(new Set(asked)).toEqual(new Set(['/v2/runbook-test/api/tags/list?n=1000']))
    } finally {
      registry.close()
    }
    expect(await api.facts()).toEqual(bad)
  }, 60_000)

  it('goes back where the good version does not answer: env file to the byte, and the images that ran', async () => {
    const finished = await api.typeUnhealthy([
      'run',
      'version-rollback',
      '--to',
      rc1,
      '--schema',
      'ahead',
      ...answers,
    ])
    expect(finished.code, whole(finished)).toBe(10)
    expect(await api.facts()).toEqual(bad)
  }, 180_000)

  const step = 'bring-up-the-services'
  it.each(
    boundariesOf(step, 300).map(
      ([where, kill], index) => [where, index % 2 === 0 ? 'rollback' : 'resume', kill] as const,
    ),
  )(
    'killed %s, then %s',
    async (_, way, kill) => {
      const died = await roll(['--schema', 'ahead'], kill)
      expect(died.signal, whole(died)).toBe('SIGKILL')
      const finished = await api.type([way, ...(way === 'resume' ? answers : [])])
      expect(finished.code, whole(finished)).toBe(0)
      if (way === 'rollback') expect(await api.facts()).toEqual(bad)
      else runsGood(await api.facts())
      expect(await api.oneOffs()).toBe(0)
    },
    180_000,
  )

  it('T.12: goes back while the newer migration is kept, and later commands keep the version', async () => {
    const finished = await roll(['--schema', 'ahead'])
    expect(finished.code, whole(finished)).toBe(0)
    runsGood(await api.facts())
    await api.compose('up', '--detach', 'api')
    runsGood(await api.facts())
    expect(await api.compose('run', '--rm', '--no-TTY', 'api', 'printenv', 'APP_VERSION')).toBe(rc1)
    expect(await readFile(join(api.folder, 'docs', 'incident-log.md'), 'utf8')).toContain('| succeeded |')
    expect(await readFile(join(api.folder, 'deployments', 'history.log'), 'utf8')).toMatch(
      new RegExp(` \\| ${rc1} \\|.*\\| SUCCESS$`, 'm'),
    )
  }, 180_000)
})

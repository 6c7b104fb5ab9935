import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { boundariesOf } from '../crash/boundaries.ts'
import { whole } from '../crash/scene.ts'
import { eventually } from '../fixtures/eventually.ts'
import { openApi, guarded, rc1, type ApiFacts, type ApiStack } from '../fixtures/api-stack.ts'
import { docker } from '../fixtures/requirements.ts'

const answers = [
  '--answer',
  'migration-kind=breaking: it renames a column',
  '--answer',
  'forward-fix=ticket 7',
]
const run = [
  'run',
  'migration-downgrade',
  '--application',
  'roll-back',
  '--version',
  rc1,
  '--empty',
  'glossary',
  ...answers,
]
const status = '2b3c4d5e6f70'
const glossary = '5e6f708192a3'

describe.skipIf(!docker())(
  'migration-downgrade of an API on Postgres and alembic, whose bad version runs on its own migration',
  () => {
    let api: ApiStack
    let bad: ApiFacts
    let terms: string

    beforeAll(async () => {
      api = await openApi(guarded)
      bad = await api.facts()
      expect(bad).toMatchObject({
        level: glossary,
        images: { api: expect.stringContaining(`api:${guarded} `) as string },
      })
      terms = await api.sql('select * from glossary order by term')
    }, 180_000)
    afterAll(() => api?.[Symbol.asyncDispose](), 60_000)
    beforeEach(async () => {
      const { env, level } = await api.facts()
      if (env !== bad.env) await api.writeEnv(bad.env)
      if (level !== bad.level)
        await api.compose('run', '--rm', '--no-TTY', 'api', 'alembic', 'upgrade', 'head')
      await api.compose('up', '--detach', 'api', 'jobs')
    }, 60_000)

    const asBefore = async (): Promise<void> => {
      expect(await api.facts()).toEqual(bad)
      expect(await api.sql('select * from glossary order by term')).toBe(terms)
      expect(await api.oneOffs()).toBe(0)
    }
    const wentBack = async (): Promise<void> => {
      const { level, env, images } = await api.facts()
      expect({ level, env }).toEqual({ level: status, env: bad.env.replace(guarded, rc1) })
      expect([images['api'], images['jobs']]).toEqual([
        expect.stringContaining(`api:${rc1} `),
        expect.stringContaining(`api:${rc1} `),
      ])
      expect(await api.oneOffs()).toBe(0)
    }

    it('a dry run changes nothing', async () => {
      const foretold = await api.type([...run, '--dry-run'])
      expect(foretold.code, whole(foretold)).toBe(0)
      await asBefore()
    }, 60_000)

    it('S4.94: a downgrade that refuses to delete data changes nothing, and says what to type', async () => {
      const finished = await api.type(['run', 'migration-downgrade', ...answers])
      expect(finished.code, whole(finished)).toBe(10)
      expect(whole(finished)).toContain('--empty TABLE')
      await asBefore()
    }, 180_000)

    it('goes back where the application is not healthy then: every row of the dropped table too', async () => {
      const finished = await api.typeUnhealthy([
        'run',
        'migration-downgrade',
        '--empty',
        'glossary',
        ...answers,
      ])
      expect(finished.code, whole(finished)).toBe(10)
      await asBefore()
    }, 180_000)

    const step = 'downgrade-in-isolation-and-verify'
    it.each(
      boundariesOf(step, 900).map(
        ([where, kill], index) => [where, index % 2 === 0 ? 'rollback' : 'resume', kill] as const,
      ),
    )(
      'killed %s, then %s',
      async (_, way, kill) => {
        const died = await api.type(run, { kill })
        expect(died.signal, whole(died)).toBe('SIGKILL')
        const finished = await api.type([way, ...(way === 'resume' ? answers : [])])
        expect(finished.code, whole(finished)).toBe(0)
        await (way === 'rollback' ? asBefore() : wentBack())
      },
      180_000,
    )

    it('T.11, T.12, S4.95: goes back with the application in the order that the images allow, and later commands keep the version', async () => {
      const finished = await api.type(run)
      expect(finished.code, whole(finished)).toBe(0)
      await wentBack()
      await api.compose('up', '--detach', 'api')
      await wentBack()
      // A second `up` may have made the container anew.
      await eventually(
        async () => (await fetch(`${api.url}/readyz`).catch(() => null))?.status === 200,
        'the API is ready',
      )
      expect(await (await fetch(`${api.url}/readyz`)).json()).toMatchObject({
        db: true,
        migrations_current: true,
      })
      expect(await readFile(join(api.folder, 'docs', 'incident-log.md'), 'utf8')).toContain('| succeeded |')
    }, 180_000)
  },
)

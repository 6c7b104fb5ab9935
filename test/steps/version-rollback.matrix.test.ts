import { describe, expect, it } from 'vitest'
import book from '../../runbooks/version-rollback.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { fakeMachine, fakeService, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { after, api, badApi, checklist, envFile, history, envText, type ApiParts } from './fake-releases.ts'

const envOf = (world: FakeWorld): string => Buffer.from(world.disk.files.get(envFile) ?? []).toString()
const imagesOf = (world: FakeWorld): readonly (string | undefined)[] =>
  ['api', 'jobs'].map((name) => world.fleet.services.get(name)?.instance?.image)

function rolledBack(world: FakeWorld): void {
  expect(imagesOf(world)).toEqual(['api:rc1', 'api:rc1'])
  expect(envOf(world)).toBe(envText.replace('=rc2', '=rc1'))
}

const common = { book, target: api, records: [checklist, history], succeeded: rolledBack }
provesItself({
  ...common,
  name: 'version-rollback to the last good version',
  params: {},
  world: () => badApi(),
})

async function attempt(
  params: JsonObject,
  parts: ApiParts = {},
  target: Target = api,
  change: (world: FakeWorld) => void = () => undefined,
): Promise<{ result: Result | string; world: FakeWorld; unchanged: boolean; journal: string }> {
  const world = badApi(parts)
  change(world)
  const was = JSON.stringify({ env: envOf(world), images: imagesOf(world), made: world.fleet.made })
  const machine = fakeMachine(world, { book, target })
  const result = await machine.run(params).catch((thrown: unknown) => String(thrown))
  return {
    result,
    world,
    unchanged: JSON.stringify({ env: envOf(world), images: imagesOf(world), made: world.fleet.made }) === was,
    journal: JSON.stringify(machine.entries),
  }
}

const why = (result: Result | string): string => JSON.stringify(result)

describe('version-rollback', () => {
  it('T.11: refuses a version that lacks the revision of the database, before anything is touched', async () => {
    const { result, unchanged } = await attempt({ to: 'rc1' }, { tables: after })
    expect(why(result)).toContain('does not contain the revision 3c4d5e6f7081')
    expect(result).toMatchObject({ code: 'verification' })
    expect(unchanged).toBe(true)
  })

  it('T.12: what is brought up later stays on the version, since the env file says so', async () => {
    const { world, result } = await attempt({ to: 'rc1' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    const { services } = world.drivers({
      run: 'r',
      step: 's',
      signal: new AbortController().signal,
      output: () => undefined,
      progress: () => undefined,
      spawned: () => undefined,
    })
    await services.up(api.writers!)
    expect(imagesOf(world)).toEqual(['api:rc1', 'api:rc1'])
    // The naive way: the tag on the command line counts for one command, and the next one brings the bad version back.
    const naive = badApi()
    const drivers = naive.drivers({
      run: 'r',
      step: 's',
      signal: new AbortController().signal,
      output: () => undefined,
      progress: () => undefined,
      spawned: () => undefined,
    })
    const stack = { ...api.stack, environment: { IMAGE_TAG: 'rc1' } } as NonNullable<Target['stack']>
    await drivers.services.up({ stack, names: ['api', 'jobs'] })
    expect(imagesOf(naive)).toEqual(['api:rc1', 'api:rc1'])
    await drivers.services.up({ ...api.writers!, names: ['api'] })
    expect(imagesOf(naive)).toEqual(['api:rc2', 'api:rc1'])
  })

  it('takes the version before the present from the registry, and notes in the deployment history what it did', async () => {
    const { result, world } = await attempt({ from: 'registry' })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    rolledBack(world)
    expect(
      Buffer.from(world.disk.files.get(history) ?? [])
        .toString()
        .split('\n')
        .slice(2),
    ).toEqual([
      expect.stringMatching(/ \| rc2 \|.*\| ROLLED_BACK$/),
      expect.stringMatching(/ \| rc1 \|.*\| SUCCESS$/),
      '',
    ])
    const refused = await attempt({ from: 'registry' }, {}, api, ({ web }) =>
      web.answers.set('http://registry/v2/api/tags/list?n=1000', [{ status: 401, text: 'who are you' }]),
    )
    expect(why(refused.result)).toContain('cannot list the tags at http://registry/v2/api/tags/list: 401')
    expect(refused.unchanged).toBe(true)
  })

  it('keeps a migration that only added, and does not ask the application to call it its own', async () => {
    const { result, world } = await attempt({ to: 'rc1', schema: 'ahead' }, { tables: after, current: false })
    expect(result).toMatchObject({ outcome: 'succeeded' })
    rolledBack(world)
    expect((await attempt({ to: 'rc1' }, { current: false })).result).toMatchObject({
      outcome: 'rolled-back',
    })
  })

  it('keeps what else the env file holds out of the journal', async () => {
    expect((await attempt({ to: 'rc1' })).journal).not.toContain('hunter2')
  })

  it.each<readonly [string, JsonObject, ApiParts, RegExp]>([
    ['the version that is pinned already', { to: 'rc2' }, {}, /version rc2 is already pinned in/],
    ['a tag that is none', { to: 'rc1; rm -rf /' }, {}, /is not an image tag/],
    ['an empty tag', { to: '' }, {}, /is not an image tag/],
    ['a tag that the registry does not have', { to: 'rc0' }, {}, /rc0/],
    ['a variable that is set twice', { to: 'rc1' }, { env: 'IMAGE_TAG=rc2\nIMAGE_TAG=rc2\n' }, /2 times/],
    ['an env file with an open quote', { to: 'rc1' }, { env: 'A="x\nIMAGE_TAG=rc2\n' }, /quote/],
    ['a duty that nobody answers', { to: 'rc1' }, { answers: { 'traffic-off': '' } }, /traffic-off/],
  ])('refuses %s, and touches nothing', async (_, params, parts, words) => {
    const { result, unchanged } = await attempt(params, parts)
    expect(why(result)).toMatch(words)
    expect(why(result)).not.toContain('"succeeded"')
    expect(unchanged).toBe(true)
  })

  it('refuses, before traffic is off, a stack of which a service does not take the tag', async () => {
    const { result, unchanged } = await attempt({ to: 'rc1' }, {}, api, ({ fleet }) => {
      fleet.services.get('jobs')!.declared = 'api:rc2'
    })
    expect(result).toMatchObject({ outcome: 'refused' })
    expect(why(result)).toContain("jobs would not run api:rc1: the stack's files name api:rc2")
    expect(unchanged).toBe(true)
  })

  it('refuses, before traffic is off, where the tag would also change a service that is not brought up', async () => {
    const { result, unchanged } = await attempt({ to: 'rc1' }, {}, api, ({ fleet }) => {
      const { instance } = fleet.services.get('api')!
      fleet.services.set('mailer', { ...fakeService('mailer:${IMAGE_TAG}'), instance })
    })
    expect(result).toMatchObject({ outcome: 'refused' })
    expect(why(result)).toContain('would change image of mailer')
    expect(unchanged).toBe(true)
  })

  it('refuses where there is no history and no tag', async () => {
    const { result, unchanged } = await attempt({}, {}, { ...api, deployments: undefined as never })
    expect(why(result)).toContain('no deployment history is configured')
    expect(unchanged).toBe(true)
  })

  it('adds the variable where the file lacks it, and takes it away again', async () => {
    const target = { ...api, health: [{ ...api.health![0]!, url: 'http://api/nothing', withinSeconds: 2 }] }
    const { result, world } = await attempt({ to: 'rc1' }, { env: 'A=1\r\nB=2', running: '' }, target)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(world.faults.reached.filter((moment) => moment === 'files.write')).not.toEqual([])
    expect(envOf(world)).toBe('A=1\r\nB=2')
    expect(imagesOf(world)).toEqual(['api:', 'api:'])
  })
})

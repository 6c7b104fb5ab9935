import { describe, expect, it } from 'vitest'
import book from '../../runbooks/config-rollback.ts'
import { fakeMachine, lay, nobody, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { api, dated, env, envFile, goodEnv, olderEnv, servingApi } from './fake-api.ts'

const fileOf = (world: FakeWorld, path = envFile): string =>
  Buffer.from(world.disk.files.get(path) ?? []).toString()
const kept = (world: FakeWorld): readonly string[] =>
  [...world.disk.files.keys()].filter((path) => path.startsWith(`${envFile}.before-`))
const modelOf = (world: FakeWorld, service: string): unknown =>
  world.fleet.services.get(service)?.instance?.environment?.['LLM_MODEL']

const common = { book, target: api, records: ['/artifacts/checklist.md'], world: () => servingApi() }
const succeeded = (wanted: string, model: string) => (world: FakeWorld) => {
  expect(fileOf(world)).toBe(wanted)
  expect([modelOf(world, 'api'), modelOf(world, 'jobs')]).toEqual([model, model])
  expect(kept(world).map((path) => fileOf(world, path))).toEqual([env])
}

provesItself({
  ...common,
  name: 'config-rollback from git',
  params: { revision: 'HEAD~1', copy: null },
  succeeded: succeeded(goodEnv, 'large'),
})
provesItself({
  ...common,
  name: 'config-rollback from a copy',
  params: { revision: 'HEAD~1', copy: dated },
  succeeded: succeeded(olderEnv, 'medium'),
})

const run = async (world: FakeWorld, params: { readonly revision?: string; readonly copy?: string } = {}) => {
  const machine = fakeMachine(world, { book, target: api })
  const before = world.state()
  return { machine, before, result: await machine.run(params) }
}

describe('config-rollback', () => {
  it('shows what differs, and no secret: not in the journal, not on the screen', async () => {
    const { machine, result } = await run(servingApi())
    expect(result.code).toBe('succeeded')
    const told = JSON.stringify([machine.entries, machine.events])
    expect(told).toContain('~ DB_PASSWORD: (masked) becomes another value')
    expect(told).toContain(String.raw`~ LLM_MODEL: \\"small\\" becomes \\"large\\"`.replaceAll('\\\\', '\\'))
    expect(told).not.toContain('correct-horse')
  })

  it('refuses to recreate a server whose data is in its container, before anything is changed', async () => {
    const world = servingApi()
    const api = world.fleet.services.get('api')
    if (api?.instance != null)
      api.instance = { ...api.instance, unkept: { folder: '/pgdata', in: 'instance' } }
    const { before, result } = await run(world)
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(result.findings).toContainEqual({
      level: 'refuse',
      about: 'api',
      problem: 'the data of api (/pgdata) is in no volume: recreating the container loses it',
      hint: expect.stringContaining('mount a volume with a name at /pgdata'),
    })
    expect(world.state()).toEqual(before)
  })

  it('keeps two copies of one day apart', async () => {
    const world = servingApi()
    await run(world)
    await run(world, { copy: dated })
    expect(kept(world)).toHaveLength(2)
    expect(
      kept(world)
        .map((path) => fileOf(world, path))
        .toSorted(),
    ).toEqual([env, goodEnv].toSorted())
  })

  it.each([
    [
      'a revision that is none',
      { revision: 'HEAD~9' },
      (): void => undefined,
      'cannot read /srv/api/.env as of git HEAD~9',
    ],
    [
      'a revision that is a flag',
      { revision: '--output=/etc/passwd' },
      (): void => undefined,
      'cannot read /srv/api/.env as of git --output=/etc/passwd',
    ],
    ['the present one', { revision: 'HEAD' }, (): void => undefined, 'is identical to /srv/api/.env'],
    ['a copy that is not there', { copy: '/srv/api/.env.20260101' }, (): void => undefined, 'no such file'],
    [
      'an empty copy',
      { copy: dated },
      (world: FakeWorld): void => void world.disk.files.set(dated, new Uint8Array(0)),
      'sets no variable',
    ],
    [
      'a copy that was cut off',
      { copy: dated },
      (world: FakeWorld): void => void world.disk.files.set(dated, Buffer.from('A="x')),
      'unclosed quote in the value of',
    ],
    ['a folder', { copy: '/srv/api' }, (): void => undefined, 'it is not a regular file'],
    ['nobody to ask', {}, (world: FakeWorld): void => void (world.person = nobody), 'no terminal to ask for'],
  ])('is refused, with nothing touched, for %s', async (_, params, spoil, says) => {
    const world = servingApi()
    spoil(world)
    const { result, before } = await run(world, params)
    expect(result).toMatchObject({ outcome: 'refused', failure: { message: expect.stringContaining(says) } })
    expect(world.state()).toEqual(before)
  })

  it('is refused, with nothing touched, where a service does not read the file', async () => {
    const world = servingApi()
    lay(world.disk, '/srv/api/other.env', 'LLM_MODEL=small\n')
    world.fleet.services.get('jobs')!.envFiles = ['/srv/api/other.env']
    const { result, before } = await run(world)
    expect(result).toMatchObject({ outcome: 'refused' })
    expect(JSON.stringify(result)).toContain('jobs does not get ')
    expect(JSON.stringify(result)).toContain('recreating it would not load the restored values')
    expect(world.state()).toEqual(before)
  })

  it('names the copies that lie beside the file, where git has no such version', async () => {
    const { result } = await run(servingApi(), { revision: 'HEAD~9' })
    expect(JSON.stringify(result)).toContain(`copies beside it: ${dated}`)
  })

  it('compares values as Compose expands them, and none that only Compose knows', async () => {
    const world = servingApi()
    world.disk.files.set(
      dated,
      Buffer.from(
        `${olderEnv}\nDB_URL=db://\${DB_PASSWORD}@db\nDB_T='it\\'s'\nDB_D=pa$$word\nDB_HOME=\${HOME}/x\n`,
      ),
    )
    const { machine, result } = await run(world, { copy: dated })
    expect(result.outcome).toBe('succeeded')
    const environment = world.fleet.services.get('api')?.instance?.environment
    expect(environment).toMatchObject({ DB_T: "it's", DB_D: 'pa$word' })
    expect(environment?.['DB_URL']).toBe(`db://${environment?.['DB_PASSWORD']}@db`)
    const told = JSON.stringify([machine.entries, machine.events])
    expect(told).toContain('DB_HOME was not compared: its value depends on variables that only Compose knows')
  })

  it('goes back to the byte where the service does not get well with it', async () => {
    const world = servingApi()
    world.web.answers.set('http://api/healthz', [{ status: 500 }])
    const { result, before } = await run(world)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(fileOf(world)).toBe(env)
    expect(kept(world)).toEqual([])
    expect(world.state()['services']).toEqual(before['services'])
  })

  it('T.12: an earlier env file with the earlier tag is not brought up unseen', async () => {
    const world = servingApi()
    // The compose file interpolates the tag: as soon as the older file is in place, it names another image.
    const write = world.disk.beforeChange
    world.disk.beforeChange = (operation, path) => {
      write(operation, path)
      if (operation === 'write' && path === envFile) world.fleet.services.get('api')!.declared = 'api:rc0'
    }
    const { result } = await run(world)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining("the stack's files name api:rc0") },
    })
    expect(world.fleet.services.get('api')?.instance?.image).toBe('api:rc1')
  })
})

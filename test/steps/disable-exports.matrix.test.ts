import { describe, expect, it } from 'vitest'
import book from '../../runbooks/disable-exports.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { api, env, envFile, servingApi } from './fake-api.ts'

const fileOf = (world: FakeWorld, path = envFile): string =>
  Buffer.from(world.disk.files.get(path) ?? []).toString()
const copies = (world: FakeWorld): readonly string[] =>
  [...world.disk.files.keys()].filter((path) => path.startsWith(`${envFile}.before-`))
const modeOf = (world: FakeWorld, service = 'api'): unknown =>
  world.fleet.services.get(service)?.instance?.environment?.['EXPORT_MODE']
const turned = (body: string, mode: string): string =>
  body.replace(/EXPORT_MODE="?\w*"?/, `EXPORT_MODE="${mode}"`)

const common = { book, target: api, records: ['/artifacts/checklist.md'] }

provesItself({
  ...common,
  name: 'disable-exports off',
  params: { mode: 'off' },
  world: () => servingApi(),
  succeeded: (world) => {
    expect(fileOf(world)).toBe(turned(env, 'off'))
    expect([modeOf(world), modeOf(world, 'jobs')]).toEqual(['off', 'on'])
    expect(copies(world)).toEqual([])
  },
})
provesItself({
  ...common,
  name: 'disable-exports on',
  params: { mode: 'on' },
  world: () => servingApi(turned(env, 'off')),
  succeeded: (world) => {
    expect(fileOf(world)).toBe(env)
    expect(modeOf(world)).toBe('on')
  },
})

const run = async (world: FakeWorld, params = { mode: 'off' }) => {
  const machine = fakeMachine(world, { book, target: api })
  const before = world.state()
  const result = await machine.run(params)
  return { result, machine, before }
}

describe('disable-exports', () => {
  it('that are off already are seen to be off, with nothing changed in the file', async () => {
    const world = servingApi(turned(env, 'off'))
    expect((await run(world)).result).toMatchObject({ code: 'succeeded' })
    expect(fileOf(world)).toBe(turned(env, 'off'))
    expect(copies(world)).toEqual([])
  })

  it('goes back, to the byte, where the application does not obey', async () => {
    const world = servingApi()
    world.web.answers.set('http://api/reports', [{ status: 200, json: { detail: 'here' } }])
    const { result, before, machine } = await run(world)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('reports (http://api/reports) is not turned off after') },
    })
    const { files, ...rest } = world.state() as { readonly files: { readonly [path: string]: string } }
    expect({ ...rest, files: { [envFile]: files[envFile] } }).toEqual({
      ...before,
      files: { [envFile]: (before['files'] as typeof files)[envFile] },
    })
    expect(copies(world)).toEqual([])
    expect(JSON.stringify(machine.entries)).not.toContain('correct-horse')
  })

  it.each([
    ['is missing', (world: FakeWorld) => world.disk.files.delete(envFile), 'no such file'],
    [
      'is a link',
      (world: FakeWorld) => (world.disk.files.delete(envFile), world.disk.links.set(envFile, '/etc/env')),
      'it is a symbolic link',
    ],
    [
      'sets it twice',
      (world: FakeWorld) => world.disk.files.set(envFile, Buffer.from('EXPORT_MODE=on\nEXPORT_MODE=on\n')),
      'it sets EXPORT_MODE 2 times',
    ],
    [
      'is cut off in a quote',
      (world: FakeWorld) => world.disk.files.set(envFile, Buffer.from('A="x\nEXPORT_MODE=on\n')),
      'unclosed quote in the value of',
    ],
    [
      'is of a service that does not run',
      (world: FakeWorld) => (world.fleet.services.get('api')!.instance!.state = 'stopped'),
      'api is stopped, so the image to recreate it on is unknown',
    ],
  ])('is refused, with nothing touched, where the env file %s', async (_, spoil, says) => {
    const world = servingApi()
    spoil(world)
    const { result, before } = await run(world)
    expect(result).toMatchObject({
      code: 'preflight',
      outcome: 'refused',
      failure: { message: expect.stringContaining(says) },
    })
    expect(world.state()).toEqual(before)
  })

  it('T.12: does not bring back the bad tag of the env file, as a plain `up -d api` does', async () => {
    // Rolled back with an inline IMAGE_TAG: rc1 runs, and the files still name rc2.
    const naive = servingApi()
    naive.fleet.services.get('api')!.declared = 'api:rc2'
    await naive
      .drivers({
        run: 'r',
        step: 's',
        signal: new AbortController().signal,
        output: () => undefined,
        progress: () => undefined,
        spawned: () => undefined,
      })
      .services.up({ stack: api.stack!, names: ['api'] })
    expect(naive.fleet.services.get('api')?.instance?.image).toBe('api:rc2')

    const world = servingApi()
    world.fleet.services.get('api')!.declared = 'api:rc2'
    const { result, before } = await run(world)
    expect(result).toMatchObject({
      code: 'preflight',
      failure: { message: expect.stringContaining("api runs api:rc1, and the stack's files name api:rc2") },
    })
    expect(world.state()).toEqual(before)
  })
})

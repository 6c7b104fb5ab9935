import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/adapters/docker/compose-config.ts'
import { serviceState, type InspectedContainer } from '../../../src/adapters/docker/container-state.ts'
import { byService, labels, type ContainerInfo } from '../../../src/adapters/docker/containers.ts'
import { textOfFrames } from '../../../src/adapters/docker/log-frames.ts'

const inspected = (Status: string, more: Partial<InspectedContainer['State']> = {}): InspectedContainer => ({
  Id: 'c1',
  Image: 'sha256:abc',
  Config: { Image: 'shop:1' },
  State: { Status, StartedAt: '2026-02-03T04:12:33.5Z', ExitCode: 0, OOMKilled: false, ...more },
})

describe('the state of a service', () => {
  test.each([
    [[], 'missing'],
    [['created'], 'stopped'],
    [['exited'], 'stopped'],
    [['dead'], 'stopped'],
    [['removing'], 'stopped'],
    [['running'], 'running'],
    [['paused'], 'paused'],
    [['restarting'], 'restarting'],
    // A service of which one container still runs is not stopped; one of which one is in trouble does not run.
    [['exited', 'running'], 'running'],
    [['running', 'restarting'], 'restarting'],
    [['running', 'paused'], 'paused'],
  ])('with containers that are %s it is %s', (statuses, state) => {
    expect(
      serviceState(
        'web',
        statuses.map((status) => inspected(status)),
      ).state,
    ).toBe(state)
  })

  test.each([
    [['healthy'], 'healthy'],
    [['healthy', 'starting'], 'starting'],
    [['starting', 'unhealthy', 'healthy'], 'unhealthy'],
    [[], 'none'],
  ])('with health checks that say %s it is %s', (healths, health) => {
    expect(
      serviceState(
        'web',
        healths.map((Status) => inspected('running', { Health: { Status } })),
      ).health,
    ).toBe(health)
  })

  test("a stopped container's last health says nothing", () => {
    expect(serviceState('web', [inspected('exited', { Health: { Status: 'healthy' } })]).health).toBe('none')
  })

  test('says how it ended, and whether the memory ran out', () => {
    expect(serviceState('web', [inspected('exited', { ExitCode: 137, OOMKilled: true })]).instances).toEqual([
      {
        id: 'c1',
        image: 'shop:1',
        imageId: 'sha256:abc',
        startedAt: '2026-02-03T04:12:33.5Z',
        exitCode: 137,
        outOfMemory: true,
      },
    ])
    expect(serviceState('web', [inspected('running')]).instances[0]?.exitCode).toBeNull()
    expect(
      serviceState('web', [inspected('created', { StartedAt: '0001-01-01T00:00:00Z' })]).instances[0]
        ?.startedAt,
    ).toBeNull()
  })
})

test('containers go to their services, in the order of their numbers, one-offs to none', () => {
  const found = (Id: string, service: string, number: string, oneOff = 'False'): ContainerInfo =>
    ({
      Id,
      Labels: { [labels.service]: service, [labels.number]: number, [labels.oneOff]: oneOff },
    }) as unknown as ContainerInfo
  const all = [
    found('w2', 'web', '2'),
    found('x', 'web', '1', 'True'),
    found('w10', 'web', '10'),
    found('w1', 'web', '1'),
    found('d', 'db', '1'),
  ]
  const sorted = byService(all, ['web', 'none'])
  expect([...sorted].map(([name, list]) => [name, list.map(({ Id }) => Id)])).toEqual([
    ['web', ['w1', 'w2', 'w10']],
    ['none', []],
  ])
})

describe('a resolved configuration', () => {
  const text = (tag: string) =>
    JSON.stringify({
      services: {
        web: { image: `shop:${tag}` },
        api: { build: { context: '.' } },
        job: { build: {}, image: 'job:1' },
      },
    })

  test('has its services, and a digest that every change changes', () => {
    const config = parseConfig(text('1'), 'shop')
    expect(config.services).toEqual(['api', 'job', 'web'])
    expect(parseConfig(text('1'), 'shop').digest).toBe(config.digest)
    expect(parseConfig(text('2'), 'shop').digest).not.toBe(config.digest)
  })

  test('names the image of what would be built, and of nothing else', () => {
    const config = parseConfig(text('1'), 'shop')
    expect([
      config.builtImage('web'),
      config.builtImage('api'),
      config.builtImage('job'),
      config.builtImage('none'),
    ]).toEqual([null, 'shop-api', 'job:1', null])
  })
})

describe('the frames of a log', () => {
  const frame = (stream: number, body: string): Buffer => {
    const head = Buffer.alloc(8)
    head.writeUInt8(stream, 0)
    head.writeUInt32BE(Buffer.byteLength(body), 4)
    return Buffer.concat([head, Buffer.from(body)])
  }

  test('give both streams in order, and half a frame at the end', () => {
    const bytes = Buffer.concat([frame(1, 'out ä\n'), frame(2, 'err\n'), frame(1, ''), frame(1, 'cut off')])
    expect(textOfFrames(bytes)).toBe('out ä\nerr\ncut off')
    expect(textOfFrames(bytes.subarray(0, -4))).toBe('out ä\nerr\ncut')
    expect(textOfFrames(Buffer.from([1, 0, 0]))).toBe('')
    expect(textOfFrames(Buffer.alloc(0))).toBe('')
  })
})

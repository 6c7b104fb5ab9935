import { describe, expect, it } from 'vitest'
import book from '../../runbooks/post-rollback-validation.ts'
import type { Target } from '../../src/model/target.ts'
import {
  Killed,
  fakeMachine,
  type FakeMachine,
  type FakeWorld,
  type FakeAnswer,
} from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { metricNames } from '../../steps/http/check-metrics.ts'
import { nextLevel } from '../../steps/people/escalation.ts'
import { scanned } from '../../steps/services/scan-logs.ts'
import { api, servingApi, token } from './fake-api.ts'

const receiptsFile = '/artifacts/_/notices.jsonl'
const report = (world: FakeWorld): string =>
  Buffer.from(world.disk.files.get('/artifacts/checklist.md') ?? []).toString()

provesItself({
  name: 'post-rollback-validation',
  book,
  target: api,
  params: {},
  records: ['/artifacts/checklist.md'],
  world: () => servingApi(),
  succeeded: (world) => {
    expect(report(world)).toContain('| succeeded |')
    expect(world.web.asked.filter(({ bearer }) => bearer !== null)).toEqual([
      { url: 'http://api/metrics', bearer: token },
    ])
  },
})

const hooks: Target = {
  ...api,
  operators: {
    ...api.operators!,
    announce: {
      url: { secret: 'CHAT', from: { env: 'CHAT' } },
      bearer: null,
      body: { text: '{text}', link: ['{run}', '{who}'] },
      reference: null,
      timeoutSeconds: 1,
    },
    ticket: {
      url: 'http://tracker/issues',
      bearer: { secret: 'TRACKER', from: { env: 'TRACKER' } },
      body: { fields: { summary: '{text}' } },
      reference: 'issue.key',
      timeoutSeconds: 1,
    },
  },
}
const chat = 'http://chat/hook/canary-part'

function hooked(): FakeWorld {
  const world = servingApi()
  world.person = { ...world.person, answers: {} }
  world.environment.set('CHAT', chat).set('TRACKER', 'tracker-canary')
  world.web.answers
    .set(chat, [{ status: 200, text: 'ok' }])
    .set('http://tracker/issues', [{ status: 201, json: { issue: { key: 'OPS-7' } } }])
  return world
}

provesItself({
  name: 'post-rollback-validation by webhooks',
  book,
  target: hooks,
  params: {},
  records: ['/artifacts/checklist.md', receiptsFile],
  world: hooked,
  dated: (path) => path === receiptsFile,
  succeeded: ({ web: { posted } }) =>
    expect(posted.map(({ url, body }) => [url, body])).toEqual([
      [
        chat,
        { text: 'The rollback of API is complete (api).', link: [expect.stringMatching(/\d/), '{who}'] },
      ],
      ['http://tracker/issues', { fields: { summary: 'Forward fix after the rollback of API (api).' } }],
    ]),
})

describe('news by webhook', () => {
  const machineOf = (world: FakeWorld) => fakeMachine(world, { book, target: hooks })
  const told = ({ entries, events }: FakeMachine): string => JSON.stringify([entries, events])

  it('leave a receipt and the number of the ticket, and no secret', async () => {
    const machine = machineOf(hooked())
    expect((await machine.run()).code).toBe('succeeded')
    expect(told(machine)).toContain('"reference":"OPS-7"')
    expect(told(machine)).not.toMatch(/canary/)
  })

  it('are posted again under the same key where the answer came and the receipt did not, and not again after it', async () => {
    const world = hooked()
    const machine = machineOf(world)
    world.faults.order('http.post done', 'kill')
    await expect(machine.run()).rejects.toBeInstanceOf(Killed)
    expect((await machine.resume()).code).toBe('succeeded')
    // Besides, that the run was found killed.
    const notices = world.web.posted.filter(({ key }) => !key.includes('/killed-'))
    expect(world.web.posted.length).toBe(notices.length + 1)
    expect(notices.map(({ url }) => url)).toEqual([chat, chat, 'http://tracker/issues'])
    expect(new Set(notices.map(({ key }) => key)).size).toBe(2)
  })

  it('that nobody takes leave the run to a person, and go out when it is resumed', async () => {
    const world = hooked()
    world.web.answers.set(chat, [{ status: 500, text: 'no' }])
    const machine = machineOf(world)
    expect(await machine.run()).toMatchObject({
      outcome: 'needs-human',
      failure: {
        message: expect.stringContaining('the webhook CHAT answered 500 to the notice announce: "no"'),
      },
    })
    world.web.answers.set(chat, [{ status: 200 }])
    expect((await machine.resume()).code).toBe('succeeded')
  })

  it('are refused before anything where a secret of theirs is nowhere', async () => {
    const world = hooked()
    world.environment.delete('CHAT')
    expect(await machineOf(world).run()).toMatchObject({
      code: 'preflight',
      failure: { message: expect.stringContaining('secret CHAT of the webhook for announce not found') },
    })
    expect(world.web.asked).toEqual([])
  })
})

const run = async (spoil: (world: FakeWorld) => unknown) => {
  const world = servingApi()
  spoil(world)
  const machine = fakeMachine(world, { book, target: api })
  return { machine, result: await machine.run() }
}
const answers = (world: FakeWorld, url: string, answer: FakeAnswer) => world.web.answers.set(url, [answer])

describe('post-rollback-validation', () => {
  it('records who announced it and which ticket it was, and never the token', async () => {
    const { machine, result } = await run(() => undefined)
    expect(result.code).toBe('succeeded')
    const told = JSON.stringify([machine.entries, machine.events])
    expect(told).toContain('API-42')
    expect(told).toContain('Announce in #incident that the rollback is complete.')
    expect(told).not.toContain(token)
  })

  it.each([
    [
      'readiness lacks a field',
      (world: FakeWorld) => answers(world, 'http://api/readyz', { status: 200, json: { db: false } }),
      'readiness was not healthy',
    ],
    [
      'the token is refused',
      (world: FakeWorld) => answers(world, 'http://api/metrics', { status: 401 }),
      'rejected the bearer token (401)',
    ],
    [
      'a metric is missing',
      (world: FakeWorld) => answers(world, 'http://api/metrics', { status: 200, text: 'up 1\n' }),
      'metrics not found at http://api/metrics: api_requests_total',
    ],
    [
      'what answers is no metrics',
      (world: FakeWorld) => answers(world, 'http://api/metrics', { status: 200, text: '<html>' }),
      'no metrics found at http://api/metrics',
    ],
    [
      'the token comes back in the answer',
      (world: FakeWorld) =>
        answers(world, 'http://api/metrics', { status: 302, redirect: `http://evil/${token}` }),
      'redirected to another host',
    ],
    [
      'the logs have errors',
      (world: FakeWorld) =>
        (world.fleet.services.get('jobs')!.log = 'ERROR the error budget is fine\nERROR no room\n'),
      '1 lines of errors: jobs | ERROR no room',
    ],
  ])('fails where %s, and says who is next', async (_, spoil, says) => {
    const { machine, result } = await run(spoil)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining(says) },
    })
    expect(machine.events).toContainEqual(
      expect.objectContaining({ type: 'note', line: 'Next: Wake the engineer (on-call: call 112)' }),
    )
    expect(JSON.stringify([machine.entries, machine.events])).not.toContain(token)
  })

  it('is refused where the token is nowhere, or a duty has no answer', async () => {
    const { result } = await run(
      (world) => (
        world.environment.clear(),
        (world.person = { ...world.person, answers: { ticket: 'skip: none needed' } })
      ),
    )
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(result.failure?.message).toContain('METRICS_TOKEN')
    expect(result.failure?.message).toContain('the duty announce')
    expect(result.failure?.message).not.toContain('the duty ticket')
  })
})

it('metrics are told by their names, in the text format', () => {
  expect(
    metricNames('# HELP a x\na 1\na{b="c d"} 2 3\nns:rate_5m NaN\n{no="name"} 1\nbad-name 1\nempty\n'),
  ).toEqual(['a', 'ns:rate_5m'])
})

it('lines are counted once for each pattern, cut, and inert', () => {
  const patterns = [
    { name: 'errors', pattern: 'error', atMost: 0 },
    { name: 'any', pattern: '.', atMost: 9 },
  ]
  const { lines, patterns: found } = scanned(
    `api | Error error \u001b[2J${'x'.repeat(5000)}\napi | error budget\n\nfine\n`,
    { patterns, ignore: ['budget'] },
  )
  expect(lines).toBe(3)
  expect(found.map(({ name, lines }) => [name, lines])).toEqual([
    ['errors', 1],
    ['any', 2],
  ])
  expect(found[0]?.first[0]).toHaveLength(200)
  expect(found[0]?.first[0]).not.toContain('\u001b')
})

it.each([
  ['nobody.ts', 'one'],
  ['first', 'two (dba: call)'],
  ['second', 'three'],
  ['last', null],
])('after %s fails, %s is next', (name, next) => {
  const levels = [
    { what: 'one', runbooks: ['first'], who: null },
    { what: 'two', runbooks: ['second'], who: 'dba' },
    { what: 'three', runbooks: ['last'], who: null },
  ]
  expect(nextLevel(name, levels, [{ role: 'dba', reach: 'call' }])).toBe(next)
})

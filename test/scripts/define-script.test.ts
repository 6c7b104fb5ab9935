import { describe, expect, test } from 'vitest'
import { defineScript, runbook, type ScriptStep, type TargetName } from '../../src/index.ts'
import { sourceOf } from '../../src/model/step-source.ts'
import { everyMoment, fakeMachine, fakeWorld, type FakeMachine } from '../../src/testing/index.ts'

type Input = { readonly folder: string }
type Before = { readonly state: string }

/** A queue of the team: `queue state`, `queue pause` and `queue go`. */
const pausing: ScriptStep<Input, { readonly said: string }, Before> = {
  kind: 'test.pause-queue',
  version: 1,
  describe: () => 'Pauses the queue.',
  place: ({ folder }) => ({ directory: folder }),
  survey: async ({ $ }) => ({ state: (await $.look`queue state`).stdout.trim() }),
  predict: ({ before }) => ({ output: null, changes: [`the queue was ${before?.state ?? 'not asked'}`] }),
  run: async ({ $ }) => {
    await $`queue pause`
    return { said: (await $.look`queue state`).stdout.trim() }
  },
  probe: async ({ $, before, way }) => {
    const state = (await $.look`queue state`).stdout.trim()
    if (way === 'back')
      return state === before.state ? { is: 'absent' } : { is: 'done', output: { said: state } }
    return state === 'paused' ? { is: 'done', output: { said: state } } : { is: 'absent' }
  },
  undo: async ({ $, before }) => {
    if (before.state !== 'paused') await $`queue go`
  },
}

const queue = '/srv/queue'

function machine(step: ScriptStep<Input, { readonly said: string }, Before>, answer?: string): FakeMachine {
  const world = fakeWorld({})
  world.disk.folders.add('/srv')
  world.disk.files.set(queue, Buffer.from('going'))
  world.programs.installed.set('bash', {
    version: '5.2',
    run: ({ argv }) => {
      const line = (argv[2] ?? '').replace('set -euo pipefail;', '')
      if (line === 'queue pause') world.disk.files.set(queue, Buffer.from('paused'))
      else if (line === 'queue go') world.disk.files.set(queue, Buffer.from('going'))
      else if (line !== 'queue state') return { exitCode: 127, stderr: `bash: ${line}: command not found\n` }
      return { exitCode: 0, output: answer ?? Buffer.from(world.disk.files.get(queue) ?? '').toString() }
    },
  })
  const book = runbook(
    'pause-queue',
    { title: 'Pause the queue', when: 'A test says so.', needs: [], params: {} },
    ({ step: record }) => void record('Pause the queue', defineScript(step)({ folder: '/srv' })),
  )
  return fakeMachine(world, {
    book,
    target: {
      name: 'shop' as TargetName,
      title: 'Shop',
      objectives: { rtoSeconds: null, rpoSeconds: null },
      settings: {},
    },
  })
}

const lines = ({ world }: FakeMachine): readonly string[] =>
  world.programs.calls.map(({ argv }) => (argv[2] ?? '').replace('set -euo pipefail;', ''))

test('surveys, runs and probes like every step', async () => {
  const calm = machine(pausing)
  expect(await calm.run()).toMatchObject({ outcome: 'succeeded' })
  expect(lines(calm)).toEqual(['queue state', 'queue state', 'queue pause', 'queue state', 'queue state'])
  expect(calm.entries.find(({ entry }) => entry.type === 'ended')?.entry).toMatchObject({
    output: { said: 'paused' },
  })
})

test('a dry run runs only what looks', async () => {
  const dry = machine(pausing)
  await dry.dryRun()
  expect(new Set(lines(dry))).toEqual(new Set(['queue state']))
  expect(dry.world.faults.reached).not.toContain('commands.script')
})

test('every moment can fail and can be the last', async () => {
  const moments = await everyMoment(() => machine(pausing))
  expect(moments).toContain('commands.script')
  expect(moments).toContain('commands.script done')
}, 180_000)

test('a command that fails fails the step, with its last line', async () => {
  const broken = machine({ ...pausing, run: async ({ $ }) => ({ said: (await $`queue stop`).stdout }) })
  expect(await broken.run()).toMatchObject({
    outcome: 'rolled-back',
    failure: {
      message: 'a command of the script ended with exit code 127: bash: queue stop: command not found',
    },
  })
})

test('a failure that a script catches is its own affair, one of the engine is not', async () => {
  const caught = machine({
    ...pausing,
    run: async ({ $ }) => {
      await $`queue stop`.nothrow()
      await $`queue pause`
      return { said: 'paused' }
    },
  })
  expect(await caught.run()).toMatchObject({ outcome: 'succeeded' })
  const faulty = machine({
    ...pausing,
    run: async ({ $ }) => {
      await $`queue pause`.nothrow().catch(() => undefined)
      return { said: 'paused' }
    },
  })
  faulty.world.faults.order('commands.script', 'fail')
  expect(await faulty.run()).toMatchObject({
    outcome: 'rolled-back',
    failure: { message: expect.stringContaining('failure ordered by the test') },
  })
})

test('a command that acts is refused where only looks are allowed, in code that no compiler has checked', async () => {
  const untyped = {
    ...pausing,
    survey: ({ $ }: { readonly $: unknown }) =>
      ($ as (pieces: TemplateStringsArray) => Promise<never>)`queue pause`,
  }
  const wrong = machine(untyped)
  const { failure } = await wrong.run()
  expect(failure).toMatchObject({
    message: 'survey and probe of a script step may run only commands that look',
    hint: expect.stringContaining('$.look'),
  })
  expect(lines(wrong)).toEqual([])
})

test('a draft is planned, and refused before a run begins', async () => {
  const { probe: _, undo: __, ...unproven } = pausing
  const draft = machine({ ...unproven, draft: true } as typeof pausing)
  expect(await draft.run()).toMatchObject({
    outcome: 'refused',
    code: 'preflight',
    failure: { message: expect.stringContaining('nobody has written how its effect is seen and undone') },
  })
  expect(lines(draft)).not.toContain('queue pause')
  const [opened] = draft.entries
  expect(JSON.stringify(opened)).toContain('A draft: runs are refused until somebody has written')
})

test('without bash it is refused before a run begins', async () => {
  const bare = machine(pausing)
  bare.world.programs.installed.delete('bash')
  expect(await bare.run()).toMatchObject({ outcome: 'refused', code: 'preflight' })
})

describe('the definition', () => {
  test('has a place, and a probe unless it is a draft', () => {
    expect(() => defineScript({ ...pausing, place: undefined } as never)).toThrow(
      'the step test.pause-queue has no place',
    )
    expect(() => defineScript({ ...pausing, probe: undefined } as never)).toThrow(
      'the step test.pause-queue has no probe',
    )
  })

  test('a change of its code is a change of the step', () => {
    const digest = (script: typeof pausing): string => sourceOf(defineScript(script).step).digest
    expect(digest({ ...pausing, run: async () => ({ said: 'paused' }) })).not.toBe(digest(pausing))
    expect(digest({ ...pausing })).toBe(digest(pausing))
  })
})

import { describe, expect, test } from 'vitest'
import { defineScript, runbook, type ScriptStep, type TargetName } from '../../src/index.ts'
import { planOf } from '../../src/model/plan.ts'
import { effectOf } from '../../src/views/outline.ts'
import { sourceOf } from '../../src/model/step-source.ts'
import {
  everyMoment,
  fakeMachine,
  fakeWorld,
  Killed,
  targetOf,
  type FakeMachine,
} from '../../src/testing/index.ts'

type Input = { readonly folder: string }
type Before = { readonly state: string }

type Said = { readonly said: string }
/** That of a step which changes something. */
type Changing = Exclude<ScriptStep<Input, Said, Before>, { readonly effect: 'observe' | 'exercise' }>

/** A queue of the team: `queue state`, `queue pause` and `queue go`. */
const pausing: Changing = {
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

type Scripted = ReturnType<typeof defineScript<Input, Said>>

const machine = (step: Changing, answer?: string): FakeMachine => machineOf(defineScript(step), answer)

function machineOf(scripted: Scripted, answer?: string): FakeMachine {
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
    ({ step: record }) => void record('Pause the queue', scripted({ folder: '/srv' })),
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
    failure: {
      message: expect.stringContaining(
        'nobody has written how the effect of test.pause-queue is seen and undone',
      ),
    },
  })
  expect(lines(draft)).not.toContain('queue pause')
  const [opened] = draft.entries
  expect(JSON.stringify(opened)).toContain('A draft: runs are refused until somebody has written')
})

test('all drafts of a runbook are named at once, and none of them is said to be undone', async () => {
  const { probe: _, undo: __, ...unproven } = pausing
  const drafts = ['test.pause-queue', 'test.drop-queue', 'test.sweep-queue'].map((kind) =>
    defineScript({ ...unproven, kind, draft: true } as typeof pausing),
  )
  const book = runbook(
    'drafts',
    { title: 'Drafts', when: 'A test says so.', needs: [], params: {} },
    ({ step: record }) =>
      drafts.forEach((draft, at) => void record(`Draft ${at}`, draft({ folder: '/srv' }))),
  )
  const { world } = machineOf(defineScript(pausing))
  const target = targetOf({ targets: { shop: { stack: { kind: 'compose', project: 'shop' } } } }, 'shop')
  const whole = fakeMachine(world, { book, target })
  const { plan } = planOf(book, target, {})
  expect(plan.steps.map((one) => one.reversal)).toEqual(['not written', 'not written', 'not written'])
  expect(plan.steps.map(effectOf)).toEqual(Array(3).fill('changes; a draft, without an undo so far'))
  for (const start of [() => whole.run(), () => whole.dryRun()]) {
    await start()
    const found = whole.entries.findLast(({ entry }) => entry.type === 'preflighted')?.entry
    expect(found).toMatchObject({ refusals: 3 })
  }
})

test('without bash it is refused before a run begins', async () => {
  const bare = machine(pausing)
  bare.world.programs.installed.delete('bash')
  expect(await bare.run()).toMatchObject({ outcome: 'refused', code: 'preflight' })
})

describe('a script that only looks', () => {
  const asking: Extract<ScriptStep<Input, Said, null>, { readonly effect: 'observe' }> = {
    kind: 'test.ask-queue',
    version: 1,
    effect: 'observe',
    describe: () => 'Asks the queue.',
    place: ({ folder }) => ({ directory: folder }),
    run: async ({ $ }) => ({ said: (await $.look`queue state`).stdout.trim() }),
  }

  const refused: typeof asking.run = async ({ $ }) => ($ as unknown as () => never)()

  test('runs, in a dry run too, and may only look', async () => {
    const calm = machineOf(defineScript(asking))
    expect(await calm.run()).toMatchObject({ outcome: 'succeeded' })
    expect(lines(calm)).toEqual(['queue state'])
    expect(calm.entries.find(({ entry }) => entry.type === 'ended')?.entry).toMatchObject({
      output: { said: 'going' },
    })
    const dry = machineOf(defineScript(asking))
    await dry.dryRun()
    expect(lines(dry)).toEqual(['queue state'])
    const wrong = machineOf(defineScript({ ...asking, run: refused }))
    expect((await wrong.run()).failure?.message).toContain('may run only commands that look')
  })

  test('is safe at every moment', async () => {
    expect(await everyMoment(() => machineOf(defineScript(asking)))).toContain('commands.looking')
  }, 60_000)
})

describe('a script that removes again what it does', () => {
  const trying: Extract<ScriptStep<Input, Said, null>, { readonly effect: 'exercise' }> = {
    kind: 'test.try-queue',
    version: 1,
    effect: 'exercise',
    describe: () => 'Pauses the queue and lets it go on.',
    place: ({ folder }) => ({ directory: folder }),
    run: async ({ $ }) => {
      await $`queue pause`
      const { stdout } = await $.look`queue state`
      await $`queue go`
      return { said: stdout.trim() }
    },
  }

  test('runs, is neither probed nor undone, and does nothing in a dry run', async () => {
    const calm = machineOf(defineScript(trying))
    expect(await calm.run()).toMatchObject({ outcome: 'succeeded' })
    expect(lines(calm)).toEqual(['queue pause', 'queue state', 'queue go'])
    const dry = machineOf(defineScript(trying))
    await dry.dryRun()
    expect(lines(dry)).toEqual([])
  })

  const stopping: typeof trying.run = async ({ $ }) => ({ said: (await $`queue stop`).stdout })

  test('is run again after a kill, and fails with its command', async () => {
    const killed = machineOf(defineScript(trying))
    killed.world.faults.order('commands.script done', 'kill')
    await expect(killed.run()).rejects.toBeInstanceOf(Killed)
    expect(await killed.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(lines(killed)).toEqual(['queue pause', 'queue pause', 'queue state', 'queue go'])
    const failing = machineOf(defineScript({ ...trying, run: stopping }))
    expect((await failing.run()).failure?.message).toContain('exit code 127')
  })

  test('needs bash and a place', async () => {
    const bare = machineOf(defineScript(trying))
    bare.world.programs.installed.delete('bash')
    expect(await bare.run()).toMatchObject({ outcome: 'refused', code: 'preflight' })
    expect(() => defineScript({ ...trying, place: undefined } as never)).toThrow('has no place')
  })

  test('a change of its code is a change of the step', () => {
    const digest = (script: typeof trying): string => sourceOf(defineScript(script).step).digest
    expect(digest({ ...trying, run: async () => ({ said: '' }) })).not.toBe(digest(trying))
  })
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

import { describe, expect, it } from 'vitest'
import { defineStep } from '../../src/model/step.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { Killed } from '../../src/testing/index.ts'
import { bench, fail, look, put, putting, type Bench } from './bench.ts'

const canary = 'canary-4f1c9a-secret'
const spellings = [
  canary,
  Buffer.from(canary).toString('base64'),
  Buffer.from(canary).toString('hex'),
  encodeURIComponent(canary),
]

/** A run on which every way out of the program carries a secret. */
function leaky(how: 'succeeds' | 'fails' | 'hangs' | 'is refused'): Bench {
  const one = bench(({ step, lastly }) => {
    step('Reveal', reveal({}))
    step(
      'Loud',
      put('/a', 'new', {
        survey: async (at, input) => (
          at.note(`survey ${canary}`),
          { ...(await putting.survey(at, input)), seen: canary }
        ),
        predict: ({ input }) => ({
          output: { path: canary, text: String(input.text) },
          changes: [`changes ${canary}`],
        }),
        run: async (io, act) => {
          io.note(`run ${canary} ${spellings.join(' ')}`)
          await io.commands.run({ argv: ['shout'], directory: '/', environment: {}, secrets: {} })
          return { ...(await putting.run(io, act)), [canary]: canary }
        },
        probe: async (at, act) => {
          const found = await putting.probe(at, act)
          return found.is === 'done' ? { ...found, output: { ...found.output, [canary]: [canary] } } : found
        },
      }),
    )
    step(
      'Ends',
      look(
        async (at) => {
          if (how === 'fails')
            throw new RunbookError('failed', `could not ${canary}`, {
              hint: `do ${canary}`,
              cause: new Error(canary),
            })
          if (how === 'hangs') await new Promise(() => undefined)
          return { of: at.run.id, is: canary }
        },
        how === 'is refused'
          ? {
              preflight: async () => [
                { level: 'refuse', about: canary, problem: `no ${canary}`, hint: canary },
              ],
            }
          : {},
      ),
      { timeoutSeconds: 5 },
    )
    lastly(
      'Tell',
      look(async (at) => (at.note(`told ${canary}`), fail(`no paper for ${canary}`))),
    )
  })
  one.world.environment.set('CANARY', canary)
  one.world.programs.installed.set('shout', {
    version: '1',
    run: () => ({ exitCode: 0, output: spellings.join('\n') }),
  })
  return one
}

const reveal = defineStep<Record<string, never>, null>({
  kind: 'bench.reveal',
  version: 1,
  effect: 'exercise',
  describe: () => 'Reveals it.',
  run: async (io) => {
    await io.secrets.reveal({ secret: 'canary', from: { env: 'CANARY' } })
    return null
  },
})

function everything(one: Bench, more: unknown): string {
  const { journal, evidence, events } = one.machine
  const files = [...evidence.folders.values()].flatMap((folder) =>
    [...folder.values()].map((bytes) => Buffer.from(bytes).toString()),
  )
  const shown = events.map((event) =>
    event.type === 'output' ? Buffer.from(event.chunk).toString() : JSON.stringify(event),
  )
  return [
    JSON.stringify(journal.entries),
    ...files,
    ...shown,
    JSON.stringify(more),
    more instanceof Error ? String(more.stack) : '',
  ].join('\n')
}

function expectNone(text: string): void {
  for (const spelling of spellings) expect(text.split(spelling).length - 1, spelling).toBe(0)
  expect(text).toContain('[redacted:canary]')
}

describe('a secret', () => {
  it.each(['succeeds', 'fails', 'hangs'] as const)('is on no way out of a run that %s', async (how) => {
    const one = leaky(how)
    const result = await one.machine.run()
    expectNone(everything(one, result))
    if (how !== 'hangs') expect(result.failure?.message).toContain('[redacted:canary]')
  })

  it('is on none where it was known before the looks ahead, and they tell it', async () => {
    const one = leaky('is refused')
    one.world.redactor.add(new Secret('canary', canary))
    const result = await one.machine.run()
    expect(result).toMatchObject({ code: 'preflight' })
    expectNone(everything(one, result))
    const dry = await one.machine.dryRun()
    expectNone(everything(one, dry))
  })

  it('is on none of a run that is killed and taken up', async () => {
    const one = leaky('succeeds')
    one.world.faults.order('files.write done', 'kill')
    await expect(one.machine.run()).rejects.toBeInstanceOf(Killed)
    expectNone(everything(one, await one.machine.resume()))
  })

  it('is on none where the journal fails over it', async () => {
    const one = leaky('succeeds')
    one.machine.journal.beforeAppend = (_, entry) => {
      if (entry.type === 'ended' && entry.step === 'loud')
        throw new RunbookError('journal', `could not write ${canary}`)
    }
    const result = await one.machine.run()
    expect(result).toMatchObject({ code: 'journal', outcome: 'open' })
    expectNone(everything(one, result))
  })

  it('is masked where it is split over two pieces of output', async () => {
    const one = bench(({ step }) => {
      step('Reveal', reveal({}))
      step(
        'Split',
        look(async () => null),
      )
    })
    one.world.environment.set('CANARY', canary)
    const { drivers } = one.world
    one.world.drivers = (scope) => {
      if (scope.step === 'split')
        for (const piece of ['before ', canary.slice(0, 7), canary.slice(7), ' after'])
          scope.output(Buffer.from(piece))
      return drivers(scope)
    }
    await one.machine.run()
    const shown = one.machine.events
      .flatMap((event) => (event.type === 'output' ? [Buffer.from(event.chunk).toString()] : []))
      .join('')
    expect(shown).toContain('before [redacted:canary] after')
  })
})

it('the mask of a pretended world is the real one', () => {
  expect(
    bench(
      ({ step }) =>
        void step(
          'One',
          look(async () => null),
        ),
    ).world.redactor,
  ).toBeInstanceOf(Redactor)
})

describe('a secret in a plan', () => {
  const withSecret = (value: string, name: string): Bench => {
    const one = bench(({ step }) => {
      step('Reveal', reveal({}))
      step('Put', put('/a', `token ${value}`), { id: name })
    })
    one.world.environment.set('CANARY', value)
    one.world.redactor.add(new Secret('canary', value))
    return one
  }

  it('is masked in an input, which the step and its undo get as it is', async () => {
    const one = withSecret(canary, 'put')
    one.world.faults.order('files.write done', 'kill')
    await expect(one.machine.run()).rejects.toBeInstanceOf(Killed)
    expect((await one.machine.rollback()).outcome).toBe('rolled-back')
    expectNone(everything(one, null))
    expect(Buffer.from(one.world.disk.files.get('/a') ?? []).toString()).toBe('old')
    const again = withSecret(canary, 'put')
    await again.machine.run()
    expect(Buffer.from(again.world.disk.files.get('/a') ?? []).toString()).toBe(`token ${canary}`)
  })

  it('is refused where it would change what the run does, and nothing is written', async () => {
    const one = withSecret(canary, canary)
    await expect(one.machine.run()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('steps.1.id contains the value of secret canary'),
    })
    expect(one.machine.journal.entries).toEqual([])
    expect(one.machine.evidence.folders.size).toBe(0)
  })

  it('is not masked as an ordinary word of the plan, which is a warning', async () => {
    const one = withSecret('postgres', 'restore-postgres')
    const result = await one.machine.run()
    expect(result).toMatchObject({ code: 'succeeded' })
    expect(JSON.stringify(one.machine.entries)).toContain(
      'secret canary is not masked: its value is an ordinary word',
    )
    expect(Buffer.from(one.world.disk.files.get('/a') ?? []).toString()).toBe('token postgres')
  })
})

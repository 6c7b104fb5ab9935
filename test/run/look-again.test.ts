import { describe, expect, it } from 'vitest'
import { defineStep } from '../../src/model/step.ts'
import { Killed } from '../../src/testing/index.ts'
import { bench, ended, look, put, told, type Bench, type Loose } from './bench.ts'

const ask = defineStep<{ readonly showing: string }, string>({
  kind: 'bench.ask',
  version: 1,
  effect: 'decide',
  describe: () => 'Asks.',
  run: async (at, { showing }) =>
    (await at.people.ask({ text: 'Go on?', phrase: null, showing: { showing }, acceptsEnvironment: false }))
      .text,
})

type Steps = Pick<Loose, 'step'>
const reading = (path: string) =>
  look(async (at) => new TextDecoder().decode(await at.files.read(path, 1e6)), { lookAgain: true }) as never

/** What the person is shown was derived from another look, as a comparison of rows is. */
const compared = ({ step }: Steps, text: never): never =>
  step(
    'Compare',
    look(async (_at, input) => `compared ${String(input.text)}`, { lookAgain: true }, { text }),
  ) as never

const asking = ({ world }: Bench): void => {
  world.person = { ...world.person, atTerminal: true, types: ['yes', 'yes', 'yes'] }
}

/** The run is killed while it asks, and the file changes before somebody resumes. */
async function killedWhileAsking(record: (script: Loose) => void): Promise<Bench> {
  const whole = bench(record)
  asking(whole)
  await whole.machine.run()
  const made = bench(record)
  asking(made)
  made.world.faults.killAfter(whole.world.faults.reached.indexOf('people.ask'))
  await expect(made.machine.run()).rejects.toThrow(Killed)
  expect(told(made.machine).at(-1)).toBe('intent ask 1')
  made.world.disk.files.set('/a', new TextEncoder().encode('changed'))
  return made
}

const lastIntent = ({ machine }: Bench, step: string): unknown =>
  machine.entries.findLast(({ entry }) => entry.type === 'intent' && entry.step === step)?.entry

describe('a decision that a later process asks', () => {
  it('shows what is true now', async () => {
    const made = await killedWhileAsking((script) => {
      const seen = script.step('Read', reading('/a')) as never
      script.step('Ask', ask({ showing: compared(script, seen) }))
    })
    expect(await made.machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(lastIntent(made, 'ask')).toMatchObject({ input: { showing: 'compared changed' } })
    expect(told(made.machine).slice(-11)).toMatchInlineSnapshot(`
      [
        "ended compare done",
        "intent ask 1",
        "resumed",
        "intent read 2",
        "ended read done",
        "intent compare 2",
        "ended compare done",
        "intent ask 2",
        "ended ask done",
        "settled succeeded",
        "sealed",
      ]
    `)
  })

  it('leaves alone what something was done on, and what that rests on', async () => {
    const made = await killedWhileAsking((script) => {
      const seen = script.step('Read', reading('/a')) as never
      const shown = compared(script, seen)
      script.step('Write', put('/b', shown))
      script.step('Ask', ask({ showing: shown }))
    })
    expect(await made.machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(lastIntent(made, 'ask')).toMatchObject({ input: { showing: 'compared old' } })
  })

  it('leaves alone what only looks once, such as the choice of a backup', async () => {
    const made = await killedWhileAsking(({ step }) => {
      const chosen = step(
        'Choose',
        look(async (at) => new TextDecoder().decode(await at.files.read('/a', 1e6))),
      ) as never
      step('Ask', ask({ showing: compared({ step }, chosen) }))
    })
    expect(await made.machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(lastIntent(made, 'ask')).toMatchObject({ input: { showing: 'compared old' } })
    expect(told(made.machine)).not.toContain('intent choose 2')
    expect(told(made.machine)).toContain('intent compare 2')
  })

  it('leaves alone what a branch was chosen on', async () => {
    const made = await killedWhileAsking((script) => {
      const seen = script.step('Read', reading('/a'))
      script.when(
        seen as never,
        {
          old: () => void script.step('Write', put('/b', 'new')),
          changed: () => void script.step('Other', put('/c', 'new')),
        } as never,
      )
      script.step('Ask', ask({ showing: seen as never }))
    })
    expect(await made.machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(lastIntent(made, 'ask')).toMatchObject({ input: { showing: 'old' } })
  })

  it('is not asked where the look fails now', async () => {
    const made = await killedWhileAsking((script) => {
      script.step('Write', put('/b', 'new'))
      const seen = script.step('Read', reading('/a')) as never
      script.step('Ask', ask({ showing: seen }))
    })
    made.world.disk.files.delete('/a')
    expect(await made.machine.resume()).toMatchObject({ outcome: 'rolled-back' })
    expect(ended(made.machine, 'ask')).toBeUndefined()
  })

  it('is right after a second kill, whenever it comes', async () => {
    const record = (script: Loose): void => {
      const seen = script.step('Read', reading('/a')) as never
      script.step('Ask', ask({ showing: compared(script, seen) }))
    }
    const whole = await killedWhileAsking(record)
    const from = whole.world.faults.reached.length
    await whole.machine.resume()
    const moments = whole.world.faults.reached.length - from
    expect(moments).toBeGreaterThan(8)
    for (let moment = 0; moment < moments; moment += 1) {
      const made = await killedWhileAsking(record)
      made.world.faults.killAfter(from + moment)
      await made.machine.resume().catch((thrown: unknown) => expect(thrown).toBeInstanceOf(Killed))
      const after = await made.machine.resume().catch((thrown: unknown) => thrown)
      const { entry } = made.machine.entries.findLast(({ entry: { type } }) => type === 'settled') ?? {}
      expect(entry, `killed at moment ${moment}: ${String(after)}`).toMatchObject({ outcome: 'succeeded' })
      expect(lastIntent(made, 'ask')).toMatchObject({ input: { showing: 'compared changed' } })
    }
  })

  it('shows no look twice that the same process made', async () => {
    const made = bench((script) => {
      const seen = script.step('Read', reading('/a')) as never
      script.step('Ask', ask({ showing: compared(script, seen) }))
    })
    asking(made)
    await made.machine.run()
    expect(told(made.machine).filter((line) => line.startsWith('intent'))).toEqual([
      'intent read 1',
      'intent compare 1',
      'intent ask 1',
    ])
  })
})

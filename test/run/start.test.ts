import { describe, expect, it } from 'vitest'
import { RunbookError } from '../../src/kernel/errors.ts'
import { planOf } from '../../src/model/plan.ts'
import { resume } from '../../src/run/resume.ts'
import { Killed, fakeMachine, type FakeMachine } from '../../src/testing/index.ts'
import { bench, bookOf, fail, look, put, putting, target, textOf, told, type Loose } from './bench.ts'

const full = (entry: string): RunbookError =>
  new RunbookError('preflight', `could not write ${entry}: no space is left`)
const two = ({ step }: Loose): void => {
  step('First', put('/a', 'new'))
  step('Second', put('/b', 'new'))
}
const sealedAgain = (machine: FakeMachine): number => told(machine).filter((line) => line === 'sealed').length

describe('one system', () => {
  it('is held by one run at a time, and refuses others while a run on it is open', async () => {
    const { machine, world } = bench(({ step }) => {
      step(
        'First',
        put('/a', 'new', {
          run: async (io, act) => (
            seen.push(await other.run().catch((thrown: unknown) => thrown)),
            putting.run(io, act)
          ),
        }),
      )
      step(
        'Second',
        look(async () => {
          machine.stop.ask('SIGINT')
          return null
        }),
      )
      step(
        'Third',
        look(async () => null),
      )
    })
    const seen: unknown[] = []
    const other = fakeMachine(world, { book: bookOf(two), target, journal: machine.journal })
    expect(await machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(seen).toMatchObject([
      { code: 'held', message: expect.stringContaining('the target is held by run') as string },
    ])
    await expect(other.run()).rejects.toMatchObject({
      code: 'held',
      message: expect.stringContaining('bench has an open run: ') as string,
      hint: expect.stringContaining('runbook resume') as string,
    })
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(await other.run()).toMatchObject({ code: 'succeeded' })
  })
})

describe('a settled run', () => {
  it('is neither resumed nor undone', async () => {
    const { machine } = bench(two)
    await machine.run()
    await expect(machine.resume()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('settled as succeeded') as string,
    })
    await expect(machine.rollback()).rejects.toMatchObject({ code: 'usage' })
    expect(sealedAgain(machine)).toBe(1)
  })

  it('whose evidence could not be sealed is no success until it is sealed, and only forward', async () => {
    const { machine } = bench(two)
    machine.evidence.faults.seal = true
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      outcome: 'succeeded',
      failure: {
        message: expect.stringContaining('could not be sealed') as string,
        hint: expect.stringContaining('runbook resume') as string,
      },
    })
    await expect(machine.rollback()).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('seal its evidence') as string,
    })
    expect(await machine.resume()).toMatchObject({ code: 'in-doubt' })
    machine.evidence.faults.seal = false
    expect(await machine.resume()).toMatchObject({ code: 'succeeded', outcome: 'succeeded', failure: null })
    expect(told(machine).filter((line) => /^(resumed|settled)/.test(line))).toEqual(['settled succeeded'])
  })

  it('keeps its own failure where its evidence could not be sealed either', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          look(async () => fail('the reason')),
        ),
    )
    machine.evidence.faults.seal = true
    expect(await machine.run()).toMatchObject({
      code: 'failed',
      outcome: 'rolled-back',
      failure: {
        message: expect.stringMatching(
          /rolled-back \(the reason\), but its evidence could not be sealed/,
        ) as string,
      },
    })
  })

  it('with a log that could not be written is no success until it is sealed with that said', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          look(async (at) => (at.note('something'), null)),
        ),
    )
    machine.evidence.faults.log = true
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      outcome: 'succeeded',
      failure: { message: expect.stringContaining('no space is left') as string },
    })
    expect(await machine.resume()).toMatchObject({ code: 'succeeded' })
  })
})

describe('a journal that cannot be written', () => {
  const failing = (entry: string, error: Error, also: (machine: FakeMachine) => void = () => undefined) => {
    const { machine, world } = bench(two)
    let times = 0
    machine.journal.beforeAppend = (_, { type }) => {
      if (type === entry && (times += 1) === 1) {
        also(machine)
        throw error
      }
    }
    return { machine, world }
  }

  it('at the opening: nothing has happened, and there is no run', async () => {
    const { machine } = failing('opened', full('the opening'))
    await expect(machine.run()).rejects.toMatchObject({ code: 'preflight' })
    expect(machine.entries).toEqual([])
    expect([...machine.evidence.folders]).toEqual([])
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
  })

  it.each(['run', 'dry-run'] as const)(
    'at the findings of a %s, for want of room: it is refused, and nothing stays open',
    async (mode) => {
      const { machine, world } = failing('preflighted', full('the findings'))
      expect(await (mode === 'run' ? machine.run() : machine.dryRun())).toMatchObject({
        code: 'preflight',
        outcome: mode === 'run' ? 'refused' : 'foretold',
        failure: { message: expect.stringContaining('no space is left') as string },
      })
      expect(world.faults.reached).not.toContain('files.write')
      expect(told(machine).at(-1)).toBe('sealed')
      expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    },
  )

  it('at the end of a refusal, where not even the space set aside was enough: nothing was touched', async () => {
    const { machine, world } = bench(two)
    machine.journal.beforeAppend = (_, { type }) => {
      if (type === 'preflighted') throw full('the findings')
      if (type === 'settled') throw new RunbookError('in-doubt', 'not even the space set aside was enough')
    }
    expect(await machine.run()).toMatchObject({ code: 'preflight', outcome: 'open' })
    expect(world.faults.reached).not.toContain('files.write')
    machine.journal.beforeAppend = () => undefined
    expect(await machine.resume()).toMatchObject({ code: 'succeeded' })
  })

  it('at an intent behind an effect, for want of room: the effect is undone, and that is what it says', async () => {
    const { machine, world } = bench(two)
    machine.journal.beforeAppend = (_, entry) => {
      if (entry.type === 'intent' && entry.step === 'second') throw full('the intent')
    }
    expect(await machine.run()).toMatchObject({ code: 'failed', outcome: 'rolled-back' })
    expect(textOf(world, '/a')).not.toBe('new')
  })

  it('at an intent, for want of room: the step is not begun, and the run goes back', async () => {
    const { machine, world } = failing('intent', full('the intent'))
    expect(await machine.run()).toMatchObject({
      code: 'preflight',
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('no space is left') as string },
    })
    expect(world.faults.reached).not.toContain('files.write')
    expect(told(machine)).toEqual([
      'opened',
      'preflighted',
      'ended first failed',
      'turned',
      'settled rolled-back',
      'sealed',
    ])
  })

  it.each(['intent', 'ended', 'turned', 'settled'])(
    'at %s, for a reason that tells nothing: nothing more is written, and the run can be taken up',
    async (entry) => {
      const { machine, world } = failing(entry, new RunbookError('journal', 'the disk failed'))
      if (entry === 'turned') world.faults.order('files.write', 'fail', 2)
      const written = machine.entries.length
      const result = await machine.run()
      expect(result).toMatchObject({
        code: 'journal',
        outcome: 'open',
        failure: {
          code: 'journal',
          message: expect.stringContaining(
            'the run stopped, because its journal cannot be written: the disk failed',
          ) as string,
        },
      })
      expect(told(machine).at(-1)).not.toBe('sealed')
      expect(machine.entries.length).toBeGreaterThan(written)
      expect(await machine.resume()).toMatchObject({
        outcome: entry === 'turned' ? 'rolled-back' : 'succeeded',
      })
    },
  )

  it('at an outcome: the step is not taken for failed, and its effect is recovered', async () => {
    const { machine, world } = failing(
      'ended',
      new RunbookError('in-doubt', 'not even the space set aside was enough'),
    )
    expect(await machine.run()).toMatchObject({ code: 'in-doubt', outcome: 'open' })
    expect(textOf(world, '/a')).toBe('new')
    expect(await machine.resume()).toMatchObject({ code: 'succeeded' })
    expect(told(machine)).toContain('ended first recovered')
    expect(world.faults.reached.filter((moment) => moment === 'files.write')).toHaveLength(2)
  })

  it('because somebody else took over: nothing more is begun', async () => {
    const { machine, world } = bench(({ step }) => {
      step('First', put('/a', 'new', { run: async (io, act) => (await seize(), putting.run(io, act)) }))
      step('Second', put('/b', 'new'))
    })
    const seize = async (): Promise<void> => {
      const system = [...machine.journal.systems.keys()][0] ?? ''
      const row = machine.journal.systems.get(system)
      if (row !== undefined) row.epoch += 1
    }
    expect(await machine.run()).toMatchObject({ code: 'held', outcome: 'open' })
    expect([textOf(world, '/a'), textOf(world, '/b')]).toEqual(['new', 'old'])
  })

  it('at a child that was started: the step is ended', async () => {
    const { machine, world } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            run: async (io) => (
              await io.files.makeFolder('/x'),
              await io.clock.sleep(1e6, io.signal),
              fail('not ended')
            ),
          }),
        ),
    )
    const { drivers } = world
    world.drivers = (scope) => {
      const all = drivers(scope)
      return {
        ...all,
        files: {
          ...all.files,
          stat: all.files.stat,
          read: all.files.read,
          makeFolder: async () => scope.spawned({ pid: 1, startTime: 2, argv0: 'x' }),
        },
      }
    }
    machine.journal.beforeAppend = (_, { type }) => {
      if (type === 'spawned') throw new RunbookError('journal', 'the disk failed')
    }
    const began = world.clock.monotonic()
    expect(await machine.run()).toMatchObject({ code: 'journal', outcome: 'open' })
    expect(world.clock.monotonic() - began).toBeLessThan(10_000)
  })
})

describe('a run that is taken up', () => {
  const cut = async (record: (script: Loose) => void, moment: string, time = 1) => {
    const one = bench(record)
    one.world.faults.order(moment, 'kill', time)
    await expect(one.machine.run()).rejects.toBeInstanceOf(Killed)
    return one
  }

  it('first has everything dead that it had started', async () => {
    const { machine, world } = await cut(two, 'files.write')
    const run = machine.entries[0]?.run ?? ''
    world.leftovers.living.set(run, [{ what: 'process', id: '7', step: 'first' }])
    world.leftovers.undying.add('7')
    await expect(machine.resume()).rejects.toMatchObject({ code: 'in-doubt' })
    expect(told(machine)).not.toContain('resumed')
    world.leftovers.undying.clear()
    expect(await machine.resume()).toMatchObject({ code: 'succeeded' })
    expect(machine.entries.find(({ entry }) => entry.type === 'resumed')?.entry).toMatchObject({
      orphans: [{ id: '7' }],
    })
  })

  it('goes back where a step had failed before the kill, and keeps why', async () => {
    const one = await cut(({ step }) => {
      step('First', put('/a', 'new'))
      step(
        'Second',
        look(async () => fail('the reason')),
      )
    }, 'journal.append turned')
    expect(told(one.machine).at(-1)).toBe('ended second failed')
    expect(await one.machine.rollback()).toMatchObject({ outcome: 'rolled-back', code: 'succeeded' })
    expect(one.machine.entries.find(({ entry }) => entry.type === 'turned')?.entry).toMatchObject({
      because: 'requested by nobody',
      failure: { message: 'the reason' },
    })
    const again = await cut(({ step }) => {
      step('First', put('/a', 'new'))
      step(
        'Second',
        look(async () => fail('the reason')),
      )
    }, 'journal.append turned')
    expect(await again.machine.resume()).toMatchObject({
      outcome: 'rolled-back',
      code: 'failed',
      failure: { message: 'the reason' },
    })
  })

  it('tells its end again where it is another end', async () => {
    const lines: string[] = []
    const telling = look(async (at) => (lines.push(at.run.standing.outcome), null))
    const one = await cut(
      ({ step, lastly }) => {
        step('First', put('/a', 'new'))
        lastly('Tell', telling)
        lastly(
          'Then',
          look(async () => null),
        )
      },
      'journal.append intent',
      3,
    )
    expect(lines).toEqual(['succeeded'])
    expect(await one.machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(lines).toEqual(['succeeded', 'rolled-back'])
  })

  it('needs a person where its end could not be told, and tells it when it is taken up', async () => {
    let broken = true
    const { machine, world } = bench(({ step, lastly }) => {
      step('First', put('/a', 'new'))
      lastly(
        'Tell',
        put('/told', 'yes', { run: async (io, act) => (broken ? fail('no paper') : putting.run(io, act)) }),
      )
      lastly('Then', put('/then', 'yes'))
    })
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      outcome: 'needs-human',
      failure: { message: 'no paper' },
    })
    expect(textOf(world, '/then')).toBe('yes')
    broken = false
    expect(await machine.resume()).toMatchObject({ code: 'succeeded', outcome: 'succeeded' })
    expect(textOf(world, '/told')).toBe('yes')
  })

  const again = (
    machine: FakeMachine,
    record: (script: Loose) => void,
    accepted: string | null,
  ): Promise<unknown> =>
    resume(machine.reboot(), {
      run: machine.entries[0]?.run ?? '',
      way: 'forward',
      planned: planOf(bookOf(record), target, {}),
      accepted,
    })

  it('is refused where its runbook is another by now, unless that is accepted', async () => {
    const { machine } = await cut(two, 'journal.append intent', 2)
    const changed = ({ step }: Loose): void => {
      step('First', put('/a', 'new'))
      step('Second', put('/b', 'new', { run: async (io, act) => (io.note('changed'), putting.run(io, act)) }))
    }
    await expect(again(machine, changed, null)).rejects.toMatchObject({ code: 'changed' })
    await expect(
      again(machine, ({ step }) => void step('First', put('/a', 'new')), 'one step less'),
    ).rejects.toMatchObject({
      code: 'changed',
      message: expect.stringMatching(/its step "Second" \(\S+\) is not in the runbook any more$/) as string,
    })
    expect(await again(machine, changed, 'the second step notes something')).toMatchObject({
      code: 'succeeded',
    })
    expect(machine.entries.find(({ entry }) => entry.type === 'resumed')?.entry).toMatchObject({
      accepted: 'the second step notes something',
    })
  })
})

describe('a screen that breaks', () => {
  it('stops nothing', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          look(async (at) => (at.note('x'), at.progress({ done: 1, unit: 'files' }), null)),
        ),
      {
        around: {
          listener: () => {
            throw new Error('EPIPE')
          },
        },
      },
    )
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
  })
})

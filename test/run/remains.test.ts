import { describe, expect, it } from 'vitest'
import { RunbookError } from '../../src/kernel/errors.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { Killed } from '../../src/testing/index.ts'
import { endingText } from '../../src/views/ending.ts'
import { reportOf } from '../../src/views/report.ts'
import { bench, look, put, putting, type Bench } from './bench.ts'

/** A run that fails after a step has changed what no undo takes back. */
const leaving = (code: 'failed' | 'verification', also: 'in its undo' | 'in its run' = 'in its run'): Bench =>
  bench(({ step }) => {
    step(
      'Restore',
      put('/a', 'new', {
        run: async (io, act) => {
          io.remains('role evil was created')
          return putting.run(io, act)
        },
        undo: async (io, act) => {
          io.remains('role evil was created')
          if (also === 'in its undo') io.remains('role worse was created')
          await putting.undo?.(io, act)
        },
      }),
    )
    step(
      'Assert',
      look(async () => {
        throw new RunbookError(code, 'the copy is wrong')
      }),
    )
  })

describe('what no undo takes back', () => {
  it.each(['failed', 'verification'] as const)('is in the last sentence of a run that %s', async (code) => {
    const { machine } = leaving(code)
    const result = await machine.run()
    expect(result).toMatchObject({ outcome: 'rolled-back', code })
    const text = endingText(result, machine.entries)
    expect(text).toContain('but changes that no undo takes back REMAIN: Bench on bench.')
    expect(text).toContain('  remains: role evil was created\n')
    expect(text).not.toMatch(/no changes remain|fully rolled back/)
  })

  it('raises no alarm where it is only data that was put aside, beside another change it does', async () => {
    const ending = async (...also: readonly string[]): Promise<readonly [string, string]> => {
      const { machine } = bench(({ step }) => {
        const remains = async () => [{ kept: 'shop__kept_1 is kept' }, ...also]
        step('Restore', put('/a', 'new', { remains }))
        step(
          'Assert',
          look(async () => {
            throw new RunbookError('failed', 'the copy is wrong')
          }),
        )
      })
      const result = await machine.run()
      return [endingText(result, machine.entries), reportOf(recordOf(machine.entries))]
    }
    const [screen, report] = await ending()
    expect(screen).toContain('every step is rolled back, and the data that was live meanwhile is kept: Bench')
    expect(screen).toContain('  kept: shop__kept_1 is kept\n')
    expect(report).toContain('| Kept |')
    const [alarm] = await ending('role evil was created')
    expect(alarm).toContain('changes that no undo takes back REMAIN: Bench')
    expect(alarm).toContain('  kept: shop__kept_1 is kept\n  remains: role evil was created\n')
  })

  it('is said once, whichever attempts report it, and is in the report', async () => {
    const { machine } = leaving('failed', 'in its undo')
    await machine.run()
    const record = recordOf(machine.entries)
    expect(record.remains).toEqual(['role evil was created', 'role worse was created'])
    expect(reportOf(record)).toContain('role worse was created')
  })

  it('is asked of a step after its undo, also where a kill came between the undo and its record', async () => {
    const keeping = (): Bench =>
      bench(({ step }) => {
        step(
          'Restore',
          put('/a', 'new', {
            undo: async (io, act) => {
              await io.files.write('/kept', 'new')
              await putting.undo?.(io, act)
            },
            remains: async (at) => ((await at.files.stat('/kept')) === null ? [] : ['/kept is kept']),
          }),
        )
        step(
          'Assert',
          look(async () => {
            throw new RunbookError('failed', 'the copy is wrong')
          }),
        )
      })
    const { machine, world } = keeping()
    await machine.run()
    expect(stateOf(machine.entries).remains).toEqual(['/kept is kept'])
    const last = world.faults.reached.lastIndexOf('journal.append undo-ended')
    for (const at of [last - 1, last, last + 1]) {
      const killed = keeping()
      killed.world.faults.killAfter(at)
      await expect(killed.machine.run()).rejects.toThrow(Killed)
      await killed.machine.rollback()
      expect(stateOf(killed.machine.entries).remains, `killed at moment ${at}`).toEqual(['/kept is kept'])
    }
  })

  it('is unknown, and the undo still proven, where the step cannot look', async () => {
    const { machine } = bench(({ step }) => {
      step(
        'Restore',
        put('/a', 'new', {
          remains: async () => {
            throw new RunbookError('failed', 'no answer')
          },
        }),
      )
      step(
        'Assert',
        look(async () => {
          throw new RunbookError('failed', 'the copy is wrong')
        }),
      )
    })
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(stateOf(machine.entries).remains).toEqual([
      'what the undo of "Restore" leaves behind is unknown: no answer',
    ])
  })

  it('is nothing where no step reports any', async () => {
    const { machine } = bench(({ step }) => void step('One', put('/a', 'new')))
    await machine.run()
    expect(stateOf(machine.entries).remains).toEqual([])
    expect(recordOf(machine.entries)).not.toHaveProperty('remains')
  })
})

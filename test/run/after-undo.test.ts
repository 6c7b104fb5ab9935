import { describe, expect, it } from 'vitest'
import { RunbookError } from '../../src/kernel/errors.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { Killed } from '../../src/testing/index.ts'
import { bench, look, put, putting, type Bench } from './bench.ts'

/** `/seal` proves the undo: the probe finds nothing out without it. `fail`: it cannot be removed the first time. */
const sealing = (fail = false): Bench => {
  let left = fail ? 1 : 0
  return bench(({ step }) => {
    step(
      'Restore',
      put('/a', 'new', {
        undo: async (io, act) => {
          // What is undone already cannot be proven again.
          if ((await putting.probe(io, { ...act, way: 'back' })).is === 'absent') return
          await io.files.write('/seal', 'intact')
          await putting.undo?.(io, act)
        },
        probe: async (at, act) => {
          const found = await putting.probe(at, act)
          if (act.way === 'forward' || found.is !== 'absent') return found
          if ((await at.files.stat('/seal')) !== null) return found
          return { is: 'torn', why: 'it is not proven' }
        },
        afterUndo: async (io) => {
          left -= 1
          if (left === 0) throw new RunbookError('failed', 'the seal cannot be removed')
          await io.files.removeTree('/seal')
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
}

describe('what proves an undo', () => {
  it('is given back once the proof is recorded', async () => {
    const { machine, world } = sealing()
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(world.disk.files.has('/seal')).toBe(false)
    expect(machine.entries.map(({ entry }) => entry.type)).toEqual(
      expect.arrayContaining(['undo-intent', 'undo-proven', 'undo-ended']),
    )
  })

  it('is not asked for again where a kill came after it was given back', async () => {
    const { machine, world } = sealing()
    await machine.run()
    const { reached } = world.faults
    const [proven, ended] = ['undo-proven', 'undo-ended'].map((type) =>
      reached.lastIndexOf(`journal.append ${type}`),
    )
    expect(proven).toBeGreaterThan(0)
    for (let at = (proven ?? 0) - 1; at <= (ended ?? 0) + 1; at += 1) {
      const killed = sealing()
      killed.world.faults.killAfter(at)
      await expect(killed.machine.run()).rejects.toThrow(Killed)
      expect(await killed.machine.rollback(), `killed at moment ${at}`).toMatchObject({
        outcome: 'rolled-back',
      })
      expect(killed.world.disk.files.has('/seal'), `killed at moment ${at}`).toBe(false)
      expect(killed.world.disk.files.has('/a')).toBe(world.disk.files.has('/a'))
    }
  })

  it('is given back by the next attempt where it cannot be at first', async () => {
    const { machine, world } = sealing(true)
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(world.disk.files.has('/seal')).toBe(false)
    const proofs = machine.entries.filter(({ entry }) => entry.type === 'undo-proven')
    expect(proofs).toHaveLength(1)
    expect([...stateOf(machine.entries).steps.values()][0]).toMatchObject({
      undo: 'undone',
      undoProven: null,
    })
  })
})

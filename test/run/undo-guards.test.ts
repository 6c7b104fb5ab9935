import { describe, expect, it } from 'vitest'
import type { UndoGuard } from '../../src/model/step.ts'
import { cannot, RunbookError } from '../../src/kernel/errors.ts'
import { bench, fail, look, put, textOf, told, type Loose } from './bench.ts'

const replaced = (): never => {
  throw new RunbookError('in-doubt', 'it was replaced', { hint: 'find out who did' })
}
const guard = (
  of: string,
  check: UndoGuard['check'],
  asked: string[] = [],
): { undoGuards(): UndoGuard[] } => ({
  undoGuards: () => [{ of: [of], check: async (at, way) => (asked.push(of), check(at, way)) }],
})
const fine = async (): Promise<void> => undefined
const undos = (machine: ReturnType<typeof bench>['machine']): readonly string[] =>
  told(machine).filter((one) => one.startsWith('undo'))

/** Changes `/a`, then `/b`, and fails. */
const two = (first: object, second: object, third: object | null = null) =>
  bench(({ step }: Loose) => {
    step('First', put('/a', 'new', first))
    step('Second', put('/b', 'new', second))
    if (third !== null) step('Third', put('/c', 'new', third))
    step(
      'Fails',
      look(async () => fail('no')),
    )
  })

describe('a rollback, before its first undo', () => {
  it('looks at all undos, the newest first, and stops at one that could not go on', async () => {
    const asked: string[] = []
    let isReplaced = true
    const { machine, world } = two(
      guard('a', async () => (isReplaced ? replaced() : undefined), asked),
      guard('b', fine, asked),
    )
    const doubt = {
      code: 'in-doubt',
      outcome: 'needs-human',
      failure: {
        message: 'it was replaced; this was found before the first undo, so nothing was undone',
        hint: expect.stringMatching(/^find out who did; then `runbook rollback /) as string,
      },
    }
    expect(await machine.run()).toMatchObject(doubt)
    expect(asked).toEqual(['b', 'a'])
    expect(await machine.rollback()).toMatchObject(doubt)
    expect([textOf(world, '/a'), textOf(world, '/b'), undos(machine)]).toEqual(['new', 'new', []])
    isReplaced = false
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect([textOf(world, '/a'), textOf(world, '/b')]).toEqual(['old', 'old'])
  })

  it('can only look', async () => {
    const { machine } = two(
      guard('a', async (at) => {
        expect('write' in at.files).toBe(false)
      }),
      guard('b', fine),
    )
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
  })

  it('goes on where a look fails or what it asks is down: the undo waits for it', async () => {
    for (const trouble of [
      () => fail('no idea'),
      () => {
        throw cannot('look', 'at the shop', 'it is down', { code: 'preflight', down: 'shop/db' })
      },
    ]) {
      let times = 0
      const { machine } = two(
        guard('a', async () => ((times += 1) === 1 ? trouble() : undefined)),
        guard('b', fine),
      )
      expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    }
  })

  it('goes on after 30 seconds where a look hangs', async () => {
    let times = 0
    const { machine, world } = two(
      guard('a', fine),
      guard('b', async () => ((times += 1) === 1 ? new Promise<void>(() => undefined) : undefined)),
    )
    const began = world.clock.monotonic()
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(world.clock.monotonic() - began).toBe(30_000)
  })

  it('is left at once by a second Ctrl-C while it looks, and goes on later', async () => {
    let times = 0
    const { machine } = two(
      guard('a', fine),
      guard('b', async () => {
        if ((times += 1) > 1) return
        machine.stop.ask('SIGINT')
        machine.stop.ask('SIGINT')
        await new Promise<void>(() => undefined)
      }),
    )
    expect(await machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(undos(machine)).toEqual([])
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  })

  it('does not take what a newer step changed for the work of somebody else', async () => {
    let seconds = 0
    const { machine } = two(
      // As it was left by the first step only once the second is undone.
      guard('same', async () => (undos(machine).length === 0 ? replaced() : undefined)),
      guard('same', async () => void (seconds += 1)),
    )
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(seconds).toBe(2)
  })

  it('asks no step before one whose undo touches nobody knows what', async () => {
    const asked: string[] = []
    const { machine } = two(guard('a', fine, asked), {}, guard('c', fine, asked))
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(asked).toEqual(['c', 'c', 'a'])
    const other = two(guard('a', fine, asked), { undoGuards: () => [] }, guard('c', fine, asked))
    asked.length = 0
    expect(await other.machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(asked).toEqual(['c', 'a', 'c', 'a'])
  })

  it('has no doubt about a step whose effect is absent', async () => {
    const { machine } = two(
      {
        ...guard('a', async () => replaced()),
        probe: async (_: unknown, { way }: { way: string }) =>
          way === 'back' ? { is: 'absent' } : { is: 'done', output: { path: '/a', text: 'new' } },
      },
      guard('b', fine),
    )
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
  })

  it('says that nothing more was undone where the doubt came up later', async () => {
    let isReplaced = false
    const { machine } = two(
      guard('a', async () => (isReplaced ? replaced() : undefined)),
      { ...guard('b', fine), undo: async () => ((isReplaced = true), fail('not now')) },
    )
    expect(await machine.run()).toMatchObject({ code: 'rollback-incomplete' })
    expect(await machine.rollback()).toMatchObject({
      code: 'in-doubt',
      failure: {
        message: 'it was replaced; this was found before the next undo, so nothing more was undone',
      },
    })
  })
})

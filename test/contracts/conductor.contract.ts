import { describe, expect, test } from 'vitest'
import type { PlannedStep } from '../../src/model/plan.ts'
import type { Todo } from '../../src/run/engine/agenda.ts'
import type { Conductor, Single } from '../../src/run/engine/conductor.ts'
import type { Ended } from '../../src/run/engine/perform.ts'
import { Stopped } from '../../src/run/engine/stop.ts'

const step = (id: string): PlannedStep => ({ id, title: `Do ${id}` }) as PlannedStep
export const run = (id: string): Single => ({ do: 'run', step: step(id) })
const undo = (id: string): Single => ({ do: 'undo', step: step(id) })
const together = (...ids: readonly string[]): Todo => ({ do: 'together', title: 'both', todos: ids.map(run) })
const nameOf = (todo: Single): string => ('step' in todo ? todo.step.id : todo.do)

const good: Ended = { ok: true, as: 'done' }
const bad: Ended = { ok: false, failure: { code: 'failed', message: 'it broke' } }

/** A gate that a test opens. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

/** What every conductor must do with its todos. */
export function conductorContract(name: string, open: () => Conductor): void {
  describe(`conductor: ${name}`, () => {
    const conduct = async (
      todos: readonly Todo[],
      endings: { readonly [id: string]: Ended | Error | (() => Promise<Ended>) } = {},
    ) => {
      const log: string[] = []
      const work = async (todo: Single): Promise<Ended> => {
        const id = nameOf(todo)
        log.push(`begin ${id}`)
        const ending = endings[id] ?? good
        try {
          if (ending instanceof Error) throw ending
          return typeof ending === 'function' ? await ending() : ending
        } finally {
          log.push(`end ${id}`)
        }
      }
      const thrown: unknown = await open()
        .conduct('forward', todos, work)
        .then(
          () => null,
          (error: unknown) => error,
        )
      return { log, thrown }
    }

    test('takes todos one after another', async () => {
      expect(
        await conduct([
          run('a'),
          run('b'),
          { do: 'pivot', because: 'now' },
          { do: 'skip', step: step('c'), because: 'not wanted' },
        ]),
      ).toEqual({
        log: ['begin a', 'end a', 'begin b', 'end b', 'begin pivot', 'end pivot', 'begin c', 'end c'],
        thrown: null,
      })
    })

    test('has nothing to do with nothing to do', async () => {
      expect(await conduct([])).toEqual({ log: [], thrown: null })
    })

    test('stops at the first that fails, and that is no error', async () => {
      expect(await conduct([undo('a'), undo('b'), undo('c')], { b: bad })).toEqual({
        log: ['begin a', 'end a', 'begin b', 'end b'],
        thrown: null,
      })
    })

    test('begins the members of a group at the same time, and goes on when all have ended', async () => {
      const first = gate()
      const { log, thrown } = await conduct([together('a', 'b'), run('c')], {
        a: () => first.opened.then(() => good),
        b: async () => (first.open(), good),
      })
      expect(thrown).toBeNull()
      expect(log.slice(0, 2)).toEqual(['begin a', 'begin b'])
      expect(log.slice(4)).toEqual(['begin c', 'end c'])
    })

    test('lets the siblings of a failed member come to their own end before it stops', async () => {
      const { log, thrown } = await conduct([together('a', 'b', 'c'), run('d')], {
        a: bad,
        b: () => new Promise((resolve) => setTimeout(resolve, 30, good)),
        c: () => new Promise((resolve) => setTimeout(resolve, 60, bad)),
      })
      expect(thrown).toBeNull()
      expect([...log].sort()).toEqual(['begin a', 'begin b', 'begin c', 'end a', 'end b', 'end c'])
      expect(log.at(-1)).toBe('end c')
    })

    test('lets a stop pass through as it is, and begins nothing more', async () => {
      const stopped = new Stopped('interrupted', 'stopped between two steps', null)
      const { log, thrown } = await conduct([run('a'), run('b')], { a: stopped })
      expect(thrown).toBe(stopped)
      expect(log).toEqual(['begin a', 'end a'])
    })

    test('lets a stop inside a group pass through once all siblings have ended', async () => {
      const stopped = new Stopped('interrupted', 'cut off', 'a')
      const { log, thrown } = await conduct([together('a', 'b', 'c'), run('d')], {
        a: stopped,
        b: bad,
        c: () => new Promise((resolve) => setTimeout(resolve, 40, good)),
      })
      expect(thrown).toBe(stopped)
      expect(log.at(-1)).toBe('end c')
      expect(log).not.toContain('begin d')
    })

    test('lets an error that is no failure of a step pass through as it is', async () => {
      const bug = new TypeError('the journal cannot be written')
      expect((await conduct([run('a'), run('b')], { a: bug })).thrown).toBe(bug)
    })
  })
}

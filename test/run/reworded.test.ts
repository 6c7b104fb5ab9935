import { describe, expect, it } from 'vitest'
import { Killed, fakeMachine, fakeWorld, lay, type FakeWorld } from '../../src/testing/index.ts'
import { maybe } from '../../src/model/ref.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import { bookOf, fail, look, put, target, textOf, told } from './bench.ts'

/** A run that succeeds or fails before its point of no return; `words` gives each title. */
const book = (words: (title: string) => string, fails: boolean): Runbook =>
  bookOf(({ step, parallel, when, pointOfNoReturn, lastly }) => {
    const seen = step(
      words('Look'),
      look(async () => ({ ok: 'true', text: 'new' })),
      { id: 'constructor' },
    ) as unknown as { readonly ok: never; readonly text: never }
    parallel(words('Both'), () => {
      step(words('A'), put('/a', seen.text), { id: 'a' })
      step(words('B'), put('/b', 'new'), { id: 'b' })
    })
    const { false: other } = when(seen.ok, {
      false: () => step(words('C'), put('/c', 'new'), { id: 'c' }),
    } as never) as unknown as { readonly false: never }
    if (fails)
      step(
        words('Fail'),
        look(async () => fail('no')),
        { id: 'fail' },
      )
    pointOfNoReturn(words('Now'))
    step(words('D'), put('/d', 'new'), { id: 'd' })
    lastly(
      words('Tell'),
      look(async () => null, {}, { other: maybe(other) }),
      { id: 'tell' },
    )
  })

const later = (title: string): string => `Neu: ${title} 停止`

function world(): FakeWorld {
  const made = fakeWorld()
  for (const path of ['/a', '/b', '/c', '/d']) lay(made.disk, path, 'old')
  return made
}

describe.each([
  ['succeeds', false],
  ['fails and rolls back', true],
] as const)('a run that %s, killed after any entry of its journal', (_, fails) => {
  const opened = book((title) => title, fails)
  const reworded = book(later, fails)

  const moments = async (): Promise<readonly string[]> => {
    const undisturbed = fakeMachine(world(), { book: opened, target })
    await undisturbed.run()
    return undisturbed.entries.map(({ entry }) => entry.type)
  }

  async function continued(count: number, type: string, today: Runbook, way: 'resume' | 'rollback') {
    const on = world()
    const machine = fakeMachine(on, { book: opened, target })
    on.faults.order(`journal.append ${type} done`, 'kill', count)
    await expect(machine.run()).rejects.toThrow(Killed)
    machine.reboot()
    const next = fakeMachine(on, { book: today, target, journal: machine.journal })
    const ended = await next[way]().then(
      ({ code, outcome }) => ({ code, outcome }),
      ({ code }: { readonly code: string }) => ({ code, outcome: 'none' }),
    )
    return { ended, journal: told(next), files: ['/a', '/b', '/c', '/d'].map((path) => textOf(on, path)) }
  }

  it.each(['resume', 'rollback'] as const)(
    'ends on %s as it would have with its words',
    async (way) => {
      const types = await moments()
      for (const [index, type] of types.entries()) {
        const count = types.slice(0, index + 1).filter((one) => one === type).length
        const same = await continued(count, type, opened, way)
        expect(await continued(count, type, reworded, way), `killed after entry ${index}, ${type}`).toEqual(
          same,
        )
      }
    },
    60_000,
  )
})

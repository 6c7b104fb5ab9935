import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { standingOf } from '../../src/run/journal/standing.ts'
import { fakeMachine, Killed, type FakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { closingText } from '../../src/views/unlock.ts'
import { endingText } from '../../src/views/ending.ts'
import { damagedShop, shop } from '../steps/fake-shop.ts'

const params = { strategy: 'beside' }
const writers = ['web', 'worker']
const runningIn = ({ fleet }: FakeWorld): readonly string[] =>
  writers.filter((name) => fleet.services.get(name)?.instance?.state === 'running')
const downIn = ({ entries }: FakeMachine): readonly string[] =>
  standingOf(entries).down.map(({ service }) => service)

function prepared(order: (world: FakeWorld) => void) {
  const world = damagedShop()
  order(world)
  return { world, machine: fakeMachine(world, { book: rollback, target: shop }) }
}

describe('what a run leaves down', () => {
  it('is a service that did not answer to the last undo, since it first did not, with the command that starts it', async () => {
    const { machine } = prepared(({ faults }) => faults.order('databases.swap', 'fail'))
    await machine.run(params)
    const undone = machine.entries.findIndex(({ entry }) => entry.type === 'undo-ended')
    const first = machine.entries[undone] as Stored
    const lost = (down: string): readonly Stored[] => [
      ...machine.entries.slice(0, undone),
      ...['04:14', '04:18'].map((at) => ({
        ...first,
        at: `2026-02-03T${at}:00.000Z`,
        entry: { ...first.entry, result: 'failed', down } as Stored['entry'],
      })),
      { ...first, entry: { type: 'settled', outcome: 'needs-human', failure: null } },
    ]
    const { down, starts } = standingOf(lost('shop/db'))
    expect(down[0]).toEqual({ service: 'shop/db', since: '2026-02-03T04:14:00.000Z', died: true })
    expect(starts[0]).toBe('docker compose --project-name shop --file /srv/shop/compose.yml start db')
    expect(standingOf(lost('docker')).starts.some((line) => line.endsWith(' start db'))).toBe(false)
    expect(standingOf(machine.entries).down).toEqual([])
  })

  it('is what it stopped, from the moment of its intent, wherever it is killed', async () => {
    const { world: calm, machine: whole } = prepared(() => undefined)
    expect(runningIn(calm)).toEqual(writers)
    await whole.run(params)
    expect(downIn(whole)).toEqual([])
    const moments = calm.faults.reached.length
    expect(moments).toBeGreaterThan(50)
    for (let moment = 1; moment <= moments; moment += 3) {
      const { world, machine } = prepared(({ faults }) => faults.killAfter(moment))
      await expect(machine.run(params)).rejects.toThrow(Killed)
      if (machine.entries.length === 0) continue
      const missing = writers.filter((name) => !runningIn(world).includes(name))
      expect(downIn(machine), `killed at moment ${moment}`).toEqual(expect.arrayContaining(missing))
    }
  })

  it('is nothing once a rollback has started them again', async () => {
    const { world, machine } = prepared(({ faults }) => faults.order('databases.swap', 'fail'))
    expect(await machine.run(params)).toMatchObject({ outcome: 'rolled-back' })
    expect(runningIn(world)).toEqual(writers)
    expect(standingOf(machine.entries)).toMatchObject({ down: [], changed: [], unsure: [] })
  })

  it('is what the undo of a start has stopped again', async () => {
    const { world, machine } = prepared(({ faults }) => {
      faults.order('services.start done', 'fail')
      for (let time = 1; time < 9; time += 1) faults.order('databases.swap', 'fail', time + 1)
    })
    const result = await machine.run(params)
    expect(result).toMatchObject({ code: 'rollback-incomplete' })
    expect(runningIn(world)).toEqual([])
    expect(downIn(machine)).toEqual(writers)
    expect(endingText(result, machine.entries)).toMatch(
      /^DOWN since \S+: web, worker \(stopped by this run, not started again\)\nFailed; the rollback is INCOMPLETE/,
    )
  })
})

describe('a run that was killed in its swap', () => {
  async function killed(): Promise<FakeMachine> {
    const { machine } = prepared(({ faults }) => faults.order('databases.swap half-way', 'kill'))
    await expect(machine.run(params)).rejects.toThrow(Killed)
    return machine
  }

  it('names what is down, what is changed, and what may be', async () => {
    const { entries } = await killed()
    const [first, second] = standingOf(entries).down
    expect(first?.since).toBe(second?.since)
    expect(standingOf(entries)).toMatchObject({
      changed: ['Restore beside the live database', 'Stop writers'],
      unsure: ['Swap the restored database in'],
    })
  })

  it('says so before unlock closes it, with the commands that could settle it', async () => {
    const { entries } = await killed()
    const run = entries[0]?.run ?? ''
    expect(
      closingText(run, entries)
        .replaceAll(/\d{4}-\S+Z/g, 'TIME')
        .replaceAll(run, 'R1'),
    ).toBe(
      [
        'Closing R1 starts and undoes nothing:',
        '  DOWN since TIME: web, worker (stopped by this run, not started again)',
        '  Changed and not undone: Restore beside the live database, Stop writers',
        '  Perhaps changed: Swap the restored database in',
        'To finish or undo it instead: `runbook resume R1` or `runbook rollback R1`',
        'Look at the data, then start what is down: docker compose --project-name shop --file /srv/shop/compose.yml start web worker',
        '',
      ].join('\n'),
    )
    expect(closingText(run, null)).toContain('unknown what it has changed')
  })
})

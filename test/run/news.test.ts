import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Target } from '../../src/model/target.ts'
import { endingText } from '../../src/views/ending.ts'
import { fakeMachine, Killed, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop, shop } from '../steps/fake-shop.ts'

const url = 'http://chat/hook'
const target: Target = {
  ...shop,
  operators: {
    channel: null,
    tracker: null,
    announce: { url, bearer: null, body: { text: '{text}' }, reference: null, timeoutSeconds: 10 },
    ticket: null,
    contacts: [],
    escalation: [],
  },
}
const params = { strategy: 'beside' }

function prepared(order: (world: FakeWorld) => void, status = 200) {
  const world = damagedShop()
  world.web.answers.set(url, [{ status }])
  order(world)
  const machine = fakeMachine(world, { book: rollback, target })
  const texts = (): readonly string[] =>
    world.web.posted
      .filter((one) => one.url === url)
      .map(({ body }) => String((body as { readonly text: string }).text))
  return { world, machine, texts }
}

const neverUndone = ({ faults }: FakeWorld): void => {
  faults.order('services.start done', 'fail')
  for (let time = 2; time < 20; time += 1) faults.order('databases.swap', 'fail', time)
}

describe('the operators are told', () => {
  it('nothing of a run that succeeds, nor of a dry run', async () => {
    const { machine, texts } = prepared(() => undefined)
    await machine.dryRun(params)
    expect((await machine.run(params)).code).toBe('succeeded')
    expect(texts()).toEqual([])
  })

  it('that a run failed and is rolled back', async () => {
    const { machine, texts } = prepared(({ faults }) => faults.order('databases.swap', 'fail'))
    const result = await machine.run(params)
    expect(result.outcome).toBe('rolled-back')
    expect(texts()).toEqual([
      expect.stringMatching(/^Full DB rollback \(production\) on shop: failed and is rolled back: /),
    ])
    expect(endingText(result, machine.entries)).toContain('\nThe operators were notified.\n')
  })

  it('that a run waits for a person, with what is down and what to type, and once for the same state', async () => {
    const { machine, texts } = prepared(neverUndone)
    await machine.run(params)
    expect(texts()).toEqual([
      expect.stringMatching(
        /^DOWN: web \(since \S+\), worker .*rollback is INCOMPLETE: .*runbook rollback \S+/,
      ),
    ])
    const again = await machine.rollback()
    expect(again.code).toBe('rollback-incomplete')
    expect(texts()).toHaveLength(1)
    expect(endingText(again, machine.entries)).not.toContain('notified')
  })

  it('that a run was found killed, once for each kill', async () => {
    const { machine, texts } = prepared(({ faults }) => {
      faults.order('databases.swap half-way', 'kill')
    })
    await expect(machine.run(params)).rejects.toThrow(Killed)
    expect(texts()).toEqual([])
    expect((await machine.rollback()).code).toBe('succeeded')
    expect(texts()).toEqual([
      expect.stringMatching(/^DOWN: web .*was found killed after /),
      expect.stringMatching(/rolled back as requested\./),
    ])
  })

  it('that a run was stopped by Ctrl-C, with what is down and changed and what to type, once for each stop', async () => {
    const { world, machine, texts } = prepared(() => undefined)
    world.fleet.beforeChange = async (operation) => {
      if (operation === 'stop' && machine.stop.asked === null) machine.stop.ask('SIGINT')
    }
    const result = await machine.run(params)
    expect(result).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(texts()).toEqual([
      expect.stringMatching(
        /^DOWN: web \(since \S+\), worker .* on shop: was stopped by Ctrl-C and is open\. Changed and not undone: Restore beside the live database, Stop writers\. Next: runbook resume \S+, or: runbook rollback \S+\. Run /,
      ),
    ])
    expect(endingText(result, machine.entries)).toContain('\nThe operators were notified.\n')
    world.fleet.beforeChange = async () => undefined
    expect((await machine.resume()).code).toBe('succeeded')
    expect(texts()).toHaveLength(1)
  })

  it('nothing of a run that was stopped before it began, and that TERM stopped one on the way back', async () => {
    const early = prepared(() => undefined)
    early.machine.stop.ask('SIGINT')
    expect(await early.machine.run(params)).toMatchObject({ outcome: 'open' })
    expect(early.texts()).toEqual([])
    const { machine, texts, world } = prepared(({ faults }) => faults.order('databases.swap', 'fail'))
    world.fleet.beforeChange = async (operation) => {
      if (operation === 'start' && machine.stop.asked === null) machine.stop.ask('SIGTERM')
    }
    expect(await machine.run(params)).toMatchObject({ code: 'terminated', outcome: 'open' })
    expect(texts()).toEqual([
      expect.stringMatching(/was stopped by TERM and is open\. .*Next: runbook rollback \S+\. Run /),
    ])
  })

  it('that a run waits for a person, where a second Ctrl-C left its step in doubt', async () => {
    const { world, machine, texts } = prepared(({ faults }) => faults.order('databases.swap', 'hang'))
    void world.clock.sleep(60_000).then(() => (machine.stop.ask('SIGINT'), machine.stop.ask('SIGINT')))
    expect(await machine.run(params)).toMatchObject({
      outcome: 'open',
      doubt: 'Swap the restored database in',
    })
    expect(texts()).toEqual([
      expect.stringMatching(/stopped by Ctrl-C .*Perhaps changed: Swap the restored database in\./),
    ])
  })

  it('at most once of the same kill, though each resume that found it was killed in turn', async () => {
    const { world, machine, texts } = prepared(({ faults }) =>
      faults.order('databases.swap half-way', 'kill'),
    )
    await expect(machine.run(params)).rejects.toThrow(Killed)
    for (const [moment, way] of [
      ['journal.append announced done', 'resume'],
      ['journal.append resumed', 'rollback'],
    ] as const) {
      world.faults.order(moment, 'kill')
      await expect(machine[way](), moment).rejects.toThrow(Killed)
    }
    expect((await machine.rollback()).outcome).toBe('rolled-back')
    expect(texts().filter((text) => text.includes('found killed'))).toHaveLength(1)
  })

  it('at most once, where the program is killed while it tells them', async () => {
    for (const moment of [
      'journal.append announcing',
      'journal.append announcing done',
      'journal.append announced',
    ]) {
      const { machine, texts } = prepared(({ faults }) =>
        faults.order('databases.swap', 'fail').order(moment, 'kill'),
      )
      await expect(machine.run(params), moment).rejects.toThrow(Killed)
      expect((await machine.resume()).outcome).toBe('rolled-back')
      expect(texts().length, moment).toBeLessThanOrEqual(1)
    }
  })

  it('by the command that seals it, where the program is killed between the end of a run and its news', async () => {
    for (const moment of ['journal.append announcing', 'journal.append settled done']) {
      const { machine, texts } = prepared(({ faults }) =>
        faults.order('databases.swap', 'fail').order(moment, 'kill'),
      )
      await expect(machine.run(params), moment).rejects.toThrow(Killed)
      expect(texts(), moment).toEqual([])
      for (let time = 0; time < 2; time += 1) await machine.resume().catch(() => undefined)
      expect(texts(), moment).toEqual([expect.stringMatching(/failed and is rolled back: /)])
    }
  })

  it('that the service may be down, where it was started and no health check has succeeded since', async () => {
    const { machine, texts } = prepared(({ faults }) => faults.order('http.get', 'kill'))
    await expect(machine.run(params)).rejects.toThrow(Killed)
    await machine.rollback()
    expect(texts()[0]).toMatch(
      /^Perhaps DOWN since \S+: no health check has succeeded since then\. .*was found killed/,
    )
    expect(texts()[1]).toMatch(/^Full DB rollback .* rolled back as requested/)
  })
})

describe('a webhook that does not take it', () => {
  it('changes neither the outcome nor the exit code, and is reported', async () => {
    const { machine } = prepared(({ faults }) => faults.order('databases.swap', 'fail'), 500)
    const { machine: silent } = prepared(({ faults, web }) => {
      faults.order('databases.swap', 'fail')
      web.answers.delete(url)
    })
    for (const one of [machine, silent]) {
      const result = await one.run(params)
      expect(result).toMatchObject({ outcome: 'rolled-back', code: 'failed' })
      expect(endingText(result, one.entries)).toMatch(/\nThe operators were NOT notified: .+\n/)
    }
  })

  it('delays the run by 5 s at most', async () => {
    const { world, machine } = prepared(({ faults }) =>
      faults.order('databases.swap', 'fail').order('http.post', 'hang'),
    )
    await machine.run(params)
    const at = (type: string): number =>
      Date.parse(machine.entries.find(({ entry }) => entry.type === type)?.at ?? '')
    expect(at('announced') - at('announcing')).toBe(5_000)
    expect(world.web.posted).toEqual([])
    expect(machine.entries.at(-1)?.entry.type).toBe('sealed')
  })
})

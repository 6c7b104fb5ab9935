import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Target } from '../../src/model/target.ts'
import { newsOf } from '../../src/run/record/news.ts'
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

const goesBack = expect.stringMatching(
  /^DOWN: web .* on shop: failed and is being rolled back now: .*\. Its end will be reported\. Run /,
)

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

  it('that a run failed and begins to roll back, and at its end that it is rolled back', async () => {
    const { machine, texts } = prepared(({ faults }) => faults.order('databases.swap', 'fail'))
    const result = await machine.run(params)
    expect(result.outcome).toBe('rolled-back')
    expect(texts()).toEqual([
      goesBack,
      expect.stringMatching(/^Full DB rollback \(production\) on shop: failed and is rolled back: /),
    ])
    expect(endingText(result, machine.entries)).toContain('\nThe operators were notified.\n')
  })

  it('only that a run failed, where nothing has to be undone', async () => {
    const { machine, texts } = prepared(({ faults }) => faults.order('databases.inspect', 'fail'))
    await machine.run(params)
    expect(texts()).toEqual([expect.stringMatching(/failed and is rolled back: /)])
  })

  it('that a run begins to roll back at most once, though it is killed on its way back', async () => {
    for (const moment of [
      'journal.append undo-intent',
      'journal.append announced',
      'journal.append settled',
    ]) {
      const { machine, texts } = prepared(({ faults }) =>
        faults.order('databases.swap', 'fail').order(moment, 'kill'),
      )
      await expect(machine.run(params), moment).rejects.toThrow(Killed)
      expect((await machine.rollback()).outcome, moment).toBe('rolled-back')
      expect(texts(), moment).toEqual([
        goesBack,
        expect.stringContaining('was found killed'),
        expect.stringContaining('failed and is rolled back: '),
      ])
    }
  })

  it('that a run waits for a person, with what is down and what to type, and once for the same state', async () => {
    const { machine, texts } = prepared(neverUndone)
    await machine.run(params)
    expect(texts()).toEqual([
      goesBack,
      expect.stringMatching(
        /^DOWN: web \(since \S+\), worker .*rollback is INCOMPLETE: .*runbook rollback \S+/,
      ),
    ])
    const again = await machine.rollback()
    expect(again.code).toBe('rollback-incomplete')
    expect(texts()).toHaveLength(2)
    expect(endingText(again, machine.entries)).not.toContain('notified')
  })

  it('nothing of a run that a person released, which waits for nobody', async () => {
    const { machine } = prepared(neverUndone)
    await machine.run(params)
    const last = machine.entries.at(-1)!
    expect(newsOf(machine.entries)?.key).toMatch(/^needs-human-/)
    const released = { type: 'released', by: 'somebody', reason: 'fixed by hand' } as const
    expect(newsOf([...machine.entries, { ...last, seq: last.seq + 1, entry: released }])).toBeNull()
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
      goesBack,
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

  it('once, and again under the same key only where the program is killed before it wrote that it was heard', async () => {
    for (const moment of [
      'journal.append announcing',
      'journal.append announcing done',
      'journal.append announced',
    ]) {
      for (const time of [1, 2]) {
        const { world, machine, texts } = prepared(({ faults }) =>
          faults.order('databases.swap', 'fail').order(moment, 'kill', time),
        )
        await expect(machine.run(params), moment).rejects.toThrow(Killed)
        expect((await (time === 1 ? machine.rollback() : machine.resume())).outcome).toBe('rolled-back')
        for (const news of ['is being rolled back', 'was found killed'])
          expect(texts().filter((text) => text.includes(news)).length, moment).toBeLessThanOrEqual(1)
        const ends = world.web.posted.filter((_, index) => texts()[index]?.includes('is rolled back'))
        expect(ends.length, moment).toBe(time === 2 && moment === 'journal.append announced' ? 2 : 1)
        expect(new Set(ends.map(({ key }) => key)).size, moment).toBe(1)
      }
    }
  })

  it('by the command that seals it, where the program is killed between the end of a run and its news', async () => {
    for (const [moment, time] of [
      ['journal.append announcing', 2],
      ['journal.append settled done', 1],
    ] as const) {
      const { machine, texts } = prepared(({ faults }) =>
        faults.order('databases.swap', 'fail').order(moment, 'kill', time),
      )
      await expect(machine.run(params), moment).rejects.toThrow(Killed)
      expect(texts(), moment).toEqual([goesBack])
      for (let time = 0; time < 2; time += 1) await machine.resume().catch(() => undefined)
      expect(texts(), moment).toEqual([goesBack, expect.stringMatching(/failed and is rolled back: /)])
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

  it('gets 5 s at most for each message, and the rollback does not wait for it', async () => {
    const { world, machine } = prepared(({ faults }) =>
      faults.order('databases.swap', 'fail').order('http.post', 'hang').order('http.post', 'hang', 2),
    )
    await machine.run(params)
    const at = (type: string, key: string): number =>
      Date.parse(
        machine.entries.find(({ entry }) => entry.type === type && 'key' in entry && entry.key === key)?.at ??
          '',
      )
    for (const key of ['turned', 'rolled-back'])
      expect(at('announced', key) - at('announcing', key), key).toBe(5_000)
    const types = machine.entries.map(({ entry }) => entry.type)
    expect(types.indexOf('settled')).toBeLessThan(types.indexOf('announced'))
    expect(world.web.posted).toEqual([])
    expect(machine.entries.at(-1)?.entry.type).toBe('sealed')
  })
})

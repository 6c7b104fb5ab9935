import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import type { Planned } from '../../src/model/plan.ts'
import type { Target } from '../../src/model/target.ts'
import { channelsIn } from '../../src/run/engine/announce.ts'
import { isOpen } from '../../src/run/journal/journal.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { replan } from '../../src/run/replan.ts'
import { resume } from '../../src/run/resume.ts'
import { acknowledge, Watcher, type Watching } from '../../src/run/watch.ts'
import type { Watch } from '../../src/sections/watch.ts'
import { fakeMachine, Killed, nobody, type FakeMachine } from '../../src/testing/index.ts'
import { fakeJournal } from '../../src/testing/journal.ts'
import { damagedShop, shop } from '../steps/fake-shop.ts'

const url = 'http://chat/hook'
const params = { strategy: 'beside' }
const hook = { url, bearer: null, body: { text: '{text}' }, reference: null, timeoutSeconds: 10 }

const targets = new Map<string, Target>()

/** The same object for the same policy, for which plans are kept. */
function targetWith(watch: Watch): Target {
  const name = JSON.stringify(watch)
  const made: Target = targets.get(name) ?? {
    ...shop,
    watch,
    operators: {
      channel: null,
      tracker: null,
      announce: hook,
      ticket: null,
      contacts: [{ role: 'on-call', reach: '+1 555 0100' }],
      escalation: [
        { what: 'Roll back the data', runbooks: ['full-db-rollback'], who: null },
        { what: 'Call', runbooks: [], who: 'on-call', afterSeconds: 300 },
        { what: 'Call the manager', runbooks: [], who: null },
      ],
    },
  }
  targets.set(name, made)
  return made
}

const planned = new Map<string, Promise<Planned>>()

/** A shop, a machine on which a run is started, and a watch on the same machine. */
function site(watch: Watch, bootId: string | null = null) {
  const world = damagedShop()
  world.web.answers.set(url, [{ status: 200 }])
  const target = targetWith(watch)
  const machine = fakeMachine(world, {
    book: rollback,
    target,
    around: { identity: { by: world.person.name, host: 'pretended', pid: 1, startTime: null, bootId } },
  })
  const said: string[] = []
  /** A new process of the watch. */
  const around = {
    clock: world.clock,
    mask: world.redactor,
    identity: { by: 'watch', host: 'pretended', pid: 2, startTime: null, bootId: null },
    drivers: (signal: AbortSignal) =>
      world.drivers({
        run: 'watch',
        step: 'watch',
        signal,
        output: () => undefined,
        progress: () => undefined,
        spawned: () => undefined,
      }),
    targetOf: async () => ({ watch, operators: target.operators ?? null, channels: channelsIn(target) }),
    continueRun: () => Promise.reject(new Error('it was not to be continued')),
    asTyped: (text: string) => text,
    say: (text: string) => said.push(text),
  }
  const start = (other: Partial<Watching> = {}): Watcher => {
    const runtime = machine.reboot()
    return new Watcher({
      ...around,
      journal: runtime.journal,
      async continueRun(run, way) {
        const { plan } = stateOf(await runtime.journal.read(run))
        const today =
          planned.get(plan.digest) ??
          replan({ runbook: async () => rollback, target: async () => target }, plan).then(
            (one) => one.planned,
          )
        planned.set(plan.digest, today)
        return resume(runtime, { run, way, planned: await today, accepted: null })
      },
      ...other,
    })
  }
  const texts = (): readonly string[] =>
    world.web.posted.map(({ body }) => String((body as { readonly text: string }).text))
  const keys = (): readonly string[] => world.web.posted.map(({ key }) => key)
  const isDown = (): boolean =>
    ['web', 'worker'].some((name) => world.fleet.services.get(name)?.instance?.state !== 'running')
  /** Not what a rollback keeps aside. */
  const data = (): unknown => (world.state()['databases'] as { readonly shop: unknown }).shop
  return { world, machine, around, start, texts, keys, said, isDown, data }
}

const still = new AbortController().signal

async function untilDead(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return false
  } catch (thrown) {
    if (thrown instanceof Killed) return true
    throw thrown
  }
}

const open = async ({ reboot }: FakeMachine): Promise<boolean> => (await reboot().journal.runs()).some(isOpen)

const rolling: Watch = { policy: 'rollback', afterSeconds: 60 }
/** How long the service may be down after a death, in milliseconds. */
const allowed = (rolling.afterSeconds + 30) * 1000
const pause = 5_000

describe('a run whose process died', () => {
  it('is told to people once, with what to type, and left alone where the target does not say more', async () => {
    const { world, machine, start, texts, isDown } = site({ policy: 'tell', afterSeconds: 0 })
    world.faults.order('databases.swap half-way', 'kill')
    expect(await untilDead(() => machine.run(params))).toBe(true)
    const watch = start()
    for (let look = 0; look < 3; look += 1) await watch.look(still)
    expect(texts()).toEqual([
      expect.stringMatching(
        /^DOWN: web .*was found killed after .*, and nobody works on it\. .*Next: runbook resume \S+, or: runbook rollback \S+\./,
      ),
      expect.stringMatching(
        /^DOWN: web .*still waits for a person\. Next: Call \(on-call: \+1 555 0100\)\. .*runbook ack \S+/,
      ),
    ])
    expect(isDown()).toBe(true)
    expect((await machine.rollback()).code).toBe('succeeded')
    expect(texts().filter((text) => text.includes('found killed'))).toHaveLength(1)
  })

  it('is rolled back after the time that people have, with nobody awake', async () => {
    const { world, machine, start, texts, isDown, data } = site(rolling)
    const before = data()
    world.faults.order('databases.swap half-way', 'kill')
    await untilDead(() => machine.run(params))
    const watch = start()
    await watch.look(still)
    expect(isDown()).toBe(true)
    expect(texts()).toEqual([
      expect.stringContaining('is rolled back by the watch in 60 s unless somebody acknowledges'),
    ])
    world.clock.pass(60_000)
    await watch.look(still)
    expect([isDown(), await open(machine)]).toEqual([false, false])
    expect(data()).toEqual(before)
    expect(texts().at(-1)).toContain('rolled back as requested')
    expect(machine.entries.map(({ entry }) => entry.type)).toContain('attempting')
  })

  it('is left alone while a living process holds it', async () => {
    const { world, machine, around, texts } = site(rolling)
    let looks = 0
    world.fleet.beforeChange = async () => {
      looks += 1
      // Another process, which has a journal of its own on the same state folder.
      await new Watcher({ ...around, journal: fakeJournal(machine.journal, world.clock) }).look(still)
    }
    expect((await machine.run(params)).code).toBe('succeeded')
    expect(looks).toBeGreaterThan(0)
    expect(texts()).toEqual([])
  })

  it('goes on without the person who approved it, and without asking again', async () => {
    const { world, machine, start } = site({ policy: 'resume', afterSeconds: 0 })
    world.faults.order('databases.swap half-way', 'kill')
    await untilDead(() => machine.run(params))
    world.person = nobody
    await start().look(still)
    expect(stateOf(machine.entries).settled?.outcome).toBe('succeeded')
    expect(machine.entries.filter(({ entry }) => entry.type === 'attempted')).toEqual([])
  })

  it('is not touched once somebody acknowledged it, and no further level is called', async () => {
    const { world, machine, start, texts } = site(rolling)
    world.faults.order('databases.swap half-way', 'kill')
    await untilDead(() => machine.run(params))
    const watch = start()
    await watch.look(still)
    const runtime = machine.reboot()
    const [line] = await runtime.journal.runs()
    await acknowledge({ ...runtime, clock: world.clock }, line!, 'looking at it')
    world.clock.pass(3_600_000)
    await start().look(still)
    expect(texts()).toHaveLength(1)
    expect(machine.entries.at(-1)?.entry).toEqual({
      type: 'acknowledged',
      by: world.person.name,
      host: 'pretended',
      note: 'looking at it',
    })
    // It is over when the run is worked on and dies again.
    world.faults.order('databases.swap half-way', 'kill')
    await untilDead(() => machine.resume())
    const again = start()
    await again.look(still)
    world.clock.pass(60_000)
    await again.look(still)
    expect(await open(machine)).toBe(false)
  })

  it.each([
    [{ acknowledged: { by: 'ada', note: 'on my way' } }, 'on my way'],
    [{ ok: true, acknowledged: { by: 'ada\u001b[2J' } }, null],
  ])('is left to whom the webhook names in its answer: %j', async (json, note) => {
    const { world, machine, start, texts } = site(rolling)
    world.web.answers.set(url, [{ status: 200, json }])
    world.faults.order('databases.swap half-way', 'kill')
    await untilDead(() => machine.run(params))
    for (let look = 0; look < 3; look += 1) {
      await start().look(still)
      world.clock.pass(3_600_000)
    }
    expect(texts()).toEqual([expect.stringContaining('unless somebody acknowledges')])
    expect(machine.entries.at(-1)?.entry).toEqual({
      type: 'acknowledged',
      // As text: what comes from outside moves no cursor.
      by: expect.stringMatching(/^ada(?:\\u001b\[2J)?, answered by announce$/),
      host: 'pretended',
      note,
    })
  })

  it.each([
    [{ status: 200, json: { acknowledged: true } }],
    [{ status: 200, json: { acknowledged: { by: ' ' } } }],
    [{ status: 200, json: [{ acknowledged: { by: 'ada' } }] }],
    [{ status: 200, text: 'acknowledged' }],
    [{ status: 500, json: { acknowledged: { by: 'ada' } } }],
  ])("is nobody's where a webhook answers %j", async (answer) => {
    const { world, machine, start } = site(rolling)
    world.web.answers.set(url, [answer])
    world.faults.order('databases.swap half-way', 'kill')
    await untilDead(() => machine.run(params))
    await start().look(still)
    world.clock.pass(60_000)
    await start().look(still)
    expect(await open(machine)).toBe(false)
  })

  it('is rolled back if it was stopped with its machine, and left to people if a person stopped it', async () => {
    for (const [boot, outcome] of [
      ['another', 'rolled-back'],
      ['first', undefined],
    ] as const) {
      const { world, machine, start, around, texts } = site({ policy: 'rollback', afterSeconds: 0 }, 'first')
      world.fleet.beforeChange = async (operation) => {
        if (operation === 'stop' && machine.stop.asked === null) machine.stop.ask('SIGTERM')
      }
      expect(await machine.run(params)).toMatchObject({ code: 'terminated', outcome: 'open' })
      world.fleet.beforeChange = async () => undefined
      await start({ identity: { ...around.identity, bootId: boot } }).look(still)
      expect(stateOf(machine.entries).settled?.outcome, boot).toBe(outcome)
      if (outcome !== undefined) continue
      expect(texts()).toEqual([expect.stringContaining('was stopped by TERM and is open')])
      // Whoever stopped it has a quarter of an hour before others are called.
      for (const [seconds, calls] of [
        [899, 0],
        [1, 1],
      ] as const) {
        world.clock.pass(seconds * 1000)
        await start({ identity: { ...around.identity, bootId: boot } }).look(still)
        expect(texts().filter((text) => text.includes('Next: Call'))).toHaveLength(calls)
      }
    }
  })

  it('gets one attempt that fails, then people, level by level, each after its time', async () => {
    const { world, machine, start, texts } = site({ policy: 'rollback', afterSeconds: 0 })
    world.faults.order('databases.swap half-way', 'kill')
    await untilDead(() => machine.run(params))
    let attempts = 0
    const failing = start({
      continueRun: async () => {
        attempts += 1
        throw new RunbookError('preflight', 'an answer to the duty "call" is missing')
      },
    })
    for (let look = 0; look < 3; look += 1) await failing.look(still)
    expect(attempts).toBe(1)
    expect(texts().slice(1)).toEqual([
      expect.stringMatching(
        /the watch tried once and did not settle it: an answer to the duty "call" is missing/,
      ),
      expect.stringContaining('Next: Call (on-call'),
    ])
    world.clock.pass(299_000)
    await failing.look(still)
    expect(texts()).toHaveLength(3)
    world.clock.pass(1_000)
    await failing.look(still)
    expect(texts().at(-1)).toContain('Next: Call the manager')
    world.clock.pass(86_400_000)
    await failing.look(still)
    expect(texts()).toHaveLength(4)
  })

  it('is attempted three times at most where each attempt kills the watch itself', async () => {
    const { world, machine, start, texts } = site({ policy: 'rollback', afterSeconds: 0 })
    world.faults.order('databases.swap half-way', 'kill').orderFrom('services.start', 'kill')
    await untilDead(() => machine.run(params))
    let deaths = 0
    for (let look = 0; look < 10; look += 1) if (await untilDead(() => start().look(still))) deaths += 1
    expect(deaths).toBe(3)
    expect(texts().at(-1)).toContain('Next: Call')
  })
})

describe('a run that ended, and whose process died before it was sealed', () => {
  it.each(['settled done', 'sealed'])(
    'is sealed whatever the policy, and told if nobody heard of it: killed at %s',
    async (moment) => {
      const { world, machine, start, texts, said } = site({ policy: 'tell', afterSeconds: 0 })
      world.faults.order('databases.swap', 'fail').order(`journal.append ${moment}`, 'kill')
      expect(await untilDead(() => machine.run(params))).toBe(true)
      const watch = start()
      for (let look = 0; look < 3; look += 1) await watch.look(still)
      expect(stateOf(machine.entries)).toMatchObject({ sealed: true, settled: { outcome: 'rolled-back' } })
      expect(texts()).toEqual([
        expect.stringContaining('failed and is being rolled back now: '),
        expect.stringContaining('failed and is rolled back: '),
      ])
      expect(said).toEqual([expect.stringContaining(': sealing its evidence')])
    },
  )

  it('is told once where it cannot be sealed, and sealed once that is possible', async () => {
    const { world, machine, start, texts } = site({ policy: 'tell', afterSeconds: 0 })
    world.faults.order('journal.append sealed', 'kill').order('evidence.seal', 'fail', 2)
    expect(await untilDead(() => machine.run(params))).toBe(true)
    const watch = start()
    for (let look = 0; look < 3; look += 1) await watch.look(still)
    expect(texts()).toEqual([
      expect.stringMatching(
        /settled as succeeded, but its evidence could not be sealed: .* Next: runbook resume /,
      ),
    ])
    expect(stateOf(machine.entries).sealed).toBe(false)
    world.clock.pass(10 * 60 * 1000)
    await watch.look(still)
    expect(stateOf(machine.entries).sealed).toBe(true)
    expect(texts()).toHaveLength(1)
  })

  it('says so once, however often a watch is started', async () => {
    const { world, machine, start, texts, said } = site({ policy: 'tell', afterSeconds: 0 })
    world.faults
      .order('journal.append sealed', 'kill')
      .order('evidence.seal', 'fail', 2)
      .order('evidence.seal', 'fail', 3)
    expect(await untilDead(() => machine.run(params))).toBe(true)
    for (let look = 0; look < 4; look += 1) {
      await start().look(still)
      world.clock.pass(60 * 1000)
    }
    expect(texts()).toHaveLength(1)
    expect(said.filter((text) => text.endsWith(': sealing its evidence'))).toHaveLength(1)
    const before = said.length
    world.clock.pass(10 * 60 * 1000)
    await start().look(still)
    expect(stateOf(machine.entries).sealed).toBe(false)
    expect(said).toHaveLength(before)
    await start().look(still)
    expect(stateOf(machine.entries).sealed).toBe(true)
    expect(said.slice(before)).toEqual([expect.stringContaining(': its evidence is sealed now')])
    expect(texts()).toHaveLength(1)
  })

  it('is tried again at the next look where another process held it for a moment', async () => {
    const { world, machine, start } = site({ policy: 'tell', afterSeconds: 0 })
    world.faults.order('journal.append sealed', 'kill')
    expect(await untilDead(() => machine.run(params))).toBe(true)
    let looks = 0
    const watch = start({
      continueRun: async () => {
        looks += 1
        throw new RunbookError('held', 'another process holds it')
      },
    })
    await watch.look(still)
    await watch.look(still)
    expect(looks).toBe(2)
    await start().look(still)
    expect(stateOf(machine.entries).sealed).toBe(true)
  })

  it('is left alone while the process that ended it seals it', async () => {
    const { machine, around, texts, said } = site({ policy: 'tell', afterSeconds: 0 })
    const other = new Watcher({ ...around, journal: fakeJournal(machine.journal, around.clock) })
    machine.journal.beforeAppend = (_, { type }) => void (type === 'sealed' && looks.push(other.look(still)))
    const looks: Promise<void>[] = []
    expect((await machine.run(params)).code).toBe('succeeded')
    expect(looks).toHaveLength(1)
    await Promise.all(looks)
    expect([texts(), said]).toEqual([[], []])
  })
})

/** Looks every 5 s, as the service does, until nothing is open; a watch that dies is started again after a second. */
async function untilSettled(one: ReturnType<typeof site>, from: number, killAt: number): Promise<number> {
  const { world, machine, start } = one
  let watch = start()
  world.faults.killAfter(killAt)
  let downUntil = from
  for (let look = 0; look < 40; look += 1) {
    if (await untilDead(() => watch.look(still))) {
      world.clock.pass(1_000)
      watch = start()
    }
    if (one.isDown()) downUntil = world.clock.now().getTime()
    const state = stateOf(machine.entries)
    if (state.settled !== null || state.pivoted) break
    world.clock.pass(pause)
  }
  return downUntil - from
}

describe('whatever dies and when', () => {
  const moments = async (): Promise<number> => {
    const { world, machine } = site(rolling)
    await machine.run(params)
    return world.faults.reached.length
  }

  /** The run dies at this moment, and the watch at that one. */
  async function night(runDies: number, watchDies: number): Promise<void> {
    const where = `the run at ${runDies}, the watch at ${watchDies}`
    const one = site(rolling)
    const { world, machine } = one
    const before = { data: one.data(), services: world.state()['services'] }
    world.faults.killAfter(runDies)
    if (!(await untilDead(() => machine.run(params)))) return
    if (machine.journal.entries.length === 0) return
    const from = world.clock.now().getTime()
    const down = await untilSettled(one, from, watchDies)
    const state = stateOf(machine.entries)
    expect(one.isDown(), where).toBe(false)
    expect(down, where).toBeLessThanOrEqual(allowed)
    if (state.pivoted) return
    expect(state.settled?.outcome, where).toBe('rolled-back')
    expect(one.data(), where).toEqual(before.data)
    expect(world.state()['services'], where).toEqual(before.services)
    // The same message may be sent twice where the watch died before it could write that it was accepted.
    const counts = new Map<string, number>()
    for (const key of one.keys()) counts.set(key, (counts.get(key) ?? 0) + 1)
    const most = watchDies === Number.POSITIVE_INFINITY ? 1 : 2
    expect(Math.max(1, ...counts.values()), where).toBeLessThanOrEqual(most)
    const told = new Set(one.keys())
    for (const { entry } of machine.entries)
      if (entry.type === 'announced' && entry.problem === null)
        expect(told, where).toContain(`${machine.entries[0]?.run}/${entry.key}`)
  }

  /** Each part is a test, so that none takes long. */
  const parts = Array.from({ length: 12 }, (_, part) => part)

  it.each(parts)(
    'the service is back in time, nothing takes effect twice, each thing is told once: the run at every moment, part %i',
    async (part) => {
      const count = await moments()
      expect(count).toBeGreaterThan(50)
      for (let at = 1 + part; at <= count; at += parts.length) await night(at, Number.POSITIVE_INFINITY)
    },
  )

  describe.each([0.4, 0.55, 0.7])('the run at %d of its moments', (share) => {
    it.each(parts)('and the watch at every moment of its work, part %i', async (part) => {
      const runDies = Math.round((await moments()) * share)
      const one = site(rolling)
      one.world.faults.killAfter(runDies)
      await untilDead(() => one.machine.run(params))
      const already = one.world.faults.reached.length
      await untilSettled(one, 0, Number.POSITIVE_INFINITY)
      const work = one.world.faults.reached.length - already
      for (let at = 1 + part; at <= work; at += parts.length) await night(runDies, at)
    })
  })
})

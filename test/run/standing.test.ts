import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Entry, Stored } from '../../src/run/journal/entry.ts'
import { standingOf } from '../../src/run/journal/standing.ts'
import { fakeMachine, Killed, type FakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { closingText } from '../../src/views/unlock.ts'
import { endingText } from '../../src/views/ending.ts'
import { after, down, ended, intent, journalOf, planWith, up } from '../fixtures/told-run.ts'
import { damagedShop, shop } from '../steps/fake-shop.ts'

type Told = Parameters<typeof journalOf>[1]

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
        'Once it is closed, it can be neither resumed nor rolled back: what is left of its work is done or undone by hand.',
        'Look at the data, then start what is down: docker compose --project-name shop --file /srv/shop/compose.yml start web worker',
        '',
      ].join('\n'),
    )
    expect(closingText(run, null)).toContain('unknown what it has changed')
  })
})

describe('a run on processes', () => {
  const stack = {
    kind: 'process',
    project: 'shop',
    directory: '/srv/shop',
    state: '/srv/shop/state',
    services: {
      web: {
        command: ['node', 'web server.js'],
        environment: { PORT: '8080', API_TOKEN: 'canary-canary' },
        oneOff: false,
      },
      jobs: { command: ['node', 'jobs.js'], environment: {}, oneOff: false },
    },
  }
  const services = { stack, names: ['web', 'jobs'] }
  const plan = planWith([
    { title: 'Stop writers', kind: 'services.stop', input: { services }, ...down },
    { title: 'Start writers', kind: 'services.start', input: { services } },
    { title: 'Check health', effect: 'observe', ...up },
  ])
  const stopped: Told = [
    [
      1,
      { ...intent('Stop writers'), input: { services }, before: { running: ['web'], states: [] } } as Entry,
    ],
    [2, ended('Stop writers')],
  ]
  const started: Told = [
    ...stopped,
    [3, { ...intent('Start writers'), input: { services }, before: { running: [] } } as Entry],
    [4, ended('Start writers', { output: { names: ['web', 'jobs'] } })],
  ]
  const web =
    'grep -qszxF RUNBOOK_SERVICE=/srv/shop/state/web /proc/[0-9]*/environ || (cd /srv/shop && env PORT=8080 ' +
    'API_TOKEN=‹as in runbook.config.ts› RUNBOOK_SERVICE=/srv/shop/state/web ' +
    "setsid --fork node 'web server.js' >> /srv/shop/state/web.log 2>&1 < /dev/null)"

  it('leaves the command that starts what it stopped, and nothing that did not run before', () => {
    const entries = journalOf(plan, stopped)
    expect(standingOf(entries)).toMatchObject({ down: [{ service: 'web' }], starts: [web], looks: [] })
    expect(closingText('R1', entries)).toContain(`Look at the data, then start what is down: ${web}`)
  })

  it('that was not found up again leaves the commands for what may be down', () => {
    const entries = journalOf(plan, started)
    expect(standingOf(entries)).toMatchObject({ down: [], unconfirmedSince: after(1) })
    const text = closingText('R1', entries)
    expect(text).toContain(`  Perhaps DOWN since ${after(1)}: no health check has succeeded since then.`)
    expect(text).toContain(`Look at the data, then start what does not run: ${web}`)
    expect(text).toContain('setsid --fork node jobs.js')
  })

  it('says that the stop of the closed run is not its end, with the same commands', () => {
    const closed = journalOf(plan, [...stopped, [9, { type: 'released', by: 'ada', reason: 'by hand' }]])
    const result = {
      run: 'R1',
      outcome: 'open',
      code: 'failed',
      failure: null,
      folder: '/srv/e',
      findings: [],
      doubt: null,
    } as unknown as Parameters<typeof endingText>[0]
    expect(endingText(result, closed)).toMatch(/^DOWN since \S+: web .*\nStopped: .*/)
    expect(endingText(result, closed)).toContain(`then start what is down: ${web}\n`)
  })
})

it('a service that a run recreates is looked at first, and only then started', () => {
  const services = {
    stack: {
      kind: 'compose',
      project: 'shop',
      directory: '/srv/shop',
      files: ['/srv/shop/compose.yml'],
      envFiles: [],
      profiles: [],
      environment: {},
    },
    names: ['web'],
  }
  const plan = planWith([
    { title: 'Bring up', kind: 'services.bring-up', input: { services }, ...down },
    { title: 'Check health', effect: 'observe', ...up },
  ])
  const entries = journalOf(plan, [[1, { ...intent('Bring up'), input: { services } } as Entry]])
  const compose = 'docker compose --project-name shop --file /srv/shop/compose.yml'
  expect(closingText('R1', entries).split('\n').slice(-3, -1)).toEqual([
    `What runs now: ${compose} ps --all web`,
    `Look at the data, then start what does not run: ${compose} start web`,
  ])
})

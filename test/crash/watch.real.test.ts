import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { stateOf, type RunState } from '../../src/run/journal/state.ts'
import { isAnswered } from '../../src/run/watch-decision.ts'
import { postgresBinaries } from '../fixtures/requirements.ts'
import type { Kill } from './kill.ts'
import { PostgresShop, ShopServer } from './postgres-shop.ts'
import { whole, type Scene } from './scene.ts'
import { ShopTemplate, SqliteShop } from './sqlite-shop.ts'
import { Outages, SupervisedWatch, type WatchKill } from './watched.ts'

/** `RUNBOOK_WATCH_KILLS=1..200`, or `17,20..24`: these cases, which are the same each time for the same RUNBOOK_WATCH_SEED. */
const asked = process.env['RUNBOOK_WATCH_KILLS']
const wanted = (asked ?? '1..12').split(',').flatMap((range) => {
  const [from = 1, to = from] = range.split('..').map(Number)
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
})
const seed = Number(process.env['RUNBOOK_WATCH_SEED'] ?? 20_261_130)

/** More entries than a run has, so that some runs end by themselves. */
const entries = { run: 45, watch: 25 }

/** The time of the policy, and what the watch may take beyond it, in seconds. */
const [patience, most] = [2, 30]

const kill = (most: number): fc.Arbitrary<Kill> =>
  fc.record({
    when: fc.constantFrom('before', 'after', 'during'),
    count: fc.integer({ min: 1, max: most }),
    wait: fc.integer({ min: 0, max: 60 }),
  })

const cases = fc
  .sample(
    fc.record({
      engine: fc.constantFrom('sqlite', 'sqlite', 'postgres'),
      policy: fc.constantFrom('rollback', 'resume'),
      after: fc.constantFrom(0, patience),
      run: kill(entries.run),
      // The watch, and the one that is started in its place, or neither.
      watches: fc.array(
        fc.oneof<fc.Arbitrary<WatchKill>[]>(
          kill(entries.watch),
          fc.record({
            when: fc.constant('after the run' as const),
            wait: fc.integer({ min: 0, max: 9_000 }),
          }),
        ),
        { maxLength: 2 },
      ),
    }),
    { numRuns: Math.max(...wanted), seed },
  )
  .map((one, index) => ({ place: index + 1, name: `case ${index + 1}: ${JSON.stringify(one)}`, ...one }))
  .filter(({ place }) => wanted.includes(place))

const news = `{ by: 'command', command: ['sh', '-c', 'printf "%s\\\\n" "$NEWS_KEY" >> told'] }`

type Shop = AsyncDisposable & {
  readonly scene: Scene
  readonly confirm: readonly string[]
  run(): readonly string[]
  revision(): Promise<string | null>
  expectData(live: 'old' | 'new'): Promise<void>
}

async function openSqlite(template: ShopTemplate, more: string): Promise<Shop> {
  const shop = await SqliteShop.open(template, null, more)
  return {
    scene: shop.scene,
    confirm: shop.confirm,
    run: () => shop.run('beside'),
    revision: () => shop.revision(),
    expectData: (live) => shop.expectData(live, live === 'new' ? ['aside', 'replaced'] : []),
    [Symbol.asyncDispose]: () => shop[Symbol.asyncDispose](),
  }
}

/** Nothing is left to do for the watch: the run is over and everybody heard of it, or people have to go on with it. */
function isOver(told: readonly Stored[], policy: string): boolean {
  const keys = told.flatMap(({ entry }) => (entry.type === 'announcing' ? [entry.key] : []))
  if (!keys.every((key) => isAnswered(told, key))) return false
  const state = stateOf(told)
  if (state.settled !== null) return state.sealed
  if (policy === 'rollback') return state.pivoted && keys.some((key) => key.startsWith('killed-'))
  return keys.some((key) => key.startsWith('attempt-'))
}

const journalText = (told: readonly Stored[]): string =>
  told.map(({ at, entry }) => `${at} ${entry.type} ${String(entry['step'] ?? entry['key'] ?? '')}`).join('\n')

/** Steps whose effect was made, or taken back, more than once. */
function twice(told: readonly Stored[]): readonly string[] {
  const seen = told.flatMap(({ entry }) => {
    if (entry.type === 'ended' && entry.result === 'done') return [`${entry.step} done`]
    return entry.type === 'undo-ended' && entry.result === 'undone' ? [`${entry.step} undone`] : []
  })
  return seen.filter((one, index) => seen.indexOf(one) < index)
}

/** Approvals are given by people only. */
const isApproved = (state: RunState): boolean => state.steps.get('ask-the-operator')?.status === 'done'

let template: ShopTemplate
let server: ShopServer | null = null
const seen: { readonly run: boolean; readonly watches: number; readonly down: number }[] = []

beforeAll(async () => {
  template = new ShopTemplate()
  if (postgresBinaries()) server = await ShopServer.start()
})
afterAll(async () => {
  template[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
  const sum = (what: (one: (typeof seen)[number]) => boolean): number => seen.filter(what).length
  const down = seen.flatMap((one) => (one.down > 0 ? [one.down] : [])).sort((a, b) => a - b)
  process.stdout.write(
    `${wanted.length} cases of seed ${seed}: ${seen.length} as promised; killed: the run in ${sum(({ run }) => run)}, the watch in ${sum(({ watches }) => watches > 0)} (${seen.reduce((all, { watches }) => all + watches, 0)} times), both in ${sum(({ run, watches }) => run && watches > 0)}; down after the death of the run: in ${down.length}, median ${down[down.length >> 1] ?? 0} s, longest ${down.at(-1) ?? 0} s\n`,
  )
})

// They wait for the watch most of their time.
describe.concurrent('a run and the watch, killed at random', () => {
  it.for(cases)('$name', { timeout: 300_000 }, async ({ engine, policy, after, run, watches }, { skip }) => {
    const more = `watch: { policy: '${policy}', after: '${after}s' }, operators: { news: [${news}] },`
    if (engine === 'postgres' && server === null) return skip('Postgres is missing')
    await using shop =
      engine === 'postgres' && server !== null
        ? await PostgresShop.open(server, more)
        : await openSqlite(template, more)
    const { scene } = shop
    await using watch = new SupervisedWatch(scene, watches)
    await using outages = new Outages(async () => (await shop.revision()) !== null)
    const first = await scene.type(shop.run(), run)
    const died = Date.now()
    watch.runDied()

    let told = await scene.entries()
    for (let tries = 0; told.length > 0 && !isOver(told, policy); tries += 1) {
      expect(tries, `it never ended:\n${journalText(told)}\n${watch.output}${whole(first)}`).toBeLessThan(150)
      await sleep(1_000)
      told = await scene.entries()
    }
    await watch.stop()
    await outages[Symbol.asyncDispose]()
    const down = outages.longestAfter(died)
    const log = `${whole(first)}\n${watch.output}`
    const deaths = watch.deaths
    // A bound on time is asked for only where somebody asks for this proof: a machine that is busy with other suites is slow.
    if (asked !== undefined) expect(down, log).toBeLessThanOrEqual(after + most)
    const done = (): void => {
      seen.push({ run: first.signal === 'SIGKILL', watches: deaths, down })
    }
    if (told.length === 0) return done()

    const state = stateOf(told)
    const open = state.settled === null
    if (open) {
      // Behind the point of no return there is no way back, and an approval that nobody gave is not given by the watch.
      const forPeople = policy === 'rollback' ? state.pivoted : !isApproved(state)
      expect([forPeople, first.signal], log).toEqual([true, 'SIGKILL'])
      const resumed = await scene.type(['resume', ...shop.confirm])
      expect(resumed.code, whole(resumed)).toBe(0)
    }
    const last = await scene.entries()
    const outcome = stateOf(last).settled?.outcome ?? 'none'
    const forward = policy === 'resume' || state.pivoted
    expect(outcome, log).toBe(forward ? 'succeeded' : 'rolled-back')
    expect(twice(last), 'effects that were made twice').toEqual([])
    await scene.expectSettled(last, outcome, null)
    await shop.expectData(forward ? 'new' : 'old')
    const keys = (await scene.list('.')).includes('told')
      ? readFileSync(scene.path('told'), 'utf8').trimEnd().split('\n')
      : []
    // Once, or once more under the same key for each watch that died before it had written that it was accepted.
    expect(keys.length - new Set(keys).size, keys.join('\n')).toBeLessThanOrEqual(deaths)
    const announced = last.flatMap(({ entry, run: id }) =>
      entry.type === 'announcing' ? [`${id}/${entry.key}`] : [],
    )
    expect([...new Set(keys)].sort(), 'what was sent is what is recorded').toEqual(
      [...new Set(announced)].sort(),
    )
    const taken = told.findIndex(({ entry }) => entry.type === 'attempting')
    // Of a run that had not begun any step only its end is told.
    if (told.slice(0, Math.max(taken, 0)).some(({ entry }) => entry.type === 'intent'))
      expect(
        keys.filter((key) => key.includes('/killed-')).length,
        `people are told that it was found killed: ${log}`,
      ).toBeGreaterThan(0)
    done()
  })
})

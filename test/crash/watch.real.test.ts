import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stateOf } from '../../src/run/journal/state.ts'
import type { Kill } from './kill.ts'
import { whole } from './scene.ts'
import { ShopTemplate, SqliteShop } from './sqlite-shop.ts'

/** `RUNBOOK_WATCH_KILLS=200` tries 200 of them. */
const many = Number(process.env['RUNBOOK_WATCH_KILLS'] ?? 20)

/** More entries than a run has, so that some runs end by themselves. */
const entries = { run: 45, watch: 25 }

const kill = (most: number): fc.Arbitrary<Kill> =>
  fc.record({
    when: fc.constantFrom('before', 'after', 'during'),
    count: fc.integer({ min: 1, max: most }),
    wait: fc.integer({ min: 0, max: 60 }),
  })

const cases = fc.sample(
  fc.record({
    policy: fc.constantFrom('rollback', 'resume'),
    run: kill(entries.run),
    // The watch, and the one that is started in its place, or neither.
    watches: fc.array(kill(entries.watch), { maxLength: 2 }),
  }),
  { numRuns: many, seed: 20_261_130 },
)

const news = `{ by: 'command', command: ['sh', '-c', 'printf "%s\\\\n" "$NEWS_KEY" >> told'] }`

let template: ShopTemplate
beforeAll(() => {
  template = new ShopTemplate()
})
afterAll(() => template[Symbol.dispose]())

describe('a run, the watch, and the watch after it, killed at random', () => {
  it.each(cases.map((one, index) => ({ name: `case ${index}: ${JSON.stringify(one)}`, ...one })))(
    '$name',
    async ({ policy, run, watches }) => {
      await using shop = await SqliteShop.open(
        template,
        null,
        `watch: { policy: '${policy}' }, operators: { news: [${news}] },`,
      )
      const { scene } = shop
      const first = await scene.type(shop.run('beside'), run)
      let deaths = 0
      for (const one of watches)
        if ((await scene.type(['watch', '--once'], one)).signal === 'SIGKILL') deaths += 1
      const last = await scene.type(['watch', '--once'])
      expect(last.code, whole(last)).toBe(0)

      const told = (await scene.entries()).length === 0 ? null : stateOf(await scene.entries())
      if (told === null) return
      const open = told.settled === null
      if (open) {
        // Behind the point of no return there is no way back, and an approval that nobody gave is not given by the watch.
        const forPeople =
          policy === 'rollback' ? told.pivoted : told.steps.get('ask-the-operator')?.status !== 'done'
        expect([forPeople, first.signal], whole(last)).toEqual([true, 'SIGKILL'])
        const resumed = await scene.type(['resume', ...shop.confirm])
        expect(resumed.code, whole(resumed)).toBe(0)
      }
      const outcome = stateOf(await scene.entries()).settled?.outcome ?? 'none'
      const forward = policy === 'resume' || told.pivoted
      expect(outcome, whole(last)).toBe(forward ? 'succeeded' : 'rolled-back')
      if (!told.sealed && !open)
        expect((await scene.type(['resume'])).code).toBe(outcome === 'succeeded' ? 0 : 10)
      await scene.expectSettled(await scene.entries(), outcome, null)
      await shop.expectData(forward ? 'new' : 'old', forward ? ['aside', 'replaced'] : [])
      const keys = (await scene.list('.')).includes('told')
        ? readFileSync(scene.path('told'), 'utf8').trimEnd().split('\n')
        : []
      // Once, or once more under the same key for each watch that died before it had written that it was accepted.
      expect(keys.length - new Set(keys).size, keys.join('\n')).toBeLessThanOrEqual(deaths)
    },
    300_000,
  )
})

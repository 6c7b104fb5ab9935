import { describe, expect, it } from 'vitest'
import { canonical, type JsonObject } from '../../src/kernel/json.ts'
import { planOf, type Plan } from '../../src/model/plan.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import { replan } from '../../src/run/replan.ts'
import { olderPlan } from '../fixtures/older-journal.ts'
import { bookOf, look, put, target } from './bench.ts'

/** As it comes back from a journal, which sorts the keys. */
const journaled = (book: Runbook): Plan => JSON.parse(canonical(planOf(book, target, {}).plan)) as Plan

const difference = async (plan: Plan, today: Runbook): Promise<string | null> =>
  (await replan({ runbook: async () => today, target: async () => target }, plan)).difference

const book = (text: string, run: () => Promise<JsonObject> = async () => ({})): Runbook =>
  bookOf(({ step }) => {
    step('Look', look(run))
    step('Write', put('/a', text))
  })

describe('the difference between the plan of a run and the current one', () => {
  it('is none where both do the same', async () => {
    expect(await difference(journaled(book('new')), book('new'))).toBeNull()
  })

  it('shows what changed, and no keys in another order and no digests', async () => {
    const shown = (await difference(journaled(book('new')), book('newer'))) ?? ''
    expect(shown.split('\n').filter((line) => /^[-+](?![-+])/.test(line))).toEqual([
      '-        "text": "new"',
      '+        "text": "newer"',
    ])
    expect(shown).not.toMatch(/[0-9a-f]{64}/)
  })

  it('names the steps whose code changed', async () => {
    const changed = book('new', async () => ({ other: true }))
    expect(await difference(journaled(book('new')), changed)).toBe(
      'the code of these steps changed: "Look" (bench.look)\n',
    )
    const both = (await difference(journaled(book('old')), changed)) ?? ''
    expect(both).toContain('+        "text": "new"\n')
    expect(both.endsWith('\nthe code of these steps changed: "Look" (bench.look)\n')).toBe(true)
  })

  it('names all kinds for a plan that keeps one digest for all steps', async () => {
    const older = olderPlan(journaled(book('new')))
    expect(await difference(older, book('new'))).toBeNull()
    const changed = book('new', async () => ({ other: true }))
    expect(await difference(older, changed)).toContain(
      'the code of one or more steps changed; their kinds: bench.look, bench.put',
    )
  })

  it('cannot be accepted where a step is gone, as where its id is made from a configured value', async () => {
    const titled = (value: string): Runbook =>
      bookOf(({ step }) => step(`Set MODE=${value}`, put('/a', value)))
    await expect(difference(journaled(titled('off')), titled('0'))).rejects.toMatchObject({
      code: 'changed',
      message: expect.stringContaining('not in the runbook any more: "Set MODE=off"') as string,
      hint: expect.stringMatching(
        /the runbook file and the configuration .*\{ id: 'set-mode-off' \}/,
      ) as string,
    })
  })
})

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { boundariesOf } from '../crash/boundaries.ts'
import { deadly } from '../crash/kill.ts'
import { DrillSite, type Print } from '../fixtures/drill-site.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

// One service for all of it: however a drill ends, it is as it was.
let site: DrillSite
let before: Print
beforeAll(async () => {
  site = await DrillSite.open()
  before = site.print()
})
afterAll(() => site[Symbol.asyncDispose]())

/** The riskiest steps, how long each takes, what mostly follows (it is the quicker way), and where the other one does. */
const steps = [
  ['move-the-live-data-aside', 2, 'rollback', 'after effect'],
  ['put-the-live-data-back', 4, 'resume', 'mid-effect'],
] as const

describe.each(steps)('killed at %s', (step, milliseconds, usual, otherwise) => {
  const other = usual === 'resume' ? 'rollback' : 'resume'
  it.each(
    boundariesOf(step, milliseconds).map(
      ([where, kill]) => [where, where === otherwise ? other : usual, kill] as const,
    ),
  )('%s, then %s', async (_, way, kill) => {
    const { node, env } = deadly(kill)
    const killed = await site.drill([], { node, env })
    expect(killed.signal, `${killed.stdout}${killed.stderr}`).toBe('SIGKILL')
    expect(await site.answers()).toBeNull()
    const finished = await site.type([way, ...(way === 'resume' ? ['--answer', 'outcome=it went well'] : [])])
    expect(finished.code, `${finished.stdout}${finished.stderr}`).toBe(0)
    expect(await site.answers()).toBe('1.0.2, live data')
    // Before the live data was aside, the service had written nothing into the restored data.
    expect(site.takeKept()).toHaveLength(step === 'put-the-live-data-back' || way === 'resume' ? 1 : 0)
    expect(site.print()).toEqual(before)
    expect([...site.asides(), ...site.staged()]).toEqual([])
  })
})

it('no run is open in the end', async () => {
  expect((await site.type(['status'])).stdout).toBe('No open runs.\n')
})

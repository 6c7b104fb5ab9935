import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { runbook } from '../../src/model/runbook.ts'
import { defineStep, type DutyRecord } from '../../src/model/step.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { fakeMachine, fakeWorld } from '../../src/testing/index.ts'
import { dryRunText } from '../../src/views/dry-run.ts'
import { junitOf } from '../../src/views/junit.ts'
import { reportOf } from '../../src/views/report.ts'
import { target } from '../model/bare.ts'
import { olderPlan } from '../fixtures/older-journal.ts'

const done: DutyRecord = {
  name: 'call',
  outcome: 'done',
  by: 'ada',
  at: '2026-02-03T04:12:00.000Z',
  how: 'flag',
  text: 'called',
}

const runOf = async (kind: string, duty: boolean, mode: 'run' | 'dryRun'): Promise<readonly Stored[]> => {
  const step = defineStep<JsonObject, DutyRecord>({
    kind,
    version: 1,
    effect: 'decide',
    ...(duty ? { duty: true as const } : {}),
    describe: () => 'Asks ada to call.',
    run: async () => done,
  })
  const book = runbook('own', { title: 'Own', when: 'Never.', needs: [], params: {} }, ({ step: add }) => {
    add('Call the shop', step({}))
  })
  const machine = fakeMachine(fakeWorld(), { book, target })
  await machine[mode]()
  return machine.entries
}

/** As a program journaled them before steps declared their duty. */
const older = (entries: readonly Stored[]): readonly Stored[] =>
  entries.map(
    (stored) =>
      (stored.entry.type === 'opened'
        ? { ...stored, entry: { ...stored.entry, plan: olderPlan(stored.entry.plan) } }
        : stored) as Stored,
  )

const shownIn = (entries: readonly Stored[]) => ({
  junit: junitOf(recordOf(entries)).includes('<property name="duty.text" value="called"/>'),
  report: reportOf(recordOf(entries)).includes('| Duty'),
  approval: reportOf(recordOf(entries)).includes('## Approvals\n\n- Call the shop'),
})

describe('a step that records the work of a person', () => {
  it.each<[string, () => Promise<readonly Stored[]>, boolean]>([
    ['declares it, whatever its kind', () => runOf('team.call', true, 'run'), true],
    ['is people.duty in an older journal', async () => older(await runOf('people.duty', true, 'run')), true],
    ['does not declare it', () => runOf('team.call', false, 'run'), false],
    ['is called people.duty and does not declare it', () => runOf('people.duty', false, 'run'), false],
  ])('is shown as a duty, or as an approval, where it %s', async (_, entries, duty) => {
    expect(shownIn(await entries())).toEqual({ junit: duty, report: duty, approval: !duty })
  })

  it('is among what people will be asked in a dry run', async () => {
    const asked = 'People will be asked:\n  - Asks ada to call.'
    expect(dryRunText(await runOf('team.call', true, 'dryRun'), [])).toContain(asked)
    expect(dryRunText(older(await runOf('people.duty', true, 'dryRun')), [])).toContain(asked)
    expect(dryRunText(await runOf('team.call', false, 'dryRun'), [])).not.toContain('People will be asked')
  })

  it('is told by an older journal as it was told then', async () => {
    const entries = await runOf('people.duty', true, 'run')
    expect(junitOf(recordOf(older(entries)))).toBe(junitOf(recordOf(entries)))
    expect(recordOf(older(entries)).steps).toEqual(recordOf(entries).steps)
  })
})

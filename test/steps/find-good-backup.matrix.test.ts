import { describe, expect, it } from 'vitest'
import book from '../../runbooks/find-good-backup.ts'
import { sha256, type Json, type JsonObject } from '../../src/kernel/json.ts'
import type { StepFunction } from '../../src/model/step.ts'
import type { Target } from '../../src/model/target.ts'
import { dumpBytes, fakeMachine, lay, type FakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { listCandidates, type Candidates } from '../../steps/bisection/list-candidates.ts'
import { reportGood, type NewestGood } from '../../steps/bisection/report-good.ts'
import { testBackup, type Round } from '../../steps/bisection/test-backup.ts'
import { startThrowaway, type ThrowawayServer } from '../../steps/containers/throwaway-postgres.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { braceDumps, checklist, dumped, dumpFile, image, withDump } from './fake-restore.ts'
import { handsOn } from './hands.ts'

const { record: _record, ...by } = braceDumps.restoreTest!
const target: Target = { ...braceDumps, restoreTest: { ...by, record: null } }

/** Two rows in the table that must have one. */
const damaged = {
  ...dumped,
  tables: { ...dumped.tables, alembic_version: [{ version_num: 'a' }, { version_num: 'b' }] },
}

/** From before there were two orders. */
const early = { ...dumped, tables: { ...dumped.tables, orders: [{ id: 1 }] } }

const fileAt = (hoursAgo: number): string => {
  const at = new Date(Date.parse('2026-02-03T04:00:00Z') - hoursAgo * 3_600_000)
  const stamp = at.toISOString().replaceAll(/[-:T]|\.000Z/g, '')
  return `/srv/brace/backups/brace_tg_${stamp}.dump`
}

type Kind = 'good' | 'bad' | 'small' | 'no dump' | 'cut off' | 'wrong checksum'

/** Newest first, one an hour. */
function history(kinds: readonly Kind[]): FakeWorld {
  const world = withDump()
  world.disk.files.delete(dumpFile)
  for (const [index, kind] of kinds.entries()) {
    const body = dumpBytes(kind === 'bad' ? damaged : kind === 'small' ? early : dumped)
    const shown = kind === 'no dump' ? 0 : kind === 'cut off' ? 200 : body.length
    lay(world.disk, fileAt(index), body.subarray(0, shown))
    if (kind === 'wrong checksum')
      lay(
        world.disk,
        `${fileAt(index)}.sha256`,
        `${sha256('other')}  ${fileAt(index).slice(fileAt(index).lastIndexOf('/') + 1)}\n`,
      )
  }
  return world
}

const damagedFor = (bad: number, count: number): readonly Kind[] =>
  Array.from({ length: count }, (_, index) => (index < bad ? 'bad' : 'good'))

provesItself({
  name: 'find-good-backup',
  book,
  target,
  params: {},
  world: () => history(damagedFor(1, 2)),
  records: [checklist],
  succeeded: (world) => {
    expect(world.containers.containers.size).toBe(0)
    expect(Buffer.from(world.disk.files.get(checklist) ?? []).toString()).toContain(
      `| succeeded | ${fileAt(1)} |`,
    )
  },
})

const answerOf = (machine: FakeMachine): NewestGood | undefined =>
  machine.entries.flatMap(({ entry }) =>
    entry.type === 'ended' && entry.step === 'report-the-newest-good-backup'
      ? [entry.output as unknown as NewestGood]
      : [],
  )[0]

const restores = (machine: FakeMachine): number =>
  machine.world.faults.reached.filter((moment) => moment === 'databases.restoreBeside').length

async function find(kinds: readonly Kind[]) {
  const machine = fakeMachine(history(kinds), { book, target })
  const result = await machine.run()
  return { machine, result, answer: answerOf(machine), restored: restores(machine) }
}

/** The steps of the runbook in their order, without the engine: what they decide does not depend on it. */
async function searched(kinds: readonly Kind[]): Promise<{ good: NewestGood | null; restored: number }> {
  const world = history(kinds)
  const { io, look } = handsOn(world)
  const { backups: from } = braceDumps
  const { assertions = [], restoreTest: how } = target
  if (from === undefined || how === undefined) throw new Error('the target lacks a section')
  const candidates = (await runOf(listCandidates)(look, {
    engine: 'postgres',
    name: 'brace',
    from,
    by: how,
    most: 257,
  })) as Candidates
  const dump = { name: candidates.newest.name, major: candidates.major }
  const input = { purpose: 'find-good', by: how, dump }
  const before = { container: 'searched', image }
  const throwaway = (await runOf(startThrowaway)(io, { input, before })) as ThrowawayServer
  const rounds: Round[] = []
  for (let round = 0; round < 9; round += 1)
    rounds.push(
      (await runOf(testBackup)(io, {
        name: 'brace',
        from,
        assertions,
        candidates,
        server: { throwaway, by: how },
        earlier: [...rounds],
      })) as Round,
    )
  const restored = world.faults.reached.filter((moment) => moment === 'databases.restoreBeside').length
  const good = await runOf(reportGood)(look, { candidates, rounds, assertions: 1, restorable: true }).catch(
    () => null,
  )
  return { good: good as NewestGood | null, restored }
}

const runOf = ({ step }: StepFunction<never, Json>) =>
  step.run as unknown as (io: unknown, input: JsonObject) => Promise<Json>

describe('find-good-backup', () => {
  it('is right in 100 of 100 seeded histories, each in at most 6 restores', async () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const count = 1 + ((seed * 7) % 30)
      const bad = (seed * 13) % (count + 1)
      const { good, restored } = await searched(damagedFor(bad, count))
      if (bad === count) expect(good).toBeNull()
      else expect(good?.file, `${bad} of ${count}`).toBe(fileAt(bad))
      expect(good?.firstBad?.file, `${bad} of ${count}`).toBe(
        bad === 0 || bad === count ? undefined : fileAt(bad - 1),
      )
      expect(restored).toBeLessThanOrEqual(6)
    }
  })

  it('ends with the command that restores what it found, and claims no more than it tested', async () => {
    const { answer } = await find(damagedFor(3, 20))
    expect(answer?.claims[0]).toMatch(/: restored, and all assertions pass$/)
    expect(answer?.command).toBeNull()
    expect(answer?.conclusion.lines.at(-1)).toBe(
      'Restoring it needs `writers` and `health`:  runbook help config writers',
    )
    const { good } = await searched(damagedFor(3, 20))
    expect(good?.command).toMatch(/^runbook run full-db-rollback --target \S+ --dump /)
    expect(good?.command).toContain(fileAt(3))
    expect(answer?.firstBad?.why).toContain('there is one migration level')
    expect(answer?.claims.join('\n')).toMatch(/^\d+ older ones were not tested$/m)
    expect(answer?.tested).toBeLessThan(20)
  })

  it('says once that nothing is left to test, however many rounds are left', async () => {
    const { machine } = await find(damagedFor(0, 3))
    const notes = machine.events.flatMap((event) => (event.type === 'note' ? [event.line] : []))
    expect(notes.filter((line) => line === 'nothing is left to test')).toHaveLength(1)
  })

  it('does not say that assertions pass where none is configured', async () => {
    const machine = fakeMachine(history(damagedFor(0, 3)), { book, target: { ...target, assertions: [] } })
    await machine.run()
    expect(answerOf(machine)?.claims[0]).toMatch(/, and its tables have rows; no assertion is configured$/)
  })

  it('passes over damaged backups, and names those between its neighbours', async () => {
    const { answer, result } = await find([
      'bad',
      'bad',
      'no dump',
      'cut off',
      'wrong checksum',
      'good',
      'good',
    ])
    expect(result.code).toBe('succeeded')
    expect(answer).toMatchObject({ file: fileAt(5), firstBad: { file: fileAt(1) } })
    expect(answer?.claims.join('\n')).toContain(`could not be considered: ${fileAt(2)}`)
    expect(answer?.claims.join('\n')).toMatch(
      new RegExp(`between them, damaged and not judged: .*${fileAt(3)}.*`),
    )
    expect(answer?.claims.join('\n')).toMatch(
      new RegExp(`between them, damaged and not judged: .*${fileAt(4)}.*`),
    )
  })

  it('where the data was repaired meanwhile, both neighbours are tested ones', async () => {
    const kinds: readonly Kind[] = ['bad', 'good', 'bad', 'bad', 'good', 'bad', 'good', 'good']
    const { answer, machine } = await find(kinds)
    const at = kinds.findIndex((_, index) => fileAt(index) === answer?.file)
    expect(kinds[at]).toBe('good')
    expect(kinds[at - 1]).toBe('bad')
    expect(answer?.firstBad?.file).toBe(fileAt(at - 1))
    expect(restores(machine)).toBeLessThanOrEqual(4)
  })

  it('finds it where older backups fail an assertion that only newer ones meet', async () => {
    const machine = fakeMachine(history(['bad', 'bad', 'good', 'good', 'small', 'small', 'small', 'small']), {
      book,
      target: {
        ...target,
        assertions: [
          ...target.assertions!,
          { name: 'orders are there', sql: 'select count(*) from orders', expect: { atLeast: 2 } },
        ],
      },
    })
    await machine.run()
    expect(answerOf(machine)).toMatchObject({ file: fileAt(2), firstBad: { file: fileAt(1) } })
    expect(restores(machine)).toBeLessThanOrEqual(4)
  })

  it('none is good: it says so, and removes the server', async () => {
    const { result, machine } = await find(['bad', 'bad', 'wrong checksum'])
    expect(result.failure?.message).toMatch(/none of the 3 tested backups is good; 0 were not tested/)
    expect(machine.world.containers.containers.size).toBe(0)
  })

  it('a server without room is no verdict on a backup', async () => {
    const world = history(damagedFor(1, 3))
    const machine = fakeMachine(world, {
      book,
      target: { ...target, restoreTest: { ...target.restoreTest!, room: 1e12 } },
    })
    const result = await machine.run()
    expect(result).toMatchObject({ code: 'failed', outcome: 'rolled-back' })
    expect(result.failure?.message).toContain('the throwaway server has')
    expect(world.containers.containers.size).toBe(0)
  })

  it('is refused where nothing can be tested, or how is not configured', async () => {
    const { restoreTest: _how, ...without } = target
    const unset = await fakeMachine(history(['good']), { book, target: without }).run()
    expect(unset).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(JSON.stringify(unset.findings)).toContain('restoreTest is not configured')
    const world = history(['good'])
    lay(world.disk, fileAt(0), 'no dump at all, though long enough')
    const none = await fakeMachine(world, { book, target }).run()
    expect(none.failure?.message).toContain('none of 1 backups in /srv/brace/backups can be tested')
    expect(JSON.stringify(none.findings)).toContain('see all of them: runbook backups')
  })
})

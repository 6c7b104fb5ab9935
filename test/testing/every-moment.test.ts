import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { param } from '../../src/model/param.ts'
import { runbook } from '../../src/model/runbook.ts'
import {
  emptyDisk,
  everyMoment,
  fakeMachine,
  fakeWorld,
  lay,
  type FakeMachine,
} from '../../src/testing/index.ts'
import { logResult } from '../../steps/records/log-result.ts'
import { target } from '../model/bare.ts'
import { writeNote, writeNoteForGood, writeNoteNailed } from './notes.ts'

const machineWith =
  (write: typeof writeNote, fails = false) =>
  (): FakeMachine => {
    const world = fakeWorld({ disk: emptyDisk() })
    const book = runbook(
      'notes',
      { title: 'Notes', when: 'Never.', params: { file: param.path('First').default('/first') } },
      ({ step, params }) => {
        step('Write the first', write({ file: params.file }))
        step('Write the second', writeNote({ file: fails ? '/none/second' : '/second' }))
      },
    )
    return fakeMachine(world, { book, target })
  }

describe('every moment', () => {
  it('of a sound runbook is safe, and tried', async () => {
    const seen: FakeMachine[] = []
    const machine = (): FakeMachine => {
      const made = machineWith(writeNote)()
      seen.push(made)
      return made
    }
    const moments = await everyMoment(machine)
    expect(moments.filter((moment) => moment === 'files.write')).toHaveLength(2)
    // Undisturbed, another fresh one, a dry run, and for each moment a failure and two kills.
    expect(seen).toHaveLength(3 + 3 * moments.length)
    const outcomes = new Set(seen.slice(3).map(({ entries }) => entries.at(-1)?.entry.type))
    expect([...outcomes]).toEqual(expect.arrayContaining(['sealed']))
  })

  it('takes parameters, and compares what it is told to', async () => {
    const compared: string[] = []
    await everyMoment(machineWith(writeNote), {
      params: { file: '/other' },
      compare: (state) => {
        compared.push(...Object.keys(state['files'] as object))
        return null
      },
    })
    expect(compared).toContain('/other')
    expect(compared).not.toContain('/first')
  })

  it('leaves out the records that a run adds beside its evidence, and nothing that was there', async () => {
    const recorded = (): FakeMachine => {
      const disk = emptyDisk()
      lay(disk, '/artifacts/earlier.md', '# Restores')
      const book = runbook('records', { title: 'Records', when: 'Never.' }, ({ step, lastly }) => {
        step('Write', writeNote({ file: '/first' }))
        lastly('Log', logResult({ checklist: '/artifacts/new/checklist.md', about: null }))
      })
      return fakeMachine(fakeWorld({ disk }), { book, target })
    }
    const compared: JsonObject[] = []
    const enough = everyMoment(recorded, {
      compare: (state) => {
        compared.push(state)
        if (compared.length === 2) throw new Error('enough')
        return null
      },
    })
    await expect(enough).rejects.toThrow('enough')
    const [before, after] = compared
    expect(Object.keys(before?.['files'] ?? {})).toEqual(['/artifacts/earlier.md'])
    expect(Object.keys(after?.['files'] ?? {})).toEqual(['/artifacts/earlier.md', '/first'])
    expect(after?.['folders']).toEqual(before?.['folders'])
  })

  it('shows the moments at which an undo does not bring back what was', async () => {
    await expect(everyMoment(machineWith(writeNoteForGood))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(
        /^not safe at every moment:\n(?: {2}.*: ended rolled-back, and differs from the world before in files.*\n?)/,
      ) as string,
    })
    // Where that does not count, it is safe.
    await everyMoment(machineWith(writeNoteForGood), { compare: () => null })
  })

  it('names the reason of a run that needs a person, in one line', async () => {
    const shown = await everyMoment(machineWith(writeNoteNailed)).then(
      () => '',
      (thrown: unknown) => (thrown as Error).message,
    )
    const open = shown.split('\n').filter((line) => line.includes('not settled: ended needs-human'))
    expect(open.length).toBeGreaterThan(0)
    for (const line of open) expect(line).toMatch(/ended needs-human: .*the note is nailed down/)
  })

  it('needs a run that succeeds undisturbed', async () => {
    await expect(everyMoment(machineWith(writeNote, true))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^the run without faults ended rolled-back: /) as string,
    })
  })

  it('needs a fresh world each time, the same one', async () => {
    const one = machineWith(writeNote)()
    await expect(everyMoment(() => one)).rejects.toThrow(/^two fresh machines differ in files\./)
    let made = 0
    await expect(
      everyMoment(() => {
        const machine = machineWith(writeNote)()
        lay(machine.world.disk, '/count', String((made += 1)))
        return machine
      }),
    ).rejects.toThrow(/^two fresh machines differ in files\./)
  })
})

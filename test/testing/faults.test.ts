import { describe, expect, it } from 'vitest'
import { runbook } from '../../src/model/runbook.ts'
import { emptyDisk, fakeMachine, fakeWorld, Killed } from '../../src/testing/index.ts'
import { target } from '../model/bare.ts'
import { writeNote } from './notes.ts'

const book = runbook('note', { title: 'Note', when: 'Never.' }, ({ step }) => {
  step('Write', writeNote({ file: '/note' }))
})
const prepared = () => {
  const disk = emptyDisk()
  const world = fakeWorld({ disk })
  return { world, machine: fakeMachine(world, { book, target }) }
}

describe('a fault that a test orders', () => {
  it('fires, and the test goes on', async () => {
    const { world, machine } = prepared()
    world.faults.order('files.write', 'fail')
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(world.faults.unfired).toEqual([])
  })

  it.each<[what: string, moment: string, time: number, hint: RegExp]>([
    ['is misspelt', 'files.wriet', 1, /^files\.wriet was never reached; did you mean files\.write\?; /],
    ['is never reached', 'services.start', 1, /^services\.start was never reached; /],
    ['is reached too seldom', 'files.write', 2, /^files\.write was reached 1 of 2 times$/],
  ])('rejects a run that is settled where its moment %s', async (_, moment, time, hint) => {
    const { world, machine } = prepared()
    world.faults.order(moment, 'fail', time)
    await expect(machine.run()).rejects.toMatchObject({
      code: 'usage',
      message: `a fault that the test ordered never fired: fail at ${moment}${time === 1 ? '' : `, time ${time}`}`,
      hint: expect.stringMatching(hint) as string,
    })
  })

  it('rejects where another failed first', async () => {
    const { world, machine } = prepared()
    world.faults.order('files.write', 'fail').order('files.write done', 'fail')
    await expect(machine.run()).rejects.toThrow(/never fired: fail at files\.write done$/)
  })

  it('rejects a dry run too', async () => {
    const { world, machine } = prepared()
    world.faults.order('files.write', 'fail')
    await expect(machine.dryRun()).rejects.toThrow(/never fired/)
  })

  it('may wait for the process that takes a killed run up', async () => {
    const { world, machine } = prepared()
    world.faults.order('files.write done', 'kill').order('files.removeTree', 'fail')
    await expect(machine.run()).rejects.toBeInstanceOf(Killed)
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(world.faults.unfired).toEqual([])
  })

  it('fires from a time on, however often that is', async () => {
    const { world, machine } = prepared()
    world.faults.order('files.write done', 'fail').orderFrom('files.removeTree', 'fail')
    expect(await machine.run()).toMatchObject({ outcome: 'needs-human' })
    expect(world.faults.reached.filter((moment) => moment === 'files.removeTree').length).toBeGreaterThan(1)
  })
})

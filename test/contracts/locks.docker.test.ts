import { randomBytes } from 'node:crypto'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { locksFor } from '../../src/cli/locks.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { eventually } from '../fixtures/eventually.ts'
import { holdInProcess } from '../fixtures/lock-process.ts'
import { locksContract, type LocksWorld } from './locks.contract.ts'

const open = async (): Promise<LocksWorld> => {
  const project = `rbtest-${randomBytes(4).toString('hex')}`
  const partOf = (name: string) => ({
    kind: 'docker' as const,
    name: `service/${project}/${name}`,
    what: `service ${name} of ${project}`,
  })
  return {
    open: () => locksFor({ clock: systemClock, register: () => undefined, environment: {} }),
    part: partOf('web'),
    neighbour: partOf('jobs'),
    hold: (part, holder) => holdInProcess(part, holder),
    evicts: false,
    close: async () => {
      const { stdout } = await execa('docker', ['volume', 'ls', '--quiet', '--filter', `label=runbook.lock`])
      const left = await Promise.all(
        stdout.split('\n').map(async (name) => {
          const { stdout: of } = await execa(
            'docker',
            ['volume', 'inspect', '--format', '{{index .Labels "runbook.lock"}}', name],
            { reject: false },
          )
          return of.includes(project) ? [name] : []
        }),
      )
      if (left.flat().length > 0) await execa('docker', ['volume', 'rm', ...left.flat()])
    },
  }
}

locksContract('of the Docker daemon', open)

test('a released lock leaves nothing on the daemon', async () => {
  const world = await open()
  const result = await world.open().take(world.part, {
    run: '20261129-131507-aaaaa',
    by: 'deploy',
    host: 'here',
    since: '2026-11-29T13:15:07.000Z',
  })
  const volumes = async () =>
    (
      await execa('docker', [
        'volume',
        'ls',
        '--quiet',
        '--filter',
        'label=runbook.lock.run=20261129-131507-aaaaa',
      ])
    ).stdout
  expect(await volumes()).toContain('runbook-lock-')
  if (result.is === 'taken') await result.lock.release()
  expect(await volumes()).toBe('')
})

test('a holder is named again where its volume was pruned', async () => {
  const world = await open()
  const locks = world.open()
  const holder = {
    run: '20261129-131507-bbbbb',
    by: 'deploy',
    host: 'here',
    since: '2026-11-29T13:15:07.000Z',
  }
  const result = await locks.take(world.part, holder)
  if (result.is !== 'taken') throw new Error('it is held')
  try {
    const label = `label=runbook.lock.run=${holder.run}`
    const { stdout } = await execa('docker', ['volume', 'ls', '--quiet', '--filter', label])
    await execa('docker', ['volume', 'rm', stdout])
    await eventually(async () => (await locks.look(world.part)).is === 'held', 'the holder is named again')
    expect(await world.open().look(world.part)).toEqual({ is: 'held', by: holder })
  } finally {
    await result.lock.release()
  }
  expect(await locks.look(world.part)).toEqual({ is: 'free' })
})

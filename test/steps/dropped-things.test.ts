import { describe, expect, it } from 'vitest'
import backup from '../../runbooks/data-backup.ts'
import records from '../../runbooks/recover-records.ts'
import sqlite from '../../runbooks/sqlite-restore.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import type { Entry } from '../../src/run/journal/entry.ts'
import { fakeMachine, Killed, lay, layInVolume, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { codexData, drive, older } from './fake-drive.ts'
import * as volume from './fake-volume.ts'

type When = { readonly type: Entry['type']; readonly step: string }

/** What somebody else does right after the first such journal entry. */
function meddled(
  world: FakeWorld,
  of: { readonly book: Runbook; readonly target: Target; readonly when: When },
  meddle: () => void,
) {
  const machine = fakeMachine(world, of)
  const append = machine.journal.afterAppend
  let done = false
  machine.journal.afterAppend = (stored) => {
    append(stored)
    const { entry } = stored
    if (done || entry.type !== of.when.type || !('step' in entry) || entry.step !== of.when.step) return
    done = true
    meddle()
  }
  return machine
}

const dropping = 'drop-the-copy-of-the-backup'
const inserting = 'insert-what-is-missing'
const removing = 'remove-the-old-file-from-the-volume'
const swapping = 'put-the-backup-in-its-place'

describe('what somebody else put under a name that a run drops stays, and is named', () => {
  it.each([
    ['before the step', { type: 'ended', step: inserting }],
    ['once the step has begun', { type: 'intent', step: dropping }],
  ] as const)('a database in the place of a copy, %s', async (_, when) => {
    const world = damagedShop()
    world.server.databases.set('shop', { tables: { orders: [] }, generation: 'live', owner: 'app' })
    const copyOf = () => [...world.server.databases.keys()].find((name) => name.includes('__rb_')) ?? ''
    const machine = meddled(world, { book: records, target: shop, when }, () =>
      world.server.databases.set(copyOf(), {
        tables: { mine: [] },
        generation: 'of another',
        owner: 'app',
      }),
    )
    const result = await machine.run({ tables: 'orders:id', key: '1', export: '/srv/export' })
    expect(result, JSON.stringify(result)).toMatchObject({ outcome: 'succeeded' })
    expect(world.server.databases.get(copyOf())?.tables).toEqual({ mine: [] })
    const ended = machine.entries.findLast(({ entry }) => entry.type === 'ended' && entry.step === dropping)
    expect(ended?.entry).toMatchObject({
      output: { stays: expect.stringContaining('stays: it is not the copy that this run made') as string },
    })
  })

  it.each([
    ['before the step', { type: 'ended', step: swapping }],
    ['once the step has begun', { type: 'intent', step: removing }],
  ] as const)('a file in the place of an old one in a volume, %s', async (_, when) => {
    const world = volume.world('plain')
    const asideIn = () =>
      [...(world.volumes.get('api')?.keys() ?? [])].find((path) => /\.old-\d{8}-\d{6}-\w+$/.test(path)) ?? ''
    const machine = meddled(world, { book: sqlite, target: volume.target, when }, () =>
      layInVolume(world.volumes, 'api', asideIn(), 'of another'),
    )
    const result = await machine.run({})
    expect(result, JSON.stringify(result)).toMatchObject({ outcome: 'succeeded' })
    expect(Buffer.from(world.volumes.get('api')?.get(asideIn())?.body ?? '').toString()).toBe('of another')
    const ended = machine.entries.findLast(({ entry }) => entry.type === 'ended' && entry.step === removing)
    expect(ended?.entry).toMatchObject({ output: { removed: [] } })
  })

  it('a backup in the place of one that is pruned, where the run was killed in between', async () => {
    const world = drive()
    const when = { type: 'intent', step: 'remove-old-backups' } as const
    const machine = meddled(world, { book: backup, target: codexData, when }, () =>
      world.faults.order('files.removeTree', 'kill'),
    )
    const [, , , oldest] = older
    await expect(machine.run({ prune: true, keep: 1 })).rejects.toBeInstanceOf(Killed)
    lay(world.disk, oldest, Buffer.from(world.disk.files.get(oldest) ?? []).fill('x'))
    expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(world.disk.files.has(oldest)).toBe(true)
  })
})

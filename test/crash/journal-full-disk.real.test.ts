import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'
import { openJournal, viewJournal } from '../../src/adapters/journal/open.ts'
import { reserveBytes } from '../../src/adapters/journal/room.ts'
import type { Entry, Opened } from '../../src/run/journal/entry.ts'
import type { Lease, Journal } from '../../src/run/journal/journal.ts'
import { forgetTable } from '../adapters/journal/forget-table.ts'
import { ended, intent, opened, settled } from '../fixtures/entries.ts'
import { LoopDisk, SmallDisk } from '../fixtures/loop-disk.ts'
import { canMount } from '../fixtures/requirements.ts'

const disks = [
  ['tmpfs', () => new SmallDisk(6_000)],
  ['ext4', () => new LoopDisk(16)],
] as const
const noSpace = {
  name: 'RunbookError',
  code: 'preflight',
  message: expect.stringMatching(/no space is left.*: at least \d+ kB are needed there, and \d+ kB are free/),
  hint: expect.stringContaining('df -h'),
}

describe.skipIf(!canMount()).each(disks)('a full disk, %s', (_, make) => {
  let disk: LoopDisk | SmallDisk
  let folder: string
  let journal: Journal
  let hold: Lease

  const holder = (run: string) => ({ ...thisProcess('ada'), run, since: '2026-02-03T04:12:33.000Z' })
  const write = (entry: Entry) => journal.append(hold, 'one', entry)
  async function writeUntilRefused(entry: Entry): Promise<unknown> {
    for (let count = 0; count < 100; count += 1) {
      try {
        await write(entry)
      } catch (thrown) {
        return thrown
      }
    }
    return null
  }
  const types = async () => (await journal.read('one')).map(({ entry }) => entry.type)
  const reserved = () => statSync(join(folder, 'reserve'), { throwIfNoEntry: false })?.size ?? 0

  beforeEach(async () => {
    disk = make()
    folder = join(disk.path, 'state')
    journal = await openJournal(folder)
    hold = await journal.hold('shop', holder('one'))
    await write(opened())
    await write(intent('swap'))
  })
  afterEach(async () => {
    await journal.close().catch(() => undefined)
    disk.destroy()
  })

  /** To the last byte. */
  function fill(name = 'filler'): void {
    const file = openSync(join(disk.path, name), 'w')
    for (const size of [1 << 16, 1 << 12, 1 << 8, 1]) {
      try {
        for (;;) if (writeSync(file, Buffer.alloc(size, 1)) < size) break
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'ENOSPC' })
      }
    }
    closeSync(file)
  }
  const makeRoom = (name = 'filler') => rmSync(join(disk.path, name))

  it('begins nothing more, and leaves the space set aside alone', async () => {
    fill()
    await expect(write(intent('next'))).rejects.toMatchObject(noSpace)
    await expect(journal.append(hold, 'two', opened())).rejects.toMatchObject(noSpace)
    await expect(openJournal(join(disk.path, 'other'))).rejects.toMatchObject(noSpace)
    expect(reserved()).toBe(reserveBytes)
    expect(await types()).toEqual(['opened', 'intent'])
    expect(await journal.runs()).toHaveLength(1)
    makeRoom()
    await write(intent('next'))
    expect(await types()).toEqual(['opened', 'intent', 'intent'])
  })

  it('still keeps what has happened, in the space set aside, which comes back with the first beginning that finds room', async () => {
    fill()
    await write(ended('swap'))
    expect(reserved()).toBe(0)
    await expect(write(intent('next'))).rejects.toMatchObject(noSpace)
    const more: Entry[] = [
      { type: 'turned', because: 'the disk is full', failure: null },
      { type: 'undo-intent', step: 'swap', attempt: 1 },
      {
        type: 'undo-ended',
        step: 'swap',
        attempt: 1,
        result: 'undone',
        failure: null,
        milliseconds: 1,
        log: null,
      },
      { type: 'interrupted', signal: 'SIGINT' },
      settled('rolled-back'),
    ]
    for (const entry of more) await write(entry)
    expect(await types()).toEqual([
      'opened',
      'intent',
      'ended',
      'turned',
      'undo-intent',
      'undo-ended',
      'interrupted',
      'settled',
    ])
    await hold.release()
    makeRoom()
    hold = await journal.hold('shop', holder('two'))
    await journal.append(hold, 'two', opened())
    expect(reserved()).toBe(reserveBytes)
  })

  it('says that the run is in doubt where not even the space set aside was enough, and goes on when there is room', async () => {
    fill()
    await write(ended('swap'))
    fill('second-filler')
    // What the file system still gives away by itself is used up, too.
    const failed = await writeUntilRefused(ended('swap'))
    expect(failed).toMatchObject({
      name: 'RunbookError',
      code: 'in-doubt',
      message: expect.stringContaining('no space'),
    })
    const before = await types()
    makeRoom('second-filler')
    await write(settled('needs-human'))
    expect(await types()).toEqual([...before, 'settled'])
  })

  it('has room for every outcome of a long run', async () => {
    fill()
    for (let count = 0; count < 80; count += 1) await write(ended('swap'))
    expect(await types()).toHaveLength(82)
  })

  /** Every file closed, as between two commands: SQLite then needs room for a WAL, even to read. */
  async function fillWhenClosed(): Promise<void> {
    await journal.close()
    fill()
  }
  const spare = () => readdirSync(folder).filter((name) => name.startsWith('spare-')).length

  it('is read all the same, and as often as one likes', async () => {
    await fillWhenClosed()
    for (let count = 0; count < 3; count += 1) {
      const view = await viewJournal(folder)
      expect(await view.runs()).toMatchObject([{ run: 'one', outcome: null }])
      expect((await view.read('one')).map(({ entry }) => entry.type)).toEqual(['opened', 'intent'])
      expect(await view.holder('shop')).toBeNull()
      await view.close()
    }
    expect([spare(), reserved()]).toEqual([32, reserveBytes])
  })

  it('is read where a killed process left its WAL, which holds the newest entries', async () => {
    for (const name of ['journal.db', 'journal.db-wal', 'journal.db-shm'])
      copyFileSync(join(folder, name), join(folder, `${name}.killed`))
    await journal.close()
    for (const name of ['journal.db', 'journal.db-wal', 'journal.db-shm'])
      renameSync(join(folder, `${name}.killed`), join(folder, name))
    fill()
    const view = await viewJournal(folder)
    expect((await view.read('one')).map(({ entry }) => entry.type)).toEqual(['opened', 'intent'])
    await view.close()
  })

  it('still ends an open run, with spare room that comes back afterwards', async () => {
    await fillWhenClosed()
    journal = await openJournal(folder)
    expect(spare()).toBe(0)
    hold = await journal.hold('shop', holder('one'))
    const more: Entry[] = [
      { type: 'resumed', way: 'back', by: 'ada', host: 'db1', orphans: [], accepted: null },
      ended('swap'),
      intent('next'),
      ended('next'),
      settled('succeeded'),
    ]
    for (const entry of more) await write(entry)
    expect(await types()).toEqual(['opened', 'intent', ...more.map(({ type }) => type)])
    expect(reserved()).toBe(reserveBytes)
    await hold.release()
    makeRoom()
    await journal.close()
    expect(spare()).toBe(32)
  })

  it('is listed and goes on where an earlier version wrote it, and no room is left for a table of its runs', async () => {
    await journal.close()
    forgetTable(folder)
    fill()
    const view = await viewJournal(folder)
    expect(await view.runs({ pending: true })).toMatchObject([{ run: 'one', outcome: null }])
    await view.close()
    journal = await openJournal(folder)
    hold = await journal.hold('shop', holder('one'))
    await write({ type: 'resumed', way: 'back', by: 'ada', host: 'db1', orphans: [], accepted: null })
    await write(settled('rolled-back'))
    expect(await journal.runs()).toMatchObject([{ run: 'one', outcome: 'rolled-back' }])
    await hold.release()
    makeRoom()
    await journal.close()
    journal = await openJournal(folder)
    expect(await journal.runs()).toMatchObject([{ run: 'one', outcome: 'rolled-back' }])
  })

  it('begins a run that makes room, and no other', async () => {
    await fillWhenClosed()
    journal = await openJournal(folder)
    hold = await journal.hold('blog', holder('two'))
    await expect(journal.append(hold, 'two', opened())).rejects.toMatchObject(noSpace)
    await hold.release()
    hold = await journal.hold('blog', holder('three'))
    await journal.append(hold, 'three', { ...(opened() as Opened), makesRoom: true })
    await journal.append(hold, 'three', intent('swap'))
    expect((await journal.read('three')).map(({ entry }) => entry.type)).toEqual(['opened', 'intent'])
    expect((await journal.runs()).map(({ run }) => run)).toEqual(['three', 'one'])
  })
})

describe.skipIf(!canMount())('a disk without inodes', () => {
  let disk: SmallDisk
  let folder: string

  beforeEach(async () => {
    disk = new SmallDisk(6_000, 120)
    folder = join(disk.path, 'state')
    const journal = await openJournal(folder)
    const hold = await journal.hold('shop', {
      ...thisProcess('ada'),
      run: 'one',
      since: '2026-02-03T04:12:33.000Z',
    })
    await journal.append(hold, 'one', opened())
    await journal.append(hold, 'one', intent('swap'))
    await journal.close()
    for (let count = 0; count < 120; count += 1) {
      try {
        closeSync(openSync(join(disk.path, `file-${count}`), 'w'))
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'ENOSPC' })
        return
      }
    }
    expect.fail('the disk has inodes left')
  })
  afterEach(() => disk.destroy())

  it('is read, ends an open run, and names inodes where nothing more begins', async () => {
    const view = await viewJournal(folder)
    expect(await view.runs()).toHaveLength(1)
    await view.close()
    const journal = await openJournal(folder)
    const since = '2026-02-03T05:12:33.000Z'
    const hold = await journal.hold('shop', { ...thisProcess('ada'), run: 'one', since })
    await journal.append(hold, 'one', ended('swap'))
    await journal.append(hold, 'one', settled('rolled-back'))
    for (let count = 0; count < 40; count += 1) {
      try {
        closeSync(openSync(join(disk.path, `more-${count}`), 'w'))
      } catch {
        break
      }
    }
    await expect(journal.append(hold, 'two', opened())).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringMatching(/no inodes are left.*: at least \d+ are needed there, and 0 are free/),
      hint: expect.stringContaining('df -i'),
    })
    await journal.close()
    await expect(openJournal(join(disk.path, 'other'))).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringMatching(/no inodes are left.*: at least \d+ are needed there, and 0 are free/),
    })
  })
})

import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess, isAlive } from '../../../src/adapters/journal/process-identity.ts'
import { connect, isSound } from '../../../src/adapters/journal/connection.ts'
import { sharedFileSystem } from '../../../src/adapters/journal/shared-file-system.ts'
import { openJournal, viewJournal } from '../../../src/adapters/journal/open.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { intent, opened } from '../../fixtures/entries.ts'

const holder = { ...thisProcess('ada'), run: 'one', since: '2026-02-03T04:12:33.000Z' }
const refused = (code: string, message: RegExp) => ({
  name: 'RunbookError',
  code,
  message: expect.stringMatching(message),
  hint: expect.any(String),
})

describe('the state folder', () => {
  let parent: string
  let folder: string
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'runbook-state-'))
    folder = join(parent, 'deep', 'state')
  })
  afterEach(() => rmSync(parent, { recursive: true, force: true }))

  const write = async (): Promise<void> => {
    const journal = await openJournal(folder)
    const hold = await journal.hold('shop', holder)
    await journal.append(hold, 'one', opened())
    await journal.append(hold, 'one', intent('swap'))
    await journal.close()
  }
  const everything = (): readonly string[] => [
    folder,
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  ]
  const bytes = (): ReadonlyMap<string, string> =>
    new Map(
      everything()
        .filter((path) => lstatSync(path).isFile())
        .map((path) => [path, readFileSync(path, 'base64')]),
    )

  it.each([0o000, 0o022, 0o077, 0o777])(
    'is ours alone with all that is in it, whatever the umask (%o)',
    async (umask) => {
      const before = process.umask(umask)
      try {
        const journal = await openJournal(folder)
        const hold = await journal.hold('shop', holder)
        await journal.append(hold, 'one', opened())
        // While it is open: the WAL and its index are there too.
        const modes = everything().map((path) => [
          path,
          lstatSync(path).isDirectory(),
          (lstatSync(path).mode & 0o777).toString(8),
        ])
        expect(modes.map(([path]) => path)).toContain(join(folder, 'journal.db-wal'))
        expect(modes.filter(([, isFolder, mode]) => mode !== (isFolder === true ? '700' : '600'))).toEqual([])
        await journal.close()
      } finally {
        process.umask(before)
      }
    },
  )

  it('takes from others the right to read what they could', async () => {
    await write()
    for (const path of everything()) chmodSync(path, lstatSync(path).isDirectory() ? 0o755 : 0o644)
    await write()
    for (const path of [folder, join(folder, 'heads'), join(folder, 'locks')])
      expect(lstatSync(path).mode & 0o777).toBe(0o700)
    expect(lstatSync(join(folder, 'journal.db')).mode & 0o777).toBe(0o600)
  })

  it.each(['', 'heads', 'locks', 'journal.db'])(
    'is refused where others can write to it: "%s"',
    async (name) => {
      await write()
      chmodSync(join(folder, name), 0o722)
      await expect(openJournal(folder)).rejects.toMatchObject(
        refused('usage', /is writable by others \(mode 722\)/),
      )
    },
  )

  it.each(['', 'heads', 'locks', 'journal.db'])(
    'is refused where a link stands in for it: "%s"',
    async (name) => {
      await write()
      const real = join(parent, 'elsewhere')
      cpSync(join(folder, name), real, { recursive: true })
      rmSync(join(folder, name), { recursive: true })
      symlinkSync(real, join(folder, name))
      const before = existsSync(join(real, 'journal.db'))
        ? readFileSync(join(real, 'journal.db'), 'base64')
        : ''
      await expect(openJournal(folder)).rejects.toMatchObject(refused('usage', /is a link/))
      if (before !== '') expect(readFileSync(join(real, 'journal.db'), 'base64')).toBe(before)
    },
  )

  it('is not looked for behind a link that leads nowhere, nor made there', async () => {
    mkdirSync(join(parent, 'deep'))
    symlinkSync(join(parent, 'nowhere'), folder)
    await expect(openJournal(folder)).rejects.toMatchObject(refused('usage', /is a link/))
    expect(existsSync(join(parent, 'nowhere'))).toBe(false)
  })

  it('follows no link from a head or a lock', async () => {
    await write()
    const target = join(parent, 'target')
    for (const [name, run, system] of [
      ['heads/two', 'two', 'shop'],
      ['locks/blog.0.db', 'three', 'blog'],
    ] as const) {
      symlinkSync(target, join(folder, name))
      const journal = await openJournal(folder)
      const attempt = async () => {
        const hold = await journal.hold(system, holder)
        await journal.append(hold, run, opened())
      }
      await expect(attempt()).rejects.toMatchObject({ code: 'usage' })
      expect(existsSync(target)).toBe(false)
      await journal.close()
    }
  })

  it('has no room for names that reach out of it', async () => {
    const journal = await openJournal(folder)
    const hold = await journal.hold('shop', holder)
    for (const name of ['../one', 'a/b', '', '.', '..', '.hidden', 'a\0b', 'x'.repeat(200)]) {
      await expect(journal.hold(name, holder)).rejects.toMatchObject(
        refused('usage', /not a valid name of a run/),
      )
      await expect(journal.append(hold, name, opened())).rejects.toMatchObject(
        refused('usage', /not a valid name of a run/),
      )
      await expect(journal.read(name)).rejects.toMatchObject(refused('usage', /not a valid name of a run/))
    }
    await journal.close()
  })

  it('is not made by somebody who only looks', async () => {
    const view = await viewJournal(folder)
    expect(await view.runs()).toEqual([])
    expect(await view.holder('shop')).toBeNull()
    await expect(view.read('one')).rejects.toMatchObject(refused('usage', /run one not found/))
    await view.close()
    expect(readdirSync(parent)).toEqual([])
    await write()
    const second = await viewJournal(folder)
    expect(await second.runs()).toHaveLength(1)
    await second.close()
  })

  it('on a network file system is told by its number', () => {
    expect(sharedFileSystem(0x6969)).toBe('NFS')
    // statfs(2) fills a signed long in places.
    expect(sharedFileSystem(0xfe534d42 | 0)).toBe('SMB')
    for (const local of [0xef53, 0x01021994, 0x58465342, 0x9123683e, 0x794c7630])
      expect(sharedFileSystem(local)).toBeNull()
  })

  describe('with a journal', () => {
    /** As another program or another time left it, its WAL included. */
    async function leave(sql: string): Promise<void> {
      await write()
      const path = join(folder, 'journal.db')
      const file = new Database(path)
      file.pragma('journal_mode = WAL')
      file.exec(sql)
      cpSync(folder, join(parent, 'left'), { recursive: true })
      file.close()
      rmSync(folder, { recursive: true })
      cpSync(join(parent, 'left'), folder, { recursive: true })
      rmSync(join(folder, 'journal.db-shm'))
    }

    it.each([
      [
        'newer than this program',
        'PRAGMA user_version = 2; CREATE TABLE later (x)',
        /newer than this program.*schema 2/,
      ],
      ['of another program', 'PRAGMA application_id = 7', /is not a journal, or damaged/],
      ['of a schema that never was', 'PRAGMA user_version = 0', /never existed/],
    ])('%s is refused, and left as it is to the byte', async (_, sql, message) => {
      await leave(sql)
      const before = bytes()
      expect(before.get(join(folder, 'journal.db-wal'))).not.toBe('')
      await expect(openJournal(folder)).rejects.toMatchObject(refused('journal', message))
      await expect(viewJournal(folder)).rejects.toMatchObject(refused('journal', message))
      const after = new Map([...bytes()].filter(([path]) => !path.endsWith('-shm')))
      expect(after).toEqual(before)
    })

    it.each(['gone', 'empty'])(
      'that is %s is not made anew, and its WAL is left for whoever repairs it',
      async (how) => {
        await leave('CREATE TABLE anything (x)')
        const path = join(folder, 'journal.db')
        if (how === 'gone') rmSync(path)
        else writeFileSync(path, '')
        const before = bytes()
        await expect(openJournal(folder)).rejects.toMatchObject(refused('journal', /is lost.*1 runs/))
        expect(bytes()).toEqual(before)
      },
    )

    it('that lost its WAL while it was young is not made anew', async () => {
      const journal = await openJournal(folder)
      const hold = await journal.hold('shop', holder)
      await journal.append(hold, 'one', opened())
      cpSync(folder, join(parent, 'young'), { recursive: true })
      await journal.close()
      for (const name of ['journal.db-wal', 'journal.db-shm']) rmSync(join(parent, 'young', name))
      await expect(openJournal(join(parent, 'young'))).rejects.toMatchObject(
        refused('journal', /is lost.*1 runs/),
      )
    })

    it('that is no database is refused, and left as it is', async () => {
      await write()
      writeFileSync(
        join(folder, 'journal.db'),
        'not a database, and longer than the header of one would have to be '.repeat(9),
      )
      const before = bytes()
      await expect(openJournal(folder)).rejects.toMatchObject(refused('journal', /damaged/))
      expect(bytes()).toEqual(before)
    })

    it('changes, drops and replaces no entry, whoever asks', async () => {
      await write()
      const file = new Database(join(folder, 'journal.db'))
      for (const sql of [
        `UPDATE entries SET at = ''`,
        'DELETE FROM entries WHERE seq = 1',
        `INSERT OR REPLACE INTO entries (run, seq, epoch, at, previous, hash, body) SELECT run, seq, epoch, at, previous, hash, '{}' FROM entries WHERE seq = 1`,
        `INSERT OR REPLACE INTO entries (id, run, seq, epoch, at, previous, hash, body) SELECT id, run, 7, epoch, at, previous, hash, '{}' FROM entries WHERE seq = 1`,
      ]) {
        expect(() => file.exec(sql)).toThrow(/never (changed|removed|replaced)/)
      }
      file.close()
      const journal = await openJournal(folder)
      expect(await journal.read('one')).toHaveLength(2)
      await journal.close()
    })

    it('is durable on every connection, not on the first alone', async () => {
      await write()
      for (let opening = 0; opening < 3; opening += 1) {
        const connection = connect(join(folder, 'journal.db'), () => undefined)
        expect(connection.pragma('synchronous', { simple: true })).toBe(2)
        expect(connection.pragma('journal_mode', { simple: true })).toBe('wal')
        connection.close()
      }
    })

    it('does not wait for ever for somebody who hangs while writing', async () => {
      await write()
      const other = new Database(join(folder, 'journal.db'))
      other.exec('BEGIN IMMEDIATE')
      const journal = await openJournal(folder, systemClock)
      await expect(journal.hold('shop', holder)).rejects.toMatchObject(
        refused('held', /timed out after 5 s waiting for another process/),
      )
      other.exec('ROLLBACK')
      other.close()
      await journal.hold('shop', holder)
      await journal.close()
    })
  })

  it('needs an SQLite that loses nothing', () => {
    for (const version of ['3.51.3', '3.51.10', '3.52', '3.52.0', '4.0.0'])
      expect(isSound(version)).toBe(true)
    for (const version of ['3.51.2', '3.50.9', '3.9.9', '2.99.99', '']) expect(isSound(version)).toBe(false)
  })
})

describe('a carrier', () => {
  it('is alive only as the same process of the same boot', () => {
    const us = thisProcess('ada')
    expect(us).toMatchObject({ by: 'ada', pid: process.pid })
    expect(isAlive(us)).toBe(true)
    expect(isAlive({ ...us, bootId: 'another-boot' })).toBe(false)
    expect(isAlive({ ...us, startTime: (us.startTime ?? 0) + 1 })).toBe(false)
    expect(isAlive({ ...us, pid: 2 ** 22 + 1 })).toBe(false)
  })
})

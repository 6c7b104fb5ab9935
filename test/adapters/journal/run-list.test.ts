import { copyFileSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { headRecord } from '../../../src/adapters/journal/head.ts'
import { openJournal, viewJournal } from '../../../src/adapters/journal/open.ts'
import { thisProcess } from '../../../src/adapters/journal/process-identity.ts'
import type { Entry } from '../../../src/run/journal/entry.ts'
import { intent, opened, sealed, settled } from '../../fixtures/entries.ts'
import { forgetTable } from './forget-table.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'runbook-run-list-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

async function write(run: string, ...entries: readonly Entry[]): Promise<void> {
  const journal = await openJournal(state)
  await journal.runs()
  const hold = await journal.hold('shop', { ...thisProcess('ada'), run, since: '' })
  for (const entry of entries) await journal.append(hold, run, entry)
  await journal.close()
}

async function listed(): Promise<readonly string[]> {
  const journal = await viewJournal(state)
  try {
    return (await journal.runs()).map(({ run, outcome }) => `${run} ${outcome ?? 'open'}`)
  } finally {
    await journal.close()
  }
}

const database = () => new Database(join(state, 'journal.db'), { fileMustExist: true })

function rows(): number {
  const journal = database()
  try {
    return Number(journal.prepare('SELECT count(*) FROM runs').pluck().get())
  } finally {
    journal.close()
  }
}

describe('the table of runs', () => {
  it('is filled once from a journal of an earlier version', async () => {
    await write('one', opened(), settled('succeeded'), sealed)
    await write('two', opened(), intent('swap'))
    forgetTable(state)
    expect(await listed()).toEqual(['two open', 'one succeeded'])
    expect(rows()).toBe(2)
  })

  it('is kept where an earlier version writes, which knows entries only', async () => {
    await write('one', opened(), settled('succeeded'), sealed)
    const journal = database()
    const insert = journal.prepare(
      'INSERT INTO entries (run, seq, epoch, at, previous, hash, body) VALUES (?, ?, 9, ?, ?, ?, ?)',
    )
    for (const [seq, entry] of [opened({ runbook: 'old' }), settled('rolled-back')].entries())
      insert.run('old', seq, '2026-02-03T04:12:33.000Z', 'x', 'y', JSON.stringify(entry))
    journal.close()
    expect(await listed()).toEqual(['old rolled-back', 'one succeeded'])
    expect(rows()).toBe(2)
  })

  it.each([
    'DELETE FROM entries WHERE seq = 1',
    `UPDATE entries SET body = replace(body, 'succeeded', 'refused')`,
  ])('is made again where somebody changed entries by hand: %s', async (sql) => {
    await write('one', opened(), settled('succeeded'))
    const journal = database()
    journal.exec(`DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_leave; ${sql}`)
    journal.close()
    expect(await listed()).toEqual([sql.startsWith('DELETE') ? 'one open' : 'one refused'])
  })
})

describe('runs that are lost', () => {
  const lost = { code: 'journal', message: 'the journal is damaged: all entries of two are lost' }

  it('are noticed when the journal is replaced by an earlier copy, whoever listed it before', async () => {
    await write('one', opened(), settled('succeeded'))
    await listed()
    const copy = join(state, '..', `${state.split('/').at(-1)}.copy`)
    copyFileSync(join(state, 'journal.db'), copy)
    await write('two', opened(), settled('succeeded'))
    await listed()
    copyFileSync(copy, join(state, 'journal.db'))
    rmSync(copy)
    await expect(listed()).rejects.toMatchObject(lost)
    await expect(listed()).rejects.toMatchObject(lost)
  })

  it('are looked for only where heads came or went since', async () => {
    await write('one', opened(), settled('succeeded'))
    await listed()
    const heads = join(state, 'heads')
    writeFileSync(join(heads, 'two'), headRecord('two', { seq: 0, hash: 'f'.repeat(64) }))
    const { dev, ino, mtimeNs } = statSync(heads, { bigint: true })
    const journal = database()
    journal.prepare('UPDATE run_list SET heads = ?').run(`${dev} ${ino} ${mtimeNs}`)
    journal.close()
    expect(await listed()).toEqual(['one succeeded'])
    utimesSync(heads, new Date(), new Date())
    await expect(listed()).rejects.toMatchObject(lost)
  })

  it('are not looked for again when a run has begun in a list that was known', async () => {
    await write('one', opened(), settled('succeeded'))
    const heads = () => {
      const journal = database()
      try {
        return journal.prepare('SELECT heads FROM run_list').pluck().get()
      } finally {
        journal.close()
      }
    }
    const { dev, ino, mtimeNs } = statSync(join(state, 'heads'), { bigint: true })
    expect(heads()).toBe(`${dev} ${ino} ${mtimeNs}`)
    await write('one', intent('swap'))
    expect(heads()).toBe(`${dev} ${ino} ${mtimeNs}`)
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readHead } from '../../../src/adapters/journal/head.ts'
import { openJournal } from '../../../src/adapters/journal/open.ts'
import { thisProcess } from '../../../src/adapters/journal/process-identity.ts'
import type { Journal, Lease } from '../../../src/run/journal/journal.ts'
import { ended, intent, opened } from '../../fixtures/entries.ts'

describe('an entry that is durable soon', () => {
  let folder: string
  let journal: Journal
  let hold: Lease
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'runbook-late-'))
    journal = await openJournal(folder)
    hold = await journal.hold('shop', { ...thisProcess('ada'), run: 'one', since: '' })
    await journal.append(hold, 'one', opened())
  })
  afterEach(async () => {
    await journal.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const head = (run = 'one') => readHead(join(folder, 'heads', run), run)
  const soon = (run = 'one') => journal.append(hold, run, ended('swap'), 'soon')

  it('is not vouched for by a head before it is synced, since a power cut could leave the head alone', async () => {
    const { seq } = await soon()
    expect(head()).toMatchObject({ seq: seq - 1 })
    await vi.waitFor(() => expect(head()).toMatchObject({ seq }), { timeout: 10_000 })
  })

  it('is durable with the next entry that is durable at once', async () => {
    await soon()
    const next = await journal.append(hold, 'one', intent('start'))
    expect(head()).toEqual({ seq: next.seq, hash: next.hash })
    // Nothing is left that would put an older head over it.
    await setTimeout(50)
    expect(head()).toEqual({ seq: next.seq, hash: next.hash })
  })

  it('is durable when the journal is closed', async () => {
    const { seq, hash } = await soon()
    await journal.close()
    expect(head()).toEqual({ seq, hash })
  })

  it('is durable before another run is written to', async () => {
    const { seq, hash } = await soon()
    const other = await journal.hold('blog', { ...thisProcess('ada'), run: 'two', since: '' })
    await journal.append(other, 'two', opened())
    expect(head()).toEqual({ seq, hash })
    expect(head('two')).toMatchObject({ seq: 0 })
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'
import { openJournal } from '../../src/adapters/journal/open.ts'
import { ended } from '../fixtures/entries.ts'
import { Worker } from '../fixtures/journal-workers.ts'
import { program } from '../fixtures/requirements.ts'

describe.skipIf(!program('strace'))('a disk that fails', () => {
  let folder: string
  let worker: Worker
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runbook-eio-'))
    worker = new Worker(folder)
  })
  afterEach(async () => {
    await worker.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Once, and never again: a kernel that could not write a page forgets it, so the next call succeeds and means nothing. */
  async function failNext(call: 'fsync' | 'fdatasync'): Promise<() => Promise<void>> {
    const tracer = spawn(
      'strace',
      ['-f', '-p', String(worker.pid), '-e', `trace=${call}`, '-e', `inject=${call}:error=EIO:when=1`],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    for await (const line of createInterface({ input: tracer.stderr })) if (line.includes('attached')) break
    return async () => {
      const exit = once(tracer, 'exit')
      tracer.kill('SIGTERM')
      await exit
    }
  }

  // SQLite syncs the journal by fsync, and the head is synced by fdatasync.
  it.each(['fsync', 'fdatasync'] as const)(
    'ends all writing of its process, though the next %s would succeed',
    async (call) => {
      await worker.ask({ do: 'hold', system: 'shop', run: 'one' })
      await worker.ask({ do: 'append', run: 'one', entry: 'opened' })
      const detach = await failNext(call)
      expect(await worker.ask({ do: 'append', run: 'one', entry: 'intent' })).toMatchObject({
        code: 'journal',
      })
      await detach()
      for (const order of [
        { do: 'append', run: 'one', entry: 'ended' },
        { do: 'hold', system: 'blog', run: 'two' },
      ] as const) {
        expect(await worker.ask(order)).toMatchObject({
          code: 'journal',
          message: expect.stringContaining('no longer uses the journal'),
        })
      }
      // It still lives, and holds what it held; another process goes on from what is really there.
      const journal = await openJournal(folder)
      const us = { ...thisProcess('grace'), run: 'one', since: '2026-02-03T04:12:33.000Z' }
      await expect(journal.hold('shop', us)).rejects.toMatchObject({ code: 'held' })
      await worker.kill()
      const hold = await journal.hold('shop', us)
      await journal.append(hold, 'one', ended('swap'))
      const types = (await journal.read('one')).map(({ entry }) => entry.type)
      expect(types).toEqual(types.length === 2 ? ['opened', 'ended'] : ['opened', 'intent', 'ended'])
      await journal.close()
    },
  )

  it('ends all writing where an outcome that was to be durable soon cannot be synced', async () => {
    await worker.ask({ do: 'hold', system: 'shop', run: 'one' })
    await worker.ask({ do: 'append', run: 'one', entry: 'opened' })
    const detach = await failNext('fsync')
    expect(await worker.ask({ do: 'append', run: 'one', entry: 'ended', durability: 'soon' })).toMatchObject({
      ok: 1,
    })
    for (const entry of ['intent', 'settled'] as const)
      expect(await worker.ask({ do: 'append', run: 'one', entry })).toMatchObject({ code: 'journal' })
    await detach()
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readHead } from '../../src/adapters/journal/head.ts'
import { openJournal } from '../../src/adapters/journal/open.ts'
import { Worker } from '../fixtures/journal-workers.ts'
import { LoopDisk } from '../fixtures/loop-disk.ts'
import { canMount } from '../fixtures/requirements.ts'

describe.skipIf(!canMount())('a power cut', () => {
  let disk: LoopDisk
  beforeAll(() => {
    disk = new LoopDisk(32)
  })
  afterAll(() => disk.destroy())

  it('loses no entry that was acknowledged, whenever it comes', { timeout: 120_000 }, async () => {
    /** By state folder and run: the last number that was acknowledged. */
    const acknowledged = new Map<string, Map<string, number>>()
    for (let cycle = 0; cycle < 24; cycle += 1) {
      const folder = `state-${Math.floor(cycle / 4)}`
      const run = `run-${cycle}`
      const runs = acknowledged.get(folder) ?? new Map<string, number>()
      acknowledged.set(folder, runs)
      const worker = new Worker(join(disk.path, folder))
      try {
        expect(await worker.ask({ do: 'hold', system: 'shop', run })).toMatchObject({ ok: (cycle % 4) + 1 })
        runs.set(run, -1)
        const outcomes = cycle % 2 === 1
        worker.tell({ do: 'fill', run, outcomes })
        // Cut after another number of entries each time: within the first ones, in which files are made, as well as later.
        const cutAfter = 1 + ((cycle * 7) % 50)
        for (let cut = false; ;) {
          const answer = await worker.hear()
          if (answer === null || 'code' in answer) {
            // The disk says EIO, and the writer stops for good.
            expect(answer).toMatchObject({ code: 'journal' })
            break
          }
          runs.set(run, answer.ok)
          if (answer.ok >= cutAfter && !cut) {
            disk.cutPower()
            cut = true
          }
        }
        expect(await worker.ask({ do: 'append', run, entry: 'ended' })).toMatchObject({
          code: 'journal',
          message: expect.stringContaining('no longer uses the journal'),
        })
      } finally {
        await worker.kill()
      }
      disk.restart()
      const journal = await openJournal(join(disk.path, folder))
      for (const [run, last] of runs) {
        const entries = await journal.read(run)
        expect(entries.length).toBeGreaterThan(last)
        // One more may have been kept than the writer was told, and an outcome before it; its head may be there or not, but that of the one before must be.
        expect(entries.length).toBeLessThanOrEqual(last + 3)
        if (last >= 0)
          expect(readHead(join(disk.path, folder, 'heads', run), run)).toMatchObject({
            seq: expect.toSatisfy((seq: number) => seq >= last),
          })
      }
      expect(await journal.runs()).toHaveLength(runs.size)
      await journal.close()
    }
  })

  it(
    'is a real one here: with the setting that better-sqlite3 has by default, entries do get lost',
    { timeout: 60_000 },
    async () => {
      const folder = join(disk.path, 'careless')
      mkdirSync(folder)
      const writer = spawn(
        process.execPath,
        [fileURLToPath(new URL('../fixtures/careless-writer.ts', import.meta.url)), folder],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      )
      let last = 0
      for await (const line of createInterface({ input: writer.stdout })) {
        last = Number(line)
        if (last === 200) disk.cutPower()
      }
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit')
      disk.restart()
      expect(last).toBeGreaterThanOrEqual(200)
      expect(rowsIn(join(folder, 'careless.db'))).toBeLessThan(last)
    },
  )
})

function rowsIn(path: string): number {
  try {
    const file = new Database(path, { fileMustExist: true })
    const rows = Number(file.prepare('SELECT count(*) FROM rows').pluck().get())
    file.close()
    return rows
  } catch {
    // Not even the table, or the file, is there.
    return 0
  }
}

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'
import { openJournal } from '../../src/adapters/journal/open.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { ended, intent, opened, settled } from '../fixtures/entries.ts'

// Thousands of journals are opened here; a file system in memory spares the disk, and none of this is a matter of durability.
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const runs = ['old', 'new'] as const

/** A state folder as it lies there while a process has it open, and as the last process left it: then all is in the database file. */
const states = ['open', 'closed'] as const
type State = (typeof states)[number]
const files = [
  ['open', 'journal.db'],
  ['open', 'journal.db-wal'],
  ['open', 'heads/new'],
  ['closed', 'journal.db'],
  ['closed', 'heads/old'],
] as const

describe('a journal whose files were damaged', () => {
  let folder: string
  const whole = (state: State): string => join(folder, state)
  let kept: readonly (readonly Stored[])[]

  /** Two runs, all of whose entries were acknowledged; the end of the new one lies in the WAL while the journal is open. */
  beforeAll(async () => {
    folder = mkdtempSync(join(place, 'runbook-damage-'))
    const live = join(folder, 'live')
    const keep = (state: State): void => {
      cpSync(live, whole(state), { recursive: true })
      for (const needless of ['journal.db-shm', 'reserve'])
        rmSync(join(whole(state), needless), { force: true })
    }
    const write = async (
      work: readonly (readonly [string, Parameters<typeof append>[1]])[],
      then: () => void,
    ): Promise<void> => {
      const journal = await openJournal(live)
      append = async (run, entry) => {
        const hold = await journal.hold('shop', {
          ...thisProcess('ada'),
          run,
          since: '2026-02-03T04:12:33.000Z',
        })
        await journal.append(hold, run, entry)
        await hold.release()
      }
      for (const [run, entry] of work) await append(run, entry)
      then()
      await journal.close()
    }
    let append: (run: string, entry: Stored['entry']) => Promise<void> = async () => undefined
    const [old, recent] = runs
    await write(
      [
        [old, opened()],
        [old, intent('a')],
        [old, ended('a')],
        [old, settled('succeeded')],
        [recent, opened()],
        [recent, intent('b')],
      ],
      () => undefined,
    )
    await write(
      [
        [recent, ended('b')],
        [recent, intent('c')],
      ],
      () => keep('open'),
    )
    keep('closed')
    const journal = await openJournal(live)
    kept = await Promise.all(runs.map((run) => journal.read(run)))
    await journal.close()
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const bytesOf = (state: State, file: string): number => statSync(join(whole(state), file)).size

  /** Of each run what is read after the damage: its entries, or the code of the refusal. */
  async function after(
    state: State,
    damage: (folder: string) => void,
  ): Promise<readonly (readonly Stored[] | string)[]> {
    const copy = join(folder, 'copy')
    cpSync(whole(state), copy, { recursive: true })
    const refusal = (thrown: unknown): string => {
      if (thrown instanceof RunbookError) return thrown.code
      throw thrown
    }
    try {
      damage(copy)
      const journal = await openJournal(copy)
      try {
        return await Promise.all(runs.map((run) => journal.read(run).catch(refusal)))
      } finally {
        await journal.close()
      }
    } catch (thrown) {
      return runs.map(() => refusal(thrown))
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  }

  /** Either the whole run or a refusal that names damage: never less, never something else. */
  async function mustNotDeceive(
    state: State,
    damage: (folder: string) => void,
    what: string,
  ): Promise<boolean> {
    const read = await after(state, damage)
    for (const [index, entries] of read.entries()) {
      if (typeof entries === 'string') expect(entries, what).toBe('journal')
      else expect(entries, what).toEqual(kept[index])
    }
    return read.some((entries) => typeof entries === 'string')
  }

  it('reads whole while nothing is damaged, and is refused without its WAL or its heads', async () => {
    for (const state of states) expect(await after(state, () => undefined)).toEqual(kept)
    expect(await after('open', (copy) => rmSync(join(copy, 'journal.db-wal')))).toEqual([kept[0], 'journal'])
    expect(await after('open', (copy) => rmSync(join(copy, 'heads/old')))).toEqual(['journal', kept[1]])
    expect(await after('open', (copy) => rmSync(join(copy, 'journal.db')))).toEqual(['journal', 'journal'])
  })

  // A file is read in pages and frames, so each cut near the border of one and every 37th in between are tried; all of them with RUNBOOK_EVERY_BYTE=1.
  const every = process.env['RUNBOOK_EVERY_BYTE'] === '1'
  const borders = (file: string): readonly number[] =>
    file.endsWith('-wal')
      ? [0, 32, ...Array.from({ length: 64 }, (_, n) => 32 + n * 4120)]
      : Array.from({ length: 64 }, (_, n) => n * 4096)

  it.each(files)(
    'is never read shorter than it was acknowledged, wherever in %s state %s was cut off',
    { timeout: every ? 600_000 : 120_000 },
    async (state, file) => {
      const near = borders(file)
      let refused = 0
      for (let bytes = bytesOf(state, file) - 1; bytes >= 0; bytes -= 1) {
        if (!every && bytes % 37 !== 0 && !near.some((border) => Math.abs(border - bytes) <= 8)) continue
        if (
          await mustNotDeceive(
            state,
            (copy) => truncateSync(join(copy, file), bytes),
            `cut to ${bytes} bytes`,
          )
        )
          refused += 1
      }
      expect(refused).toBeGreaterThan(0)
    },
  )

  it.each([1, 2, 3])(
    'is never read otherwise than it was written, whichever bit flips (%i)',
    { timeout: 120_000 },
    async (seed) => {
      const even = fc.noBias(fc.nat())
      let refused = 0
      for (const [which, where, bit] of fc.sample(fc.tuple(even, even, fc.noBias(fc.nat({ max: 7 }))), {
        seed,
        numRuns: 800,
      })) {
        const [state, file] = files[which % files.length] ?? files[0]
        const at = where % bytesOf(state, file)
        const flip = (copy: string): void => {
          const path = join(copy, file)
          const bytes = readFileSync(path)
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
          writeFileSync(path, bytes)
        }
        if (await mustNotDeceive(state, flip, `bit ${bit} of byte ${at} of ${file} (${state})`)) refused += 1
      }
      expect(refused).toBeGreaterThan(0)
    },
  )

  it('is refused where it is older than its heads, as from a snapshot or a backup', async () => {
    const put = (copy: string): void => {
      for (const file of ['journal.db', 'journal.db-wal']) rmSync(join(copy, file))
      cpSync(join(whole('open'), 'journal.db'), join(copy, 'journal.db'))
    }
    expect(await after('open', put)).toEqual([kept[0], 'journal'])
  })
})

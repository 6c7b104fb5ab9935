import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import { deadly, type Kill } from '../crash/kill.ts'
import { LocalShop } from '../fixtures/local-shop.ts'
import { accident, everything, tables, tablesMade } from '../fixtures/lost-project.ts'
import type { Finished } from '../fixtures/typed.ts'

const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

describe('recover-records on a SQLite shop that goes on selling, with a project that was deleted', () => {
  let shop: LocalShop
  let database: Database.Database
  let saved: readonly unknown[]
  let lost: readonly unknown[]

  const rows = (): readonly unknown[] => everything.map((sql) => database.prepare(sql).raw().all())
  /** The rows, and whatever a run could leave beside them. */
  const standing = async (): Promise<readonly unknown[]> => {
    const beside = (await readdir(join(shop.folder, 'data'))).filter(
      (name) => !/^shop\.db(-wal|-shm)?$/.test(name),
    )
    const exported = await readdir(join(shop.folder, 'export')).catch(() => 'none')
    return [rows(), beside, exported, shop.data()]
  }
  const recover = (
    more: readonly string[] = [],
    kill: Kill | null = null,
    what = tables,
  ): Promise<Finished> =>
    shop.type(
      [
        'run',
        'recover-records',
        '--tables',
        what,
        '--key',
        'p1',
        '--export',
        'export',
        '--confirm',
        shop.phrase,
        ...more,
      ],
      deadly(kill),
    )

  beforeAll(async () => {
    shop = await LocalShop.open()
    database = new Database(shop.file)
    database.pragma('foreign_keys = ON')
    database.exec(tablesMade)
    saved = rows()
    database.pragma('wal_checkpoint(TRUNCATE)')
    await shop.backUp(new Date(Date.now() - 3_600_000))
  }, 60_000)
  afterAll(async () => {
    database.close()
    await shop[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    database.exec(accident)
    await rm(join(shop.folder, 'export'), { recursive: true, force: true })
    lost = await standing()
  })

  const succeeded = async (): Promise<void> => {
    const [projects, documents, glossary] = rows() as readonly (readonly (readonly unknown[])[])[]
    const [savedProjects = [], savedDocuments, savedGlossary] =
      saved as readonly (readonly (readonly unknown[])[])[]
    expect(projects).toEqual([savedProjects[0], ['p2', 'Kept, and renamed since', null]])
    expect([documents, glossary]).toEqual([savedDocuments, savedGlossary])
    expect((await standing())[1]).toEqual([])
  }

  it('foretells it and changes nothing', async () => {
    const finished = await recover(['--dry-run'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(await standing()).toEqual(lost)
  }, 60_000)

  it('brings the project back, parents first, and writes each table as CSV with headers', async () => {
    const finished = await recover()
    expect(finished.code, whole(finished)).toBe(0)
    await succeeded()
    const files = (await readdir(join(shop.folder, 'export'))).sort()
    expect(files.map((name) => name.split('-')[0])).toEqual(['documents', 'glossary_entries', 'projects'])
    expect(await readFile(join(shop.folder, 'export', files[0] ?? ''), 'utf8')).toBe(
      'id,project_id,title\r\nd1,p1,\r\nd2,p1,""\r\n',
    )
    // What the rows say is in the export alone.
    expect(whole(finished)).not.toContain('Sons; DROP')
  }, 60_000)

  it('leaves everything as it was where a child would come before its parent', async () => {
    const finished = await recover([], null, 'documents:project_id,projects:id')
    expect(finished.code, whole(finished)).toBe(10)
    expect(whole(finished)).toMatch(/FOREIGN KEY/i)
    expect(await standing()).toEqual(lost)
  }, 60_000)

  const step = 'insert-what-is-missing'
  it.each(crashesIn(step, 150))(
    'killed %s of the insertion (%j), then %s',
    async (_, kill, way) => {
      const killed = await recover([], kill)
      expect(killed.signal, whole(killed)).toBe('SIGKILL')
      const finished = await shop.type([way])
      expect(finished.code, whole(finished)).toBe(0)
      if (way === 'rollback') expect(await standing()).toEqual(lost)
      else await succeeded()
    },
    60_000,
  )

  it('leaves a row that somebody changed after it came back, and everything with it', async () => {
    const killed = await recover([], { when: 'after', type: 'ended', step })
    expect(killed.signal, whole(killed)).toBe('SIGKILL')
    database.exec("update documents set title = 'written since' where id = 'd1'")
    const after = rows()
    const refused = await shop.type(['rollback'])
    expect(refused.code, whole(refused)).toBe(12)
    expect(whole(refused)).toContain('1 of the rows that were inserted into shop changed since')
    expect(rows()).toEqual(after)
    database.exec("update documents set title = null where id = 'd1'")
    const again = await shop.type(['rollback'])
    expect(again.code, whole(again)).toBe(0)
    expect(await standing()).toEqual(lost)
  }, 60_000)

  it.each([
    ['a key that no row has', tables, /no rows/],
    ['a table that is not there', 'nothing:id', /table nothing not found/],
    ['no column', 'projects', /is not a table with a column/],
    ['a column that reads as SQL', `projects:id"=''OR''="`, /column .* not found in table projects/],
  ])(
    'refuses %s',
    async (what, named, words) => {
      const key = what.includes('key') ? ["--key=' or 1=1 --"] : []
      const finished = await recover(key, null, named)
      expect([3, 10], whole(finished)).toContain(finished.code)
      expect(whole(finished)).toMatch(words)
      expect(await standing()).toEqual(lost)
    },
    60_000,
  )

  it('refuses an export that would go into a file', async () => {
    await writeFile(join(shop.folder, 'export'), 'mine')
    const finished = await recover()
    expect(finished.code, whole(finished)).toBe(3)
    expect(await readFile(join(shop.folder, 'export'), 'utf8')).toBe('mine')
  }, 60_000)
})

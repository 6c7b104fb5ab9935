import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { headRecord } from '../src/adapters/journal/head.ts'
import { linked } from '../src/run/journal/hash-chain.ts'
import { genesisHash, type Entry } from '../src/run/journal/entry.ts'
import { EmptyProject } from './project.ts'

/** Written past the journal, which would sync each. They are copies of the run that is there. */
export function addRuns(state: string, count: number): void {
  mkdirSync(join(state, 'heads'), { recursive: true, mode: 0o700 })
  const journal = new Database(join(state, 'journal.db'), { fileMustExist: true })
  const bodies = journal
    .prepare<[], string>(
      `SELECT body FROM entries WHERE json_extract(body, '$.type') IN ('opened', 'settled', 'sealed') ORDER BY seq`,
    )
    .pluck()
    .all()
  const insert = journal.prepare(
    'INSERT INTO entries (run, seq, epoch, at, previous, hash, body) VALUES (@run, @seq, @epoch, @at, @previous, @hash, @body)',
  )
  journal.transaction(() => {
    for (let number = 0; number < count; number += 1) {
      const run = `20200101-000000-${String(number).padStart(7, '0')}`
      let head = { seq: -1, hash: genesisHash }
      for (const [seq, body] of bodies.entries()) {
        const link = { run, seq, epoch: 1, at: '2020-01-01T00:00:00.000Z', previous: head.hash }
        const stored = linked({ ...link, entry: JSON.parse(body) as Entry })
        insert.run({ ...link, hash: stored.hash, body })
        head = { seq, hash: stored.hash }
      }
      writeFileSync(join(state, 'heads', run), headRecord(run, head), { mode: 0o600 })
    }
  })()
  journal.close()
}

/** Two projects with one run each: one has no other run in its journal, one has many. */
export async function emptyAndFull(
  folder: string,
  count: number,
): Promise<readonly { readonly name: string; readonly project: EmptyProject; readonly one: string }[]> {
  const projects = await Promise.all(
    ['empty', 'full'].map(async (name) => {
      const project = new EmptyProject(join(folder, name))
      const one = project.add('look', 1)
      await project.runbook('run', one)
      return { name, project, one }
    }),
  )
  addRuns(join(folder, 'full', 'state'), count)
  return projects
}

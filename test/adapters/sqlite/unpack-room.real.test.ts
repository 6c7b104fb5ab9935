import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import Connection from 'better-sqlite3'
import { expect, describe, test } from 'vitest'
import { canMount } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { openSqlite } from '../../fixtures/sqlite-world.ts'

describe.skipIf(!canMount())('a wrapped backup of SQLite', () => {
  test('that is larger than the room in TMPDIR is refused before it is unpacked', async () => {
    const world = await openSqlite('DELETE')
    const before = process.env['TMPDIR']
    const small = await mkdtemp(join(tmpdir(), 'runbook-small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small])
    try {
      const live = new Connection(world.database.file)
      live.exec('CREATE TABLE noise (body BLOB); INSERT INTO noise VALUES (zeroblob(400000))')
      live.close()
      const file = world.place('shop.db.gz')
      const bytes = await readFile(world.database.file)
      await writeFile(file, gzipSync(bytes))
      process.env['TMPDIR'] = small
      const databases = world.databases(watchedScope())
      await expect(databases.inspect(world.database, file)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringMatching(
          new RegExp(`it takes ${bytes.length} bytes, and ${small} has \\d+ free`),
        ),
        hint: expect.stringContaining('TMPDIR'),
      })
      expect(await readdir(small)).toEqual([])
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
      execFileSync('umount', [small])
      await rm(small, { recursive: true, force: true })
      await world.close()
    }
  })
})

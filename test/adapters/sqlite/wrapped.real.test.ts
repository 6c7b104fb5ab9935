import { execFileSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isExact } from '../../../src/drivers/databases.ts'
import type { SecretHandle } from '../../../src/drivers/secrets.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { openSqlite, type SqliteWorld } from '../../fixtures/sqlite-world.ts'
import { program } from '../../fixtures/requirements.ts'
import { passphrase, wrappers, wraps } from '../../fixtures/wrap.ts'

const decrypt: SecretHandle = { secret: 'RIGHT', from: { env: 'RIGHT' } }
const copy = 'shop__rb_wrapped'

describe.skipIf(!wrappers())('wrapped backups of SQLite', () => {
  let world: SqliteWorld

  beforeEach(async () => {
    world = await openSqlite('WAL', { RIGHT: passphrase })
  })
  afterEach(() => world.close())

  test.each(wraps)(
    'in $name is read, restored, and refused where it is damaged',
    async ({ wrap, wrapped }) => {
      const databases = world.databases(watchedScope())
      const plain = await databases.dump(world.database, 'shop', world.place('shop.db.copy'))
      const bytes = await wrap(await readFile(plain.file))
      const file = world.place('shop-20260203_040000.db.backup')
      await writeFile(file, bytes)
      const opening = wrapped.some((one) => ['gpg', 'age', 'openssl'].includes(one)) ? { decrypt } : {}
      const before = await readdir(world.folder)
      const dump = await databases.inspect(world.database, file, opening)
      expect(await readdir(world.folder)).toEqual(before)
      expect(dump).toMatchObject({
        file,
        format: 'sqlite',
        wrapped,
        bytes: bytes.length,
        takenAt: '2026-02-03T04:00:00.000Z',
        tables: plain.tables,
        contents: plain.contents as object,
        unpacked: { bytes: plain.bytes, folder: tmpdir() },
      })
      if (!isExact(dump)) throw new Error('a database file is exact, however it is wrapped')
      expect(await databases.header(world.database, file, opening)).toMatchObject({
        format: 'sqlite',
        wrapped,
      })
      const good = await databases.fingerprint(world.database, 'shop')
      await world.change({ put: 'orders', id: 99, text: 'written by the bad deploy' })
      await databases.restoreBeside(world.database, dump, copy)
      expect(await databases.fingerprint(world.database, copy)).toEqual(good)
      await databases.restoreInPlace(world.database, dump)
      expect(await databases.fingerprint(world.database, 'shop')).toEqual(good)

      await writeFile(file, bytes.subarray(0, Math.floor(bytes.length * 0.7)))
      await expect(databases.inspect(world.database, file, opening)).rejects.toMatchObject({
        code: 'verification',
      })
      await databases.drop(world.database, copy)
      await expect(databases.restoreBeside(world.database, dump, copy)).rejects.toMatchObject({
        code: 'verification',
      })
      expect(await databases.exists(world.database, copy)).toBe(false)
      expect(await databases.leftover(world.database, copy)).toBe(false)
    },
  )

  describe.skipIf(!program('sqlite3'))('that the program of SQLite made', () => {
    const shell = (file: string, command: string): string =>
      execFileSync('sqlite3', [file, command], { encoding: 'utf8', maxBuffer: 1 << 28 })

    test.each(wraps)(
      'SQL of .dump in $name is read, restored, and refused where it is cut',
      async ({ wrap, wrapped }) => {
        const databases = world.databases(watchedScope())
        const bytes = await wrap(Buffer.from(shell(world.database.file, '.dump')))
        const file = world.place('shop-20260203_040000.sql.backup')
        await writeFile(file, bytes)
        const opening = wrapped.some((one) => ['gpg', 'age', 'openssl'].includes(one)) ? { decrypt } : {}
        const dump = await databases.inspect(world.database, file, opening)
        expect(dump).toMatchObject({ file, format: 'plain', wrapped, takenAt: '2026-02-03T04:00:00.000Z' })
        expect(await databases.header(world.database, file, opening)).toMatchObject({
          format: 'plain',
          wrapped,
        })
        const good = await databases.fingerprint(world.database, 'shop')
        await world.change({ put: 'orders', id: 99, text: 'written by the bad deploy' })
        await databases.restoreBeside(world.database, dump, copy)
        expect(await databases.fingerprint(world.database, copy)).toEqual(good)
        await writeFile(file, bytes.subarray(0, Math.floor(bytes.length * 0.7)))
        await expect(databases.inspect(world.database, file, opening)).rejects.toMatchObject({
          code: 'verification',
        })
      },
    )

    test.each([
      ['VACUUM INTO', (to: string) => shell(world.database.file, `VACUUM INTO '${to}'`)],
      ['.backup', (to: string) => shell(world.database.file, `.backup '${to}'`)],
    ])('a file of %s is read, and restored beside and in place', async (_, make) => {
      const databases = world.databases(watchedScope())
      const file = world.place('shop-20260203_040000.backup')
      make(file)
      const good = await databases.fingerprint(world.database, 'shop')
      const dump = await databases.inspect(world.database, file)
      if (!isExact(dump)) throw new Error('a database file is exact')
      await world.change({ put: 'orders', id: 99, text: 'written by the bad deploy' })
      await databases.restoreBeside(world.database, dump, copy)
      expect(await databases.fingerprint(world.database, copy)).toEqual(good)
      await databases.restoreInPlace(world.database, dump)
      expect(await databases.fingerprint(world.database, 'shop')).toEqual(good)
    })
  })
})

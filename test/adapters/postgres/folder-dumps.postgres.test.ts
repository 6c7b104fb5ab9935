import { execFileSync } from 'node:child_process'
import { appendFile, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { isExact, type Databases } from '../../../src/drivers/databases.ts'
import { more, objects } from '../../fixtures/large-objects.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'

const copy = 'shop__rb_folder'

describe.skipIf(!requirement())('folders of pg_dump -Fd', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer(async (on) => {
    ;({ fixture, world, databases } = on)
    await world.sql(more)
  })
  afterEach(() => void vi.unstubAllEnvs())

  const made = (...args: readonly string[]): string => {
    const folder = world.place('folder')
    execFileSync(join(fixture.cluster.bin, 'pg_dump'), [
      '--format=directory',
      ...args,
      '--file',
      folder,
      fixture.urlOf('shop'),
    ])
    return folder
  }
  const inspect = (file: string) => databases.inspect(world.database, file)
  const print = (name: string) => databases.fingerprint(world.database, name)
  /** The file with the rows of `noise`. */
  const largest = async (folder: string): Promise<string> => {
    const sizes = await Promise.all(
      (await readdir(folder))
        .filter((name) => /^\d+\.dat/.test(name))
        .map(async (name) => ({ name, size: (await stat(join(folder, name))).size })),
    )
    return join(folder, sizes.toSorted((one, other) => other.size - one.size)[0]?.name ?? '')
  }
  const refused = (folder: string, message: RegExp) =>
    expect(inspect(folder)).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringMatching(message),
    })

  test.each([
    ['compressed', []],
    ['uncompressed', ['--compress=0']],
    ['as INSERT', ['--inserts']],
    ['of two jobs', ['--jobs=2']],
  ])('%s: read and restored beside and in place, and nothing of it kept', async (_, args) => {
    const folder = made(...args)
    // Where a file that is read too early would be kept.
    vi.stubEnv('TMPDIR', '/nonexistent')
    const dump = await inspect(folder)
    expect(dump).toMatchObject({
      format: 'directory',
      database: 'shop',
      tables: ['public.customers', 'public.noise', 'public.nothing', 'public.orders'],
      contents: { rows: [{ table: 'public.nothing', rows: 0 }], largeObjects: true },
    })
    const good = await print('shop')
    const large = await world.sql(objects)
    const rights = await databases.restoreRights(world.database, dump, copy)
    await databases.restoreBeside(world.database, dump, copy, rights)
    expect(await print(copy)).toEqual(good)
    expect(await world.sql(objects, copy)).toEqual(large)
    await world.sql('DELETE FROM noise')
    if (!isExact(dump)) throw new Error('pg_restore restores it in one transaction')
    await databases.restoreInPlace(world.database, dump)
    expect(await print('shop')).toEqual(good)
  })

  test('a file that is missing, cut off, added or no file is named', async () => {
    const folder = made()
    const data = await largest(folder)
    const bytes = await readFile(data)
    await rm(data)
    await refused(folder, /is incomplete: \d+\.dat is missing/)
    await writeFile(data, bytes.subarray(0, bytes.length - 9))
    await refused(folder, /dat\.gz/)
    await writeFile(data, bytes)
    await writeFile(join(folder, '99999.dat'), 'x')
    await refused(folder, /99999\.dat.*table of contents does not name/)
    await rm(join(folder, '99999.dat'))
    await symlink('/etc/passwd', join(folder, '99999.dat'))
    await refused(folder, /99999\.dat in it is not a regular file/)
    await rm(join(folder, '99999.dat'))
    await writeFile(join(folder, 'SHA256SUMS'), 'of its files\n')
    expect(await inspect(folder)).toMatchObject({ format: 'directory' })
    await rm(join(folder, 'toc.dat'))
    await refused(folder, /is a folder without toc\.dat/)
  })

  test('without compression, only the end mark shows that rows are missing', async () => {
    const folder = made('--compress=0')
    const data = await largest(folder)
    const lines = (await readFile(data, 'latin1')).split('\n')
    await truncate(data, lines.slice(0, 1000).join('\n').length + 1)
    await refused(folder, /\.dat is truncated: it has no end mark/)
  })

  test('one that changes after it was inspected is not restored', async () => {
    const folder = made('--compress=0')
    const dump = await inspect(folder)
    const data = await largest(folder)
    const bytes = await readFile(data)
    const row = bytes.indexOf('\n') + 5
    bytes.writeUInt8(bytes.readUInt8(row) ^ 1, row)
    await writeFile(data, bytes)
    await expect(databases.restoreBeside(world.database, dump, copy)).rejects.toMatchObject({
      message: expect.stringMatching(/checksum mismatch|pg_restore/),
    })
    expect(await databases.exists(world.database, copy)).toBe(false)
    if (!isExact(dump)) throw new Error('pg_restore restores it in one transaction')
    const before = await print('shop')
    await appendFile(data, 'x')
    await expect(databases.restoreInPlace(world.database, dump)).rejects.toMatchObject({
      code: 'verification',
    })
    expect(await print('shop')).toEqual(before)
  })
})

import { execFileSync } from 'node:child_process'
import { appendFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isExact, type Databases } from '../../../src/drivers/databases.ts'
import { more, objects } from '../../fixtures/large-objects.ts'
import {
  eachOnServer,
  requirement,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'

const copy = 'shop__rb_tar'

describe.skipIf(!requirement())('dumps of pg_dump in a tar archive', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer(async (on) => {
    ;({ fixture, world, databases } = on)
    await world.sql(more)
  })

  const byHand = (file: string, ...args: readonly string[]): string => {
    const place = world.place(file)
    execFileSync(join(fixture.cluster.bin, 'pg_dump'), [...args, '--file', place, fixture.urlOf('shop')])
    return place
  }
  /** Packs files of a folder of pg_dump -Fd, in an order. */
  const packed = async (
    file: string,
    folder: string,
    order: (names: readonly string[]) => readonly string[],
  ): Promise<string> => {
    const names = order((await readdir(world.place(folder))).toSorted())
    const from = world.place('.')
    // Otherwise a file that is named twice is a link the second time.
    execFileSync('tar', [
      '--hard-dereference',
      '-C',
      from,
      '-cf',
      world.place(file),
      ...names.map((name) => `${folder}/${name}`),
    ])
    return world.place(file)
  }
  const written = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeFile(world.place(name), bytes)
    return world.place(name)
  }
  const inspect = (file: string) => databases.inspect(world.database, file)
  const print = (name: string) => databases.fingerprint(world.database, name)

  const forms: readonly (readonly [string, () => Promise<string>])[] = [
    ['of -Ft', async () => byHand('shop.tar', '--format=tar')],
    [
      'of a folder, as tar packs it',
      async () => {
        byHand('folder', '--format=directory')
        execFileSync('tar', ['-C', world.place('.'), '-cf', world.place('shop.tar'), 'folder'])
        return world.place('shop.tar')
      },
    ],
    [
      'of a folder with its table of contents last',
      async () => {
        byHand('folder', '--format=directory', '--compress=0')
        return packed('shop.tar', 'folder', (names) => names.toReversed())
      },
    ],
    [
      'of a folder with checksums in it, and gzip around it',
      async () => {
        const folder = byHand('folder', '--format=directory')
        await writeFile(join(folder, 'SHA256SUMS'), 'of its files\n')
        return written(
          'shop.tgz',
          gzipSync(await readFile(await packed('shop.tar', 'folder', (names) => names))),
        )
      },
    ],
  ]

  test.each(forms)('%s: read, restored beside and in place', async (form, made) => {
    const reversed = form.includes('last')
    const kept = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('runbook-tar-'))
    const before = await kept()
    const dump = await inspect(await made())
    expect(dump).toMatchObject({
      format: 'tar',
      major: 15,
      database: 'shop',
      provesItself: false,
      tables: ['public.customers', 'public.noise', 'public.nothing', 'public.orders'],
      contents: { rows: [{ table: 'public.nothing', rows: 0 }], largeObjects: true },
    })
    expect(await databases.header(world.database, dump.file)).toMatchObject({
      format: 'tar',
      database: 'shop',
      takenAt: dump.takenAt,
    })
    // What comes before it is wanted is kept: of -Ft the large objects, whose list follows them.
    if (reversed) expect(dump.unpacked?.bytes).toBeGreaterThan(300_000)
    else if (form === 'of -Ft') expect(dump.unpacked).toEqual({ bytes: 300_005, folder: tmpdir() })
    const good = await print('shop')
    const large = await world.sql(objects)
    const rights = await databases.restoreRights(world.database, dump, copy)
    expect(rights).toMatchObject({ superuser: false, because: [] })
    await databases.restoreBeside(world.database, dump, copy, rights)
    expect(await print(copy)).toEqual(good)
    expect(await world.sql(objects, copy)).toEqual(large)
    await world.sql('DELETE FROM noise')
    if (!isExact(dump)) throw new Error('pg_restore restores it in one transaction')
    await databases.restoreInPlace(world.database, dump)
    expect(await print('shop')).toEqual(good)
    expect(await kept()).toEqual(before)
  })

  test('cut off anywhere, it is refused', async () => {
    for (const [, made] of forms.slice(0, 3)) {
      const bytes = await readFile(await made())
      for (let part = 0.02; part < 1; part += 0.07)
        await expect(
          inspect(await written('cut.tar', bytes.subarray(0, Math.floor(bytes.length * part)))),
          `cut at ${part}`,
        ).rejects.toMatchObject({ code: 'verification' })
      await rm(world.place('folder'), { recursive: true, force: true })
    }
  })

  test('a folder that lacks a file, has another, or was altered after the inspection is refused', async () => {
    const folder = byHand('folder', '--format=directory')
    const data = (await readdir(folder)).find((name) => /^\d+\.dat\.gz$/.test(name)) ?? ''
    const refusedWith = async (message: RegExp, names: (all: readonly string[]) => readonly string[]) =>
      expect(inspect(await packed('odd.tar', 'folder', names))).rejects.toMatchObject({
        code: 'verification',
        message: expect.stringMatching(message),
      })
    await refusedWith(/is incomplete: \d+\.dat is missing/, (all) => all.filter((name) => name !== data))
    await refusedWith(/has no toc\.dat/, (all) => all.filter((name) => name !== 'toc.dat'))
    await refusedWith(/occurs twice/, (all) => [...all, data])
    await writeFile(join(folder, '99999.dat'), 'x')
    await refusedWith(/99999\.dat.*table of contents does not name/, (all) => all)
    await rm(join(folder, '99999.dat'))
    await symlink('/etc/passwd', join(folder, '99999.dat'))
    await refusedWith(/not a regular file/, (all) => all)
    await rm(join(folder, '99999.dat'))
    const dump = await inspect(await packed('shop.tar', 'folder', (all) => all))
    await appendFile(dump.file, Buffer.alloc(512))
    await expect(databases.restoreBeside(world.database, dump, copy)).rejects.toMatchObject({
      message: expect.stringMatching(/checksum mismatch|psql|pg_restore/),
    })
    expect(await databases.exists(world.database, copy)).toBe(false)
    await appendFile(join(folder, data), 'something else that follows')
    await refusedWith(/dat\.gz.* gzip stream/, (all) => all)
  })

  test('the table of contents alone is refused, and so is a tar of something else', async () => {
    const folder = byHand('folder', '--format=directory')
    await expect(inspect(join(folder, 'toc.dat'))).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('only the table of contents'),
    })
    const other = await mkdtemp(join(tmpdir(), 'rbtar-'))
    try {
      await writeFile(join(other, 'notes.txt'), 'no dump')
      execFileSync('tar', ['-C', other, '-cf', world.place('other.tar'), '.'])
      await expect(inspect(world.place('other.tar'))).rejects.toMatchObject({
        code: 'verification',
        message: expect.stringContaining('has no toc.dat'),
      })
    } finally {
      await rm(other, { recursive: true, force: true })
    }
  })
})

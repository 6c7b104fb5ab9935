import { execFileSync } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Databases } from '../../../src/drivers/databases.ts'
import type { SecretHandle } from '../../../src/drivers/secrets.ts'
import {
  eachOnServer,
  requirement,
  serverFixture,
  type ServerFixture,
  type ServerWorld,
} from '../../fixtures/postgres-server.ts'
import { passphrase, wrappers, wraps } from '../../fixtures/wrap.ts'

const copy = 'shop__rb_wrapped'
const decrypt: SecretHandle = { secret: 'RIGHT', from: { env: 'RIGHT' } }
const wrong: SecretHandle = { secret: 'WRONG', from: { env: 'WRONG' } }

const formats = [
  ['custom', ['pg_dump', '--format=custom']],
  ['plain', ['pg_dump', '--format=plain']],
  ['tar', ['pg_dump', '--format=tar']],
  ['cluster', ['pg_dumpall']],
  ['folder in a tar', ['pg_dump', '--format=directory']],
] as const

/**
 * The server is given the bytes of the dump, whatever it was wrapped in: the reader of each format is given every wrapping, and
 * restores one that is taken off in this process and one that programs take off.
 */
const isRestored = (format: string, wrapping: string): boolean =>
  format === 'custom' || ['gzip', 'gpg as text, of gzip'].includes(wrapping)

describe.skipIf(!requirement() || !wrappers())('wrapped dumps of PostgreSQL', () => {
  let fixture: ServerFixture
  let world: ServerWorld
  let databases: Databases

  eachOnServer(
    (on) => {
      ;({ fixture, world, databases } = on)
    },
    () => serverFixture([], { RIGHT: passphrase, WRONG: 'not the passphrase' }),
  )

  const dumped = async ([program, ...args]: (typeof formats)[number][1]): Promise<Buffer> => {
    const file = world.place('dump')
    const of = program === 'pg_dumpall' ? 'postgres' : 'shop'
    execFileSync(join(fixture.cluster.bin, program), [...args, '--file', file, '--dbname', fixture.urlOf(of)])
    if (!(await stat(file)).isDirectory()) return readFile(file)
    return execFileSync('tar', ['-C', world.place('.'), '-c', 'dump'], { maxBuffer: 1 << 28 })
  }
  const written = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeFile(world.place(name), bytes)
    return world.place(name)
  }

  describe.each(formats)('%s', (form, args) => {
    const format = form === 'folder in a tar' ? 'tar' : form
    test.each(wraps)('in $name is read, and refused where it is damaged', async ({ name, wrap, wrapped }) => {
      const bytes = await wrap(await dumped(args))
      const file = await written('backup', bytes)
      const opening = wrapped.some((one) => ['gpg', 'age', 'openssl'].includes(one)) ? { decrypt } : {}
      const dump = await databases.inspect(world.database, file, opening)
      expect(dump).toMatchObject({
        format,
        wrapped,
        bytes: bytes.length,
        tables: ['public.customers', 'public.orders'],
      })
      expect(await databases.header(world.database, file, opening)).toMatchObject({
        format,
        wrapped,
        major: 15,
      })
      if (isRestored(format, name)) {
        await databases.restoreBeside(world.database, dump, copy)
        expect(await databases.fingerprint(world.database, copy)).toEqual(
          await databases.fingerprint(world.database, 'shop'),
        )
      }

      const refused = { code: 'verification' }
      // What unwraps it tells that it is cut, whatever is in it.
      for (const part of format === 'custom' ? [0.3, 0.6, 0.95] : [0.6])
        await expect(
          databases.inspect(
            world.database,
            await written('cut', bytes.subarray(0, Math.floor(bytes.length * part))),
            opening,
          ),
          `cut at ${part}`,
        ).rejects.toMatchObject(refused)
      // gpg reads nothing after the end of its text form.
      if (!Buffer.from(bytes).includes('-----BEGIN PGP'))
        for (const extra of [Buffer.from('x'), Buffer.from('-- more\nDROP TABLE orders;\n')])
          await expect(
            databases.inspect(
              world.database,
              await written('longer', Buffer.concat([bytes, extra])),
              opening,
            ),
            `with ${extra.length} bytes more`,
          ).rejects.toMatchObject(refused)
      if (!('decrypt' in opening)) return
      await expect(databases.inspect(world.database, file)).rejects.toMatchObject({
        code: 'preflight',
        hint: expect.stringContaining('backups.passphrase'),
      })
      await expect(databases.inspect(world.database, file, { decrypt: wrong })).rejects.toMatchObject({
        ...refused,
        message: expect.stringMatching(/passphrase/),
      })
    })
  })

  test('a program that is missing is named with what installs it', async () => {
    const { wrap } = wraps.find(({ name }) => name === 'xz') ?? { wrap: (bytes: Uint8Array) => bytes }
    const file = await written('backup.xz', await wrap(await dumped(['pg_dump', '--format=plain'])))
    const path = process.env['PATH'] ?? ''
    process.env['PATH'] = world.place('nothing')
    try {
      await expect(databases.header(world.database, file)).rejects.toMatchObject({
        code: 'preflight',
        hint: 'install xz: apt-get install xz-utils',
      })
    } finally {
      process.env['PATH'] = path
    }
  })
})

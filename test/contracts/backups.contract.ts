import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BackupPlace, Backups, Statement } from '../../src/drivers/backups.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import { systemClock, type Clock } from '../../src/kernel/clock.ts'
import type { Code } from '../../src/kernel/errors.ts'
import { canonical, sha256, type JsonObject } from '../../src/kernel/json.ts'
import { watchedScope } from '../fixtures/scope.ts'

/** A folder of backups in which the test writes as a backup job would. */
export interface BackupsWorld {
  readonly directory: string
  backups(scope: Scope, clock: Clock): Backups
  /** Whose signatures count from now on. */
  trusting(who: 'this machine' | 'another machine' | 'nobody'): Promise<void>
  read(name: string): Promise<Uint8Array>
  /** Makes folders as needed, and returns the absolute path. */
  put(name: string, body: string | Uint8Array, modifiedAt?: Date): Promise<string>
  remove(name: string): Promise<void>
  close(): Promise<void>
}

export function backupsContract(kind: string, open: () => Promise<BackupsWorld>): void {
  describe(`backups: ${kind}`, () => {
    let world: BackupsWorld
    let backups: Backups
    let place: BackupPlace
    const clock: Clock = { ...systemClock, now: () => new Date('2026-02-04T00:00:00Z') }
    const body = 'a dump, more or less'
    const hash = sha256(body)
    const name = 'brace_20260203_041233.dump'

    beforeEach(async () => {
      world = await open()
      backups = world.backups(watchedScope(), clock)
      place = {
        directory: world.directory,
        pattern: 'brace_*{time}.dump',
        maxAgeSeconds: 86_400,
        minBytes: 1,
        checksums: 'required',
      }
    })
    afterEach(() => world.close())

    const refusal = (message: string | RegExp) =>
      expect.objectContaining({
        code: 'verification' satisfies Code,
        message: expect.stringMatching(message),
        hint: expect.any(String),
      })
    const verify = async (file = name, more: Partial<BackupPlace> = {}) => {
      const asked = { ...place, ...more }
      return backups.verify(asked, await backups.find(asked, file))
    }

    describe('list', () => {
      test('newest first, by the time in the name and not by the file time', async () => {
        await world.put('brace_20260201_041233.dump', body, new Date('2026-02-03T23:00:00Z'))
        await world.put('brace_tg_20260203045206.dump', body, new Date('2026-01-01T00:00:00Z'))
        await world.put('brace_2026-02-02T04-12-33Z.dump', body)
        expect((await backups.list(place)).map(({ takenAt, dated }) => [takenAt, dated])).toEqual([
          ['2026-02-03T04:52:06.000Z', 'by-name'],
          ['2026-02-02T04:12:33.000Z', 'by-name'],
          ['2026-02-01T04:12:33.000Z', 'by-name'],
        ])
      })

      test('folders of dates, one level or two, are searched, others are not', async () => {
        const in2 = await world.put('2026/02-03/brace_20260203_000000.dump', body)
        const in1 = await world.put('2026-02-02/brace_20260202_000000.dump', body)
        const here = await world.put('brace_20260201_000000.dump', body)
        await world.put('old/brace_20260203_111111.dump', body)
        await world.put('2026/02-03/tmp/brace_20260203_111111.dump', body)
        expect((await backups.list(place)).map(({ file }) => file)).toEqual([in2, in1, here])
      })

      test('what does not fit, and what lies beside a backup, is left out', async () => {
        await world.put(name, body)
        for (const other of [
          'SHA256SUMS',
          `${name}.sha256`,
          `${name}.partial`,
          'other_20260203_041233.dump',
          'brace_20261303_041233.dump',
          'brace_latest.dump',
        ]) {
          await world.put(other, body)
        }
        expect((await backups.list(place)).map((backup) => backup.name)).toEqual([name])
      })

      test('a date alone, or without seconds, stands for its whole day or minute', async () => {
        for (const one of ['2026-02-02', '20260203_0412', '2026-02-03_04-13', '20260201', '2026-13-01'])
          await world.put(`brace_${one}.dump`, body)
        expect(
          (await backups.list(place)).map(({ takenAt, takenBy, dated }) => [takenAt, takenBy, dated]),
        ).toEqual([
          ['2026-02-03T04:13:00.000Z', '2026-02-03T04:13:59.999Z', 'by-name'],
          ['2026-02-03T04:12:00.000Z', '2026-02-03T04:12:59.999Z', 'by-name'],
          ['2026-02-02T00:00:00.000Z', '2026-02-02T23:59:59.999Z', 'by-name'],
          ['2026-02-01T00:00:00.000Z', '2026-02-01T23:59:59.999Z', 'by-name'],
        ])
        expect(await backups.find(place, 'brace_20260201.dump')).toMatchObject({
          takenAt: '2026-02-01T00:00:00.000Z',
          takenBy: '2026-02-01T23:59:59.999Z',
        })
      })

      test('what fits but for its time is named, newest first', async () => {
        await world.put(name, body)
        const older = await world.put('brace_2026-13-01.dump', body, new Date('2026-02-03T01:00:00Z'))
        const newer = await world.put(
          '2026-02-03/brace_03.02.2026.dump',
          body,
          new Date('2026-02-03T02:00:00Z'),
        )
        for (const other of ['brace_x.dump.sha256', 'other_2026.dump', 'SHA256SUMS', 'brace_x.dump.partial'])
          await world.put(other, body)
        expect(await backups.undated(place)).toEqual([
          { file: newer, name: 'brace_03.02.2026.dump', modifiedAt: '2026-02-03T02:00:00.000Z' },
          { file: older, name: 'brace_2026-13-01.dump', modifiedAt: '2026-02-03T01:00:00.000Z' },
        ])
        expect(await backups.undated({ ...place, pattern: '*.dump' })).toEqual([])
        await expect(
          backups.undated({ ...place, directory: `${world.directory}/unmounted` }),
        ).rejects.toMatchObject({ code: 'preflight' satisfies Code })
      })

      test('a pattern without a time dates by the file, and says so', async () => {
        await world.put('latest.dump', body, new Date('2026-02-03T01:02:03Z'))
        expect(await backups.list({ ...place, pattern: '*.dump' })).toEqual([
          {
            file: `${world.directory}/latest.dump`,
            name: 'latest.dump',
            bytes: body.length,
            takenAt: '2026-02-03T01:02:03.000Z',
            dated: 'by-mtime',
          },
        ])
      })

      test('a place without a backup is empty', async () => {
        await world.put('README', 'nothing here yet')
        expect(await backups.list(place)).toEqual([])
      })

      test('a folder that is not there is not the same as an empty one', async () => {
        await expect(
          backups.list({ ...place, directory: `${world.directory}/unmounted` }),
        ).rejects.toMatchObject({ code: 'preflight' satisfies Code })
      })

      test('a pattern that cannot be meant is refused', async () => {
        await world.put(name, body)
        await expect(backups.list({ ...place, pattern: '{date}.dump' })).rejects.toMatchObject({
          code: 'usage' satisfies Code,
        })
      })
    })

    describe('find', () => {
      test.each([
        ['by name', (path: string) => path.split('/').at(-1) ?? ''],
        ['by path', (path: string) => path],
      ])('%s', async (_, by) => {
        const path = await world.put(name, body)
        expect(await backups.find(place, by(path))).toEqual({
          file: path,
          name,
          bytes: body.length,
          takenAt: '2026-02-03T04:12:33.000Z',
          dated: 'by-name',
        })
      })

      test('by name in a folder of dates', async () => {
        const path = await world.put(`2026/02-03/${name}`, body)
        expect(await backups.find(place, name)).toMatchObject({ file: path })
      })

      test('a name that stands in two folders of dates is asked back', async () => {
        await world.put(`2026/02-03/${name}`, body)
        await world.put(`2026-02-03/${name}`, body)
        await expect(backups.find(place, name)).rejects.toMatchObject({ code: 'usage' satisfies Code })
      })

      test('a file outside of the pattern that states its time', async () => {
        await world.put('copy-of-20260202-030405.bak', body)
        expect(await backups.find(place, 'copy-of-20260202-030405.bak')).toMatchObject({
          takenAt: '2026-02-02T03:04:05.000Z',
          dated: 'by-name',
        })
      })

      test('names with a newline or a leading dash are names', async () => {
        for (const odd of ['-rf 20260202-030405.dump', 'two\nlines-20260202-030405.dump']) {
          const file = await world.put(odd, body)
          expect(await backups.find(place, odd)).toMatchObject({ file, name: odd })
        }
      })

      test('a missing one and a folder are refused', async () => {
        await world.put('2026-02-03/x.dump', body)
        for (const wrong of [
          'nowhere.dump',
          `${world.directory}/nowhere/x.dump`,
          `${world.directory}/2026-02-03`,
        ]) {
          await expect(backups.find(place, wrong)).rejects.toMatchObject({
            code: 'usage' satisfies Code,
            hint: expect.any(String),
          })
        }
      })
    })

    describe('a folder of pg_dump -Fd', () => {
      const folder = 'brace_20260203_041233'
      const asked = { pattern: 'brace_{time}' }
      const parts = { 'toc.dat': 'contents', '3001.dat.gz': 'rows', '3002.dat.gz': 'more rows' }
      const sums = (names: readonly string[] = Object.keys(parts), prefix = '') =>
        names
          .map((one) => `${sha256(parts[one as keyof typeof parts] ?? 'other')}  ${prefix}${one}\n`)
          .join('')
      /** That of `LC_ALL=C sha256sum *`. */
      const digest = sha256(sums(['3001.dat.gz', '3002.dat.gz', 'toc.dat']))
      beforeEach(async () => {
        await Promise.all(
          Object.entries(parts).map(([file, text]) =>
            world.put(`${folder}/${file}`, text, new Date('2026-02-03T05:00:00Z')),
          ),
        )
      })

      test('is listed and found as one backup, by its name, with the size of its files', async () => {
        await world.put(`brace_20260201_000000/3001.dat.gz`, 'without a table of contents')
        await world.put('2026-02-02/brace_20260202_000000/toc.dat', 'of a date folder')
        const file = `${world.directory}/${folder}`
        const found = { file, name: folder, bytes: 21, takenAt: '2026-02-03T04:12:33.000Z', dated: 'by-name' }
        expect(await backups.list({ ...place, ...asked })).toEqual([
          found,
          expect.objectContaining({ name: 'brace_20260202_000000', bytes: 16 }),
        ])
        for (const by of [folder, file]) expect(await backups.find({ ...place, ...asked }, by)).toEqual(found)
      })

      test('may be named by a date alone, and is then not searched', async () => {
        await world.put('2026-02-02/toc.dat', 'of a dump')
        await world.put('2026-02-02/2026-02-01', 'no backup')
        expect((await backups.list({ ...place, pattern: '{time}' })).map((one) => one.name)).toEqual([
          '2026-02-02',
        ])
      })

      test('without a time in the pattern it is as old as its newest file', async () => {
        await world.put(`${folder}/3001.dat.gz`, parts['3001.dat.gz'], new Date('2026-02-03T06:00:00Z'))
        expect(await backups.list({ ...place, pattern: 'brace_*' })).toMatchObject([
          { name: folder, takenAt: '2026-02-03T06:00:00.000Z', dated: 'by-mtime' },
        ])
        await world.put('brace_03.02.2026/toc.dat', 'x', new Date('2026-02-03T07:00:00Z'))
        expect(await backups.undated({ ...place, ...asked })).toEqual([
          {
            file: `${world.directory}/brace_03.02.2026`,
            name: 'brace_03.02.2026',
            modifiedAt: '2026-02-03T07:00:00.000Z',
          },
        ])
      })

      test.each([
        ['SHA256SUMS in it', `${folder}/SHA256SUMS`, sums()],
        ['SHA256SUMS in it, which names itself', `${folder}/SHA256SUMS`, `${sums()}${sums(['SHA256SUMS'])}`],
        ['its own file beside it', `${folder}.sha256`, sums(undefined, `${folder}/`)],
        ['a list of several', 'SHA256SUMS', `${sums(undefined, `/mnt/nas/${folder}/`)}${sums(['x.dump'])}`],
      ])('is vouched for by %s', async (_, file, text) => {
        const list = await world.put(file, text)
        expect(await verify(folder, asked)).toMatchObject({ bytes: 21, sha256: digest, checksumFile: list })
        await world.put(`${folder}/3001.dat.gz`, 'sowr')
        await expect(verify(folder, asked)).rejects.toEqual(refusal('checksum mismatch'))
      })

      test('a list that names other files than are there does not count', async () => {
        await expect(verify(folder, asked)).rejects.toMatchObject({
          message: expect.stringContaining(`no ${folder}.sha256 beside it, and no SHA256SUMS in it`),
          hint: expect.stringContaining(`sha256sum ${folder}/* > ${folder}.sha256`),
        })
        for (const [text, message] of [
          [sums(['toc.dat', '3001.dat.gz']), 'does not name 3002.dat.gz'],
          [sums([...Object.keys(parts), '3003.dat.gz']), 'names 3003.dat.gz, which is missing'],
          [`${sums()}${'0'.repeat(64)}  toc.dat\n`, '2 different checksums'],
        ] as const) {
          await world.put(`${folder}/SHA256SUMS`, text)
          for (const checksums of ['required', 'if-present'] as const)
            await expect(verify(folder, { ...asked, checksums })).rejects.toEqual(refusal(message))
        }
        await world.put(`${folder}/SHA256SUMS`, '')
        await expect(verify(folder, asked)).rejects.toEqual(refusal('is empty'))
        await world.remove(`${folder}/SHA256SUMS`)
        await world.put(`${folder}.sha256`, `${digest}  ${folder}\n`)
        await expect(verify(folder, asked)).rejects.toEqual(refusal('is for another file'))
        await world.remove(`${folder}.sha256`)
        expect(await verify(folder, { ...asked, checksums: 'if-present' })).toMatchObject({
          sha256: digest,
          checksumFile: null,
        })
      })

      test('is signed, and another file in it is noticed', async () => {
        const file = `${world.directory}/${folder}`
        const statement: Statement = {
          source: { kind: 'postgres', system: '7412', name: 'brace' },
          begun: '2026-02-03T04:12:33.000Z',
          tools: [],
          rows: null,
        }
        await expect(backups.sign({ file, bytes: 20, sha256: digest }, statement)).rejects.toEqual(
          refusal('cannot sign a manifest'),
        )
        await backups.sign({ file, bytes: 21, sha256: digest }, statement)
        expect(await verify(folder, { ...asked, require: 'signed' })).toMatchObject({
          sha256: digest,
          checksumFile: `${file}.manifest.json`,
        })
        expect(await backups.list({ ...place, ...asked })).toHaveLength(1)
        await world.put(`${folder}/3003.dat.gz`, '')
        await expect(verify(folder, asked)).rejects.toEqual(refusal('checksum mismatch'))
      })

      test('one that changed since it was found is refused', async () => {
        const found = await backups.find({ ...place, ...asked }, folder)
        await world.put(`${folder}/3003.dat.gz`, 'late')
        await expect(backups.verify({ ...place, ...asked, checksums: 'if-present' }, found)).rejects.toEqual(
          refusal('changed while'),
        )
      })
    })

    describe('sign', () => {
      const manifest = `${name}.manifest.json`
      const signature = `${manifest}.sig`
      const statement: Statement = {
        source: { kind: 'postgres', system: '7412', name: 'brace', host: 'db', oid: '16384' },
        begun: '2026-02-03T04:12:33.000Z',
        tools: [{ tool: 'pg_dump', version: '17.6' }],
        rows: [{ table: 'orders', rows: 12 }],
      }
      const signed = async (file = name) => {
        const path = await world.put(file, body)
        return backups.sign({ file: path, bytes: body.length, sha256: hash }, statement)
      }
      const text = async () => new TextDecoder().decode(await world.read(manifest))
      const alter = async (from: string, to: string) => {
        const before = await text()
        expect(before).toContain(from)
        await world.put(manifest, before.replace(from, to))
      }

      test('a signed backup needs no checksum, and says who vouches for what', async () => {
        const made = await signed()
        expect(made).toMatchObject({
          file: `${world.directory}/${manifest}`,
          key: expect.stringMatching(/^SHA256:/),
          source: statement.source,
          begun: statement.begun,
          ended: '2026-02-04T00:00:00.000Z',
          rows: statement.rows,
          run: expect.any(String),
        })
        const read = await verify()
        expect(read).toMatchObject({ sha256: hash, checksumFile: made.file, manifest: made })
        expect(await verify(name, { require: 'signed' })).toEqual(read)
        expect(await backups.checksumOf(place, await backups.find(place, name))).toEqual({
          sha256: hash,
          checksumFile: made.file,
          manifest: made,
        })
      })

      test('the manifest is canonical JSON with all that it states', async () => {
        await signed()
        const written = await text()
        const stated = JSON.parse(written) as JsonObject
        expect(written).toBe(`${canonical(stated)}\n`)
        expect(stated).toMatchObject({
          type: 'runbook-backup-manifest',
          version: 1,
          name,
          bytes: body.length,
          sha256: hash,
          ...statement,
          host: expect.any(String),
          program: expect.stringMatching(/^runbook/),
        })
      })

      test('it counts before a checksum, which may be made after the damage', async () => {
        await signed()
        await world.put(`${name}.sha256`, `${'0'.repeat(64)}  ${name}\n`)
        expect(await verify()).toMatchObject({ sha256: hash })
        const damaged = body.replace('more', 'moro')
        await world.put(name, damaged)
        await world.put(`${name}.sha256`, `${sha256(damaged)}  ${name}\n`)
        await expect(verify()).rejects.toEqual(refusal('checksum mismatch'))
      })

      test('manifest and signature are neither backups nor checksums of one', async () => {
        await signed()
        expect(await backups.list({ ...place, pattern: 'brace_{time}*' })).toHaveLength(1)
        expect(await backups.undated({ ...place, pattern: 'brace_*{time}*' })).toEqual([])
        await world.remove(manifest)
        await expect(verify()).rejects.toMatchObject({ message: expect.not.stringContaining('.sig') })
      })

      test.each([
        ['the digest', () => alter(hash, '0'.repeat(64)), /the signature does not match/],
        ['a row count', () => alter('"rows":12', '"rows":13'), /the signature does not match/],
        ['the system', () => alter('7412', '7413'), /the signature does not match/],
        ['the layout', () => alter('{"begun"', '{ "begun"'), /it is not canonical JSON/],
        ['the type', () => alter('runbook-backup-manifest', 'evidence'), /it is not a manifest of a backup/],
        [
          'the version',
          () => alter('"version":1}', '"version":2}'),
          /version 2, and this program reads version 1/,
        ],
        ['a missing field', () => alter('"bytes"', '"byte"'), /a field is missing or malformed|canonical/],
        ['no JSON', async () => void (await world.put(manifest, '{')), /it is not JSON/],
        ['an empty manifest', async () => void (await world.put(manifest, '')), /it is not JSON/],
        ['no signature', () => world.remove(signature), /its signature .* is missing/],
        ['no manifest', () => world.remove(manifest), /is missing, and its signature is there/],
        ['an empty signature', async () => void (await world.put(signature, '')), /not a valid signature/],
        [
          'another signature',
          async () => void (await world.put(signature, await otherSignature())),
          /signature does not match/,
        ],
        [
          'a longer backup',
          async () => void (await world.put(name, `${body}!`)),
          /it states \d+ bytes, and .* has/,
        ],
      ])('an alteration is refused, whatever checksum there is: %s', async (_, alteration, message) => {
        await signed()
        await world.put(`${name}.sha256`, `${hash}  ${name}\n`)
        await alteration()
        for (const require of [undefined, 'signed'] as const) {
          const asked = { checksums: 'if-present' as const, ...(require === undefined ? {} : { require }) }
          await expect(verify(name, asked)).rejects.toEqual(refusal(message))
          await expect(
            backups.checksumOf({ ...place, ...asked }, await backups.find(place, name)),
          ).rejects.toEqual(refusal(message))
        }
      })

      /** Of another backup by the same key. */
      const otherSignature = async () => {
        const other = 'brace_20260202_041233.dump'
        await signed(other)
        return world.read(`${other}.manifest.json.sig`)
      }

      test('a backup with its manifest under another name, or time, is refused', async () => {
        await signed()
        const later = 'brace_20260203_231233.dump'
        for (const ending of ['', '.manifest.json', '.manifest.json.sig'])
          await world.put(`${later}${ending}`, await world.read(`${name}${ending}`))
        await expect(verify(later)).rejects.toEqual(refusal(`it is for ${name}, not for ${later}`))
      })

      test('only the signature of a trusted key counts', async () => {
        await signed()
        await world.trusting('another machine')
        await expect(verify()).rejects.toEqual(refusal(/signed with a key that is not trusted/))
        await world.trusting('nobody')
        await expect(verify()).rejects.toMatchObject({
          code: 'usage' satisfies Code,
          message: expect.stringContaining('cannot verify manifests of backups'),
          hint: expect.any(String),
        })
        await world.trusting('this machine')
        expect(await verify()).toMatchObject({ sha256: hash })
      })

      test('without a manifest a checksum is enough, unless a signature is required', async () => {
        await world.put(name, body)
        await world.put(`${name}.sha256`, `${hash}  ${name}\n`)
        expect(await verify()).not.toHaveProperty('manifest')
        const refused = {
          message: expect.stringContaining("require: 'signed'"),
          hint: expect.stringContaining('sign-backup'),
        }
        await expect(verify(name, { require: 'signed' })).rejects.toMatchObject(refused)
        await expect(
          backups.checksumOf({ ...place, require: 'signed' }, await backups.find(place, name)),
        ).rejects.toMatchObject(refused)
      })

      test('a file that changed since it was read back is not signed', async () => {
        const path = await world.put(name, `${body} and more`)
        await expect(
          backups.sign({ file: path, bytes: body.length, sha256: hash }, statement),
        ).rejects.toEqual(refusal('cannot sign a manifest'))
        expect(await backups.list(place)).toHaveLength(1)
      })

      test('signing again replaces the manifest', async () => {
        await signed()
        const path = await world.put(name, 'another dump')
        await backups.sign(
          { file: path, bytes: 12, sha256: sha256('another dump') },
          { ...statement, rows: null },
        )
        expect(await verify()).toMatchObject({ bytes: 12, manifest: { rows: null } })
      })
    })

    describe('verify', () => {
      test('against its own checksum file', async () => {
        const file = await world.put(name, body)
        await world.put(`${name}.sha256`, `${hash}  ${name}\n`)
        expect(await verify()).toEqual({
          file,
          name,
          bytes: body.length,
          takenAt: '2026-02-03T04:12:33.000Z',
          dated: 'by-name',
          sha256: hash,
          checksumFile: `${file}.sha256`,
        })
      })

      test.each([
        ['the path of the machine that made it', `${hash}  /mnt/gdrive/codex-backups/2026/02-03/${name}\n`],
        ['the binary marker', `${hash} *${name}\n`],
        ['Windows line ends', `${hash}  ${name}\r\n`],
        ['the bare hash', `${hash}\n`],
      ])('against a checksum file with %s', async (_, text) => {
        await world.put(name, body)
        await world.put(`${name}.sha256`, text)
        expect((await verify()).sha256).toBe(hash)
      })

      test('against a line of SHA256SUMS', async () => {
        await world.put(name, body)
        const sums = await world.put('SHA256SUMS', `${'0'.repeat(64)}  other.dump\n${hash}  ${name}\n`)
        expect(await verify()).toMatchObject({ sha256: hash, checksumFile: sums })
      })

      test.each([
        [`${name}.sha256sum`, `${hash}  ${name}\n`],
        ['sha256sums.txt', `${hash}  ./${name}\n`],
        ['CHECKSUMS', `# of ${name}\n${hash}  ${name}\n`],
        [`${name.replace('.dump', '')}.sha256`, `${hash}  ${name}\n`],
        [`${name.replace('.dump', '')}.lock.json`, JSON.stringify({ tarball: name, tarball_sha256: hash })],
        [`${name}.lock.json`, JSON.stringify({ tarball_sha256: hash.toUpperCase() })],
      ])('against %s beside it', async (beside, text) => {
        await world.put(name, body)
        const file = await world.put(beside, text)
        expect(await verify()).toMatchObject({ sha256: hash, checksumFile: file })
        await world.put(
          beside,
          text.replaceAll(hash, '0'.repeat(64)).replaceAll(hash.toUpperCase(), '0'.repeat(64)),
        )
        await expect(verify()).rejects.toEqual(refusal('checksum mismatch'))
      })

      test('its own checksum file goes before lists, which may be older', async () => {
        await world.put(name, body)
        await world.put('SHA256SUMS', `${'0'.repeat(64)}  ${name}\n`)
        const own = await world.put(`${name}.sha256`, `${hash}  ${name}\n`)
        expect(await verify()).toMatchObject({ checksumFile: own })
      })

      test('a lock file or CHECKSUMS that says nothing of it is left alone', async () => {
        await world.put(name, body)
        await world.put('CHECKSUMS', `${'0'.repeat(32)}  ${name}\n`)
        for (const lock of [
          '{',
          '{"tarball_sha256":7}',
          JSON.stringify({ tarball: 'x', tarball_sha256: hash }),
        ]) {
          await world.put(`${name}.lock.json`, lock)
          expect(await verify(name, { checksums: 'if-present' })).toMatchObject({ checksumFile: null })
          await expect(verify()).rejects.toEqual(refusal('not listed in '))
        }
      })

      test('where a checksum is missing, how to make it and what to set is said', async () => {
        await world.put(name, body)
        await world.put(`${name}.md5`, `${'0'.repeat(32)}  ${name}\n`)
        await world.put(`${name}.asc`, 'a signature')
        await expect(verify()).rejects.toMatchObject({
          message: expect.stringContaining(`${name}.asc, ${name}.md5 beside it do not count`),
          hint: expect.stringMatching(
            new RegExp(`sha256sum ${name} > ${name}\\.sha256.*backups\\.checksums: 'if-present'`),
          ),
        })
      })

      test('a name that sha256sum escapes', async () => {
        await world.put('two\nlines-20260202-030405.dump', body)
        await world.put(
          'two\nlines-20260202-030405.dump.sha256',
          `\\${hash}  two\\nlines-20260202-030405.dump\n`,
        )
        expect((await verify('two\nlines-20260202-030405.dump')).sha256).toBe(hash)
      })

      test('without a checksum where none is required', async () => {
        await world.put(name, body)
        expect(await verify(name, { checksums: 'if-present' })).toMatchObject({
          sha256: hash,
          checksumFile: null,
        })
        await world.put('SHA256SUMS', `${'0'.repeat(64)}  other.dump\n`)
        expect(await verify(name, { checksums: 'if-present' })).toMatchObject({ checksumFile: null })
      })

      test('with a checksum that is known before the backup is read', async () => {
        await world.put(name, body)
        const known = async (checksums: BackupPlace['checksums']) =>
          backups.checksumOf({ ...place, checksums }, await backups.find(place, name))
        await expect(known('required')).rejects.toEqual(refusal(/no checksum for backup/))
        expect(await known('if-present')).toBeNull()
        await world.put(`${name}.sha256`, `${'0'.repeat(64)}  ${name}\n`)
        expect(await known('required')).toMatchObject({
          sha256: '0'.repeat(64),
          checksumFile: expect.stringContaining(`${name}.sha256`) as string,
        })
        await world.put(`${name}.sha256`, '')
        await expect(known('if-present')).rejects.toEqual(refusal(/checksum file .* is empty/))
      })

      test('every reason to refuse has words of its own', async () => {
        await world.put(name, body)
        await expect(verify()).rejects.toEqual(
          refusal(/no checksum for backup .*: no \S+\.sha256 and no SHA256SUMS beside it/),
        )
        await world.put('SHA256SUMS', `${hash}  other.dump\n`)
        await expect(verify()).rejects.toEqual(refusal(/no checksum for backup .*: not listed in /))

        for (const checksums of ['required', 'if-present'] as const) {
          const says = async (text: string, message: RegExp) => {
            await world.put(`${name}.sha256`, text)
            await expect(verify(name, { checksums })).rejects.toEqual(refusal(message))
          }
          await says(`${'0'.repeat(64)}  ${name}\n`, /checksum mismatch in .*: expected /)
          await says('', /checksum file .* is empty/)
          await says('sha256sum: no such file\n', /no SHA-256 checksum in /)
          await says(`${hash}  other.dump\n`, /is for another file: it names other\.dump/)
          await says(`${hash}  ${name}\n${'0'.repeat(64)}  ${name}\n`, /2 different checksums/)
        }
      })

      test('one bit less or more is a mismatch', async () => {
        const bytes = new TextEncoder().encode(body)
        await world.put(`${name}.sha256`, `${hash}  ${name}\n`)
        for (let at = 0; at < bytes.length; at += 1) {
          await world.put(
            name,
            bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)),
          )
          await expect(verify()).rejects.toEqual(refusal('checksum mismatch'))
          await world.put(name, bytes.subarray(0, at))
          await expect(verify()).rejects.toEqual(refusal(at === 0 ? 'is empty' : 'checksum mismatch'))
        }
      })

      test('an empty backup and one that is too small', async () => {
        await world.put(name, '')
        await world.put(`${name}.sha256`, `${sha256('')}  ${name}\n`)
        await expect(verify()).rejects.toEqual(refusal(/is empty \(0 bytes\)/))
        await world.put(name, body)
        await expect(verify(name, { minBytes: 1000 })).rejects.toEqual(
          refusal('is too small: \\d+ bytes, expected at least 1000'),
        )
      })

      test('a backup from the future is refused, however it is dated', async () => {
        await world.put('brace_20260204_000200.dump', body)
        await expect(verify('brace_20260204_000200.dump', { checksums: 'if-present' })).rejects.toEqual(
          refusal('is dated in the future: .*, 2 minutes ahead'),
        )
        await world.put('plain.dump', body, new Date('2026-02-05T00:00:00Z'))
        await expect(verify('plain.dump', { checksums: 'if-present' })).rejects.toEqual(
          refusal('in the future'),
        )
        await world.put('brace_20260204_000030.dump', body)
        expect(await verify('brace_20260204_000030.dump', { checksums: 'if-present' })).toMatchObject({
          sha256: hash,
        })
      })

      test('one that changed since it was found is refused', async () => {
        await world.put(name, body)
        const found = await backups.find(place, name)
        await world.put(name, `${body} and more`)
        await expect(backups.verify({ ...place, checksums: 'if-present' }, found)).rejects.toEqual(
          refusal('changed while'),
        )
        await world.remove(name)
        await expect(backups.verify({ ...place, checksums: 'if-present' }, found)).rejects.toMatchObject({
          code: 'verification' satisfies Code,
        })
      })

      test('tells how far it is, and stops when told to', async () => {
        await world.put(name, body)
        const scope = watchedScope()
        const looking = world.backups(scope, clock)
        const asked = { ...place, checksums: 'if-present' as const }
        await looking.verify(asked, await looking.find(asked, name))
        expect(scope.steps.at(-1)).toEqual({ done: body.length, total: body.length, unit: 'bytes' })
        const reason = new Error('stopped')
        const stopped = world.backups(watchedScope({ signal: AbortSignal.abort(reason) }), clock)
        await expect(stopped.verify(asked, await stopped.find(asked, name))).rejects.toBe(reason)
      })
    })
  })
}

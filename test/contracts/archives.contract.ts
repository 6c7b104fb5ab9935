import { describe, expect, it } from 'vitest'
import type { ArchiveLimits, Archives, Packing } from '../../src/drivers/archives.ts'
import type { Files } from '../../src/drivers/files.ts'
import type { SecretHandle } from '../../src/drivers/secrets.ts'

export type PackedMember = {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'symbolic link' | 'hard link' | 'device' | 'pipe'
  readonly body?: string
  readonly mode?: number
}

export type ArchivesBench = {
  readonly archives: Archives
  /** The same disk through the other port. */
  readonly files: Files
  /** Absolute, exists, empty. */
  readonly folder: string
  /** Lays an archive as the given path. */
  pack(path: string, members: readonly PackedMember[]): Promise<void>
  /** Lays a symbolic link. */
  link(path: string, target: string): Promise<void>
  /** Lays an encrypted file. */
  encrypt(path: string, plain: string, passphrase: string): Promise<void>
  /** Lays a SQLite database, compressed with gzip. Returns the digest of the database. */
  compress(path: string): Promise<string>
  /** Cuts a file off in its middle. */
  cut(path: string): Promise<void>
}

/** What the bench's secrets hold, as `PASSPHRASE`. */
export const passphrase = 'correct horse'

/** The whole environment of the bench. */
export const environment = { PASSPHRASE: passphrase, WRONG: 'wrong horse', TWO_LINES: 'correct\nhorse' }

/** What every Archives driver must do. */
export function archivesContract(name: string, open: () => Promise<ArchivesBench>): void {
  const limits: ArchiveLimits = { maxBytes: 1000, maxMembers: 10, maxDepth: 5 }
  const file = (name: string, body = 'text'): PackedMember => ({ name, kind: 'file', body })
  const folder = (name: string): PackedMember => ({ name, kind: 'folder', mode: 0o755 })
  const refused = { name: 'RunbookError', code: 'verification', hint: expect.any(String) }
  const failed = { name: 'RunbookError', code: 'failed', hint: expect.any(String) }
  const handle = (env: string): SecretHandle => ({ secret: 'passphrase', from: { env } })

  describe(`archives, ${name}`, () => {
    it('tells what is in an archive, and its one folder where there is one', async () => {
      const { archives, folder: at, pack } = await open()
      await pack(`${at}/one.tar`, [
        folder('release/'),
        file('release/a', 'four'),
        file('release/deep/b', 'sixsix'),
      ])
      expect(await archives.inspect(`${at}/one.tar`, limits)).toEqual({
        members: 3,
        bytes: 10,
        top: 'release',
      })
      await pack(`${at}/several.tar`, [folder('./'), file('./a'), file('./b')])
      expect(await archives.inspect(`${at}/several.tar`, limits)).toEqual({ members: 2, bytes: 8, top: null })
      await pack(`${at}/file.tar`, [file('only')])
      expect(await archives.inspect(`${at}/file.tar`, limits)).toEqual({ members: 1, bytes: 4, top: null })
    })

    it('finds files by their names at any depth, with the beginning of each', async () => {
      const { archives, folder: at, pack } = await open()
      const long = `${'é'.repeat(8 * 1024)}end`
      await pack(`${at}/a.tar`, [
        folder('./'),
        file('./z.key', long),
        folder('./b.key/'),
        file('./b.key/text', 'not this'),
        file('./deep/.env', 'A=1'),
        file('./deep/.environment', 'not this'),
        file('./empty.key', ''),
      ])
      const roomy = { ...limits, maxBytes: 100_000 }
      expect(await archives.find(`${at}/a.tar`, roomy, ['.env', '*.key'])).toEqual([
        { path: 'deep/.env', head: 'A=1', complete: true },
        { path: 'empty.key', head: '', complete: true },
        { path: 'z.key', head: 'é'.repeat(8 * 1024), complete: false },
      ])
      expect(await archives.find(`${at}/a.tar`, roomy, ['other'])).toEqual([])
      await pack(`${at}/bad.tar`, [file('ok'), file('../out')])
      await expect(archives.find(`${at}/bad.tar`, roomy, ['ok'])).rejects.toMatchObject(refused)
      await expect(archives.find(`${at}/none.tar`, roomy, ['ok'])).rejects.toMatchObject(failed)
    })

    it('extracts into a folder that is absent or empty, and returns the same facts', async () => {
      const { archives, files, folder: at, pack } = await open()
      await pack(`${at}/a.tar`, [
        folder('top/'),
        file('top/a', 'one'),
        file('top/deep/b', 'two'),
        folder('top/empty/'),
        file('top/c', ''),
      ])
      const facts = await archives.inspect(`${at}/a.tar`, limits)
      expect(await archives.extract(`${at}/a.tar`, `${at}/new`, limits)).toEqual(facts)
      await files.makeFolder(`${at}/empty`)
      expect(await archives.extract(`${at}/a.tar`, `${at}/empty`, limits)).toEqual(facts)
      for (const into of ['new', 'empty']) {
        expect(await files.list(`${at}/${into}/top`)).toEqual(['a', 'c', 'deep', 'empty'])
        expect(Buffer.from(await files.read(`${at}/${into}/top/a`, 10)).toString()).toBe('one')
        expect(Buffer.from(await files.read(`${at}/${into}/top/deep/b`, 10)).toString()).toBe('two')
        expect(await files.stat(`${at}/${into}/top/c`)).toMatchObject({ kind: 'file', bytes: 0 })
        expect(await files.stat(`${at}/${into}/top/empty`)).toMatchObject({ kind: 'directory' })
      }
      expect(await files.list(at)).toEqual(['a.tar', 'empty', 'new'])
    })

    it('leaves what is in the way as it is', async () => {
      const { archives, files, folder: at, pack } = await open()
      await pack(`${at}/a.tar`, [file('a')])
      await files.makeFolder(`${at}/full`)
      await files.write(`${at}/full/kept`, 'kept')
      await files.write(`${at}/file`, 'kept')
      for (const into of ['full', 'file'])
        await expect(archives.extract(`${at}/a.tar`, `${at}/${into}`, limits)).rejects.toMatchObject(failed)
      expect(await files.list(`${at}/full`)).toEqual(['kept'])
      expect(await files.list(at)).toEqual(['a.tar', 'file', 'full'])
    })

    it.each([
      ['an absolute path', [file('/etc/owned')]],
      ['a way out', [file('a/../../owned')]],
      ['a symbolic link', [{ name: 'link', kind: 'symbolic link' }]],
      ['a hard link', [file('a'), { name: 'link', kind: 'hard link' }]],
      ['a device', [{ name: 'null', kind: 'device' }]],
      ['a pipe', [{ name: 'pipe', kind: 'pipe' }]],
      ['a set-uid file', [{ ...file('su'), mode: 0o4755 }]],
      ['a set-gid folder', [{ ...folder('shared/'), mode: 0o2775 }]],
      ['a file twice', [file('a', 'one'), file('./a', 'two')]],
      ['a folder, then a file in its place', [folder('a/'), file('a')]],
      ['a file, then a folder in its place', [file('a'), folder('a/')]],
      ['a file with something below', [file('a'), file('a/b')]],
      ['nothing', []],
      ['nothing but its own folder', [folder('./')]],
      ['too many members', Array.from({ length: 11 }, (_, index) => file(`f${index}`))],
      ['too much', [file('a', 'x'.repeat(600)), file('b', 'x'.repeat(401))]],
      ['too deep a path', [file('1/2/3/4/5/6')]],
    ] as readonly (readonly [string, readonly PackedMember[]])[])(
      'refuses %s, before anything is written',
      async (_, members) => {
        const { archives, files, folder: at, pack } = await open()
        await pack(`${at}/a.tar`, [...members])
        await expect(archives.inspect(`${at}/a.tar`, limits)).rejects.toMatchObject({
          ...refused,
          message: expect.stringContaining(`${at}/a.tar`),
        })
        await expect(archives.extract(`${at}/a.tar`, `${at}/into`, limits)).rejects.toMatchObject(refused)
        expect(await files.list(at)).toEqual(['a.tar'])
      },
    )

    it('takes exactly what the limits allow', async () => {
      const { archives, folder: at, pack } = await open()
      await pack(`${at}/a.tar`, [
        file('1/2/3/4/5', 'x'.repeat(1000)),
        ...Array.from({ length: 9 }, (_, index) => file(`f${index}`, '')),
      ])
      expect(await archives.inspect(`${at}/a.tar`, limits)).toEqual({ members: 10, bytes: 1000, top: null })
    })

    it('refuses a damaged archive, and tells a missing one from it', async () => {
      const { archives, files, folder: at, pack, cut } = await open()
      await pack(`${at}/a.tar`, [file('a', 'x'.repeat(900))])
      await cut(`${at}/a.tar`)
      await files.write(`${at}/text.tar`, 'this is no archive at all')
      await files.write(`${at}/empty.tar`, '')
      for (const damaged of ['a.tar', 'text.tar', 'empty.tar']) {
        await expect(archives.extract(`${at}/${damaged}`, `${at}/into`, limits)).rejects.toMatchObject(
          refused,
        )
      }
      await expect(archives.inspect(`${at}/none.tar`, limits)).rejects.toMatchObject(failed)
      expect(await files.stat(`${at}/into`)).toBeNull()
    })

    it('unwraps what is compressed, under a name that appears once it is complete', async () => {
      const { archives, files, folder: at, compress, cut } = await open()
      const inside = await compress(`${at}/a.gz`)
      const sha256 = await files.hash(`${at}/a.gz`)
      const unwrapped = await archives.unwrap(`${at}/a.gz`, `${at}/a`, { sha256, passphrase: null })
      expect(unwrapped).toMatchObject({ file: `${at}/a`, sha256: inside, wrapped: ['gzip'] })
      expect(await files.stat(`${at}/a`)).toMatchObject({ kind: 'file', bytes: unwrapped.bytes })
      expect(await files.hash(`${at}/a`)).toBe(inside)
      const again = await archives.unwrap(`${at}/a`, `${at}/b`, { sha256: null, passphrase: null })
      expect(again).toEqual({ ...unwrapped, file: `${at}/b`, wrapped: [] })
      const into = (to: string, sha256: string | null, from = 'a.gz') =>
        archives.unwrap(`${at}/${from}`, `${at}/${to}`, { sha256, passphrase: null })
      await expect(into('a', sha256)).rejects.toMatchObject(failed)
      await expect(into('other', inside)).rejects.toMatchObject(refused)
      await cut(`${at}/a.gz`)
      await expect(into('half', null)).rejects.toMatchObject(refused)
      await expect(into('half', null, 'none')).rejects.toMatchObject(refused)
      expect(await files.list(at)).toEqual(['a', 'a.gz', 'b'])
    })

    it('reads no other file than the one that was verified, before anything is written', async () => {
      const { archives, files, folder: at, pack, encrypt } = await open()
      await pack(`${at}/a.tar`, [file('a')])
      await encrypt(`${at}/a.gpg`, 'plain text', passphrase)
      const [tar, gpg] = [await files.hash(`${at}/a.tar`), await files.hash(`${at}/a.gpg`)]
      const other = {
        code: 'verification',
        message: expect.stringContaining('is not the file that this run verified'),
      }
      await expect(archives.extract(`${at}/a.tar`, `${at}/into`, limits, gpg)).rejects.toMatchObject(other)
      await expect(
        archives.decrypt(`${at}/a.gpg`, `${at}/plain`, handle('PASSPHRASE'), tar),
      ).rejects.toMatchObject(other)
      expect(await files.list(at)).toEqual(['a.gpg', 'a.tar'])
      await archives.extract(`${at}/a.tar`, `${at}/into`, limits, tar)
      await archives.decrypt(`${at}/a.gpg`, `${at}/plain`, handle('PASSPHRASE'), gpg)
      expect(await files.list(at)).toEqual(['a.gpg', 'a.tar', 'into', 'plain'])
    })

    it('decrypts with the right passphrase', async () => {
      const { archives, files, folder: at, encrypt } = await open()
      await encrypt(`${at}/a.gpg`, 'plain text', passphrase)
      await archives.decrypt(`${at}/a.gpg`, `${at}/plain`, handle('PASSPHRASE'))
      expect(Buffer.from(await files.read(`${at}/plain`, 100)).toString()).toBe('plain text')
      expect(await files.stat(`${at}/plain`)).toMatchObject({ mode: 0o600 })
      expect(await files.list(at)).toEqual(['a.gpg', 'plain'])
    })

    it('leaves no plaintext after a wrong passphrase or for a file that is cut off, and overwrites nothing', async () => {
      const { archives, files, folder: at, encrypt, cut } = await open()
      await encrypt(`${at}/a.gpg`, 'plain text', passphrase)
      await encrypt(`${at}/cut.gpg`, 'plain text', passphrase)
      await cut(`${at}/cut.gpg`)
      await expect(archives.decrypt(`${at}/a.gpg`, `${at}/plain`, handle('WRONG'))).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining('passphrase'),
      })
      await expect(
        archives.decrypt(`${at}/cut.gpg`, `${at}/plain`, handle('PASSPHRASE')),
      ).rejects.toMatchObject(refused)
      await expect(archives.decrypt(`${at}/a.gpg`, `${at}/plain`, handle('MISSING'))).rejects.toMatchObject({
        code: 'preflight',
      })
      await expect(
        archives.decrypt(`${at}/none.gpg`, `${at}/plain`, handle('PASSPHRASE')),
      ).rejects.toMatchObject(failed)
      expect(await files.list(at)).toEqual(['a.gpg', 'cut.gpg'])
      await files.write(`${at}/plain`, 'kept')
      await expect(
        archives.decrypt(`${at}/a.gpg`, `${at}/plain`, handle('PASSPHRASE')),
      ).rejects.toMatchObject(failed)
      expect(Buffer.from(await files.read(`${at}/plain`, 100)).toString()).toBe('kept')
    })

    it.each(['gpg', 'age'])(
      'encrypts with %s what it decrypts again, and only with the same passphrase',
      async (cipher) => {
        const { archives, files, folder: at } = await open()
        const sealed = `${at}/a.${cipher}`
        await files.write(`${at}/plain`, 'plain text')
        const made = await archives.encrypt(`${at}/plain`, sealed, handle('PASSPHRASE'))
        expect(made).toEqual({
          file: sealed,
          sha256: await files.hash(sealed),
          size: (await files.stat(sealed))?.bytes,
        })
        expect(await files.stat(sealed)).toMatchObject({ mode: 0o600 })
        expect(Buffer.from(await files.read(sealed, 1000)).includes('plain text')).toBe(false)
        await archives.decrypt(sealed, `${at}/back`, handle('PASSPHRASE'))
        expect(Buffer.from(await files.read(`${at}/back`, 100)).toString()).toBe('plain text')
        await expect(archives.decrypt(sealed, `${at}/wrong`, handle('WRONG'))).rejects.toMatchObject({
          ...refused,
          message: expect.stringContaining('passphrase'),
        })
        expect(await files.list(at)).toEqual([`a.${cipher}`, 'back', 'plain'])
      },
    )

    it.each(['gpg', 'age'])(
      'leaves no plaintext of what %s encrypted where a bit is another, or the end or all but the beginning is missing',
      async (cipher) => {
        const { archives, files, folder: at } = await open()
        await files.write(`${at}/plain`, 'plain text')
        await archives.encrypt(`${at}/plain`, `${at}/a.${cipher}`, handle('PASSPHRASE'))
        const whole = await files.read(`${at}/a.${cipher}`, 10_000)
        const flipped = Uint8Array.from(whole, (byte, index) =>
          index === whole.length - 12 ? byte ^ 1 : byte,
        )
        for (const [what, bytes] of Object.entries({
          flipped,
          short: whole.subarray(0, -1),
          cut: whole.subarray(0, 20),
          empty: whole.subarray(0, 0),
          longer: Buffer.concat([whole, Buffer.from('x')]),
        })) {
          await files.write(`${at}/damaged.${cipher}`, bytes)
          await expect(
            archives.decrypt(`${at}/damaged.${cipher}`, `${at}/back`, handle('PASSPHRASE')),
            what,
          ).rejects.toMatchObject(refused)
          expect(await files.list(at), what).toEqual([`a.${cipher}`, `damaged.${cipher}`, 'plain'])
        }
      },
    )

    it('encrypts nothing over anything, without a passphrase, with one that gpg would take in part, or where nothing is', async () => {
      const { archives, files, folder: at } = await open()
      await files.write(`${at}/plain`, 'plain text')
      await files.write(`${at}/kept`, 'kept')
      await expect(archives.encrypt(`${at}/plain`, `${at}/kept`, handle('PASSPHRASE'))).rejects.toMatchObject(
        failed,
      )
      await expect(archives.encrypt(`${at}/plain`, `${at}/a.gpg`, handle('MISSING'))).rejects.toMatchObject({
        code: 'preflight',
      })
      await expect(archives.encrypt(`${at}/plain`, `${at}/a.gpg`, handle('TWO_LINES'))).rejects.toMatchObject(
        { code: 'preflight' },
      )
      await expect(archives.encrypt(`${at}/none`, `${at}/a.gpg`, handle('PASSPHRASE'))).rejects.toMatchObject(
        failed,
      )
      await expect(
        archives.encrypt(`${at}/plain`, `${at}/none/a.gpg`, handle('PASSPHRASE')),
      ).rejects.toMatchObject(failed)
      expect(Buffer.from(await files.read(`${at}/kept`, 100)).toString()).toBe('kept')
      expect(await files.list(at)).toEqual(['kept', 'plain'])
    })

    const packing = (folder: string, more: Partial<Packing> = {}): Packing => ({
      folder,
      only: null,
      as: '.',
      exclude: [],
      dated: null,
      limits,
      ...more,
    })
    const text = async (files: Files, path: string): Promise<string> =>
      Buffer.from(await files.read(path, 2000)).toString()

    async function tree({ files, folder: at }: ArchivesBench): Promise<string> {
      for (const path of [
        'tree/src',
        'tree/node_modules/a',
        'tree/src/node_modules',
        'tree/releases',
        'tree/empty',
      ])
        await files.makeFolder(`${at}/${path}`)
      await files.write(`${at}/tree/src/app.js`, 'app')
      await files.write(`${at}/tree/src/node_modules/b`, 'not ours')
      await files.write(`${at}/tree/node_modules/a/c`, 'not ours')
      await files.write(`${at}/tree/releases/old.log`, 'old')
      await files.write(`${at}/tree/a.txt`, 'text')
      return `${at}/tree`
    }

    it('packs a tree that unpacks to the same, and says what it packed', async () => {
      const bench = await open()
      const { archives, files, folder: at } = bench
      const folder = await tree(bench)
      const packed = await archives.pack(
        packing(folder, { as: '.data', exclude: ['node_modules', 'releases/'] }),
        `${at}/a.tar.gz`,
      )
      expect(packed).toMatchObject({
        members: 5,
        bytes: 7,
        top: '.data',
        file: `${at}/a.tar.gz`,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        notes: [],
      })
      expect((await files.stat(`${at}/a.tar.gz`))?.bytes).toBe(packed.size)
      expect(await archives.extract(`${at}/a.tar.gz`, `${at}/back`, limits)).toEqual({
        members: packed.members,
        bytes: packed.bytes,
        top: packed.top,
      })
      expect(await files.list(`${at}/back/.data`)).toEqual(['a.txt', 'empty', 'src'])
      expect(await files.list(`${at}/back/.data/src`)).toEqual(['app.js'])
      expect(await text(files, `${at}/back/.data/src/app.js`)).toBe('app')
      expect(await files.list(at)).toEqual(['a.tar.gz', 'back', 'tree'])
    })

    it('packs with zstd where the name says so', async () => {
      const bench = await open()
      const { archives, files, folder: at } = bench
      const folder = await tree(bench)
      const packed = await archives.pack(
        packing(folder, { as: 'tree', exclude: ['node_modules'] }),
        `${at}/a.tar.zst`,
      )
      expect(packed).toMatchObject({ file: `${at}/a.tar.zst`, top: 'tree', notes: [] })
      expect(await archives.inspect(`${at}/a.tar.zst`, limits)).toEqual({
        members: packed.members,
        bytes: packed.bytes,
        top: 'tree',
      })
      await archives.extract(`${at}/a.tar.zst`, `${at}/back`, limits)
      expect(await text(files, `${at}/back/tree/src/app.js`)).toBe('app')
      expect(await files.list(at)).toEqual(['a.tar.zst', 'back', 'tree'])
    })

    it('packs with zstd in one frame, also what takes no time to read', async () => {
      const { archives, files, folder: at } = await open()
      for (let index = 0; index < 9; index += 1) await files.makeFolder(`${at}/folders/${index}`)
      const packed = await archives.pack(packing(`${at}/folders`, { as: 'folders' }), `${at}/a.tar.zst`)
      expect(packed.members).toBe(10)
      expect(await archives.inspect(`${at}/a.tar.zst`, limits)).toMatchObject({ members: 10 })
    })

    it('packs a list of files, with the folders on the way', async () => {
      const bench = await open()
      const { archives, files, folder: at } = bench
      const folder = await tree(bench)
      expect(
        await archives.pack(
          packing(folder, { only: ['src/app.js', 'releases/old.log', 'a.txt'], exclude: ['releases/'] }),
          `${at}/a.tar.gz`,
        ),
      ).toMatchObject({ members: 3, bytes: 7 })
      await archives.extract(`${at}/a.tar.gz`, `${at}/back`, limits)
      expect(await files.list(`${at}/back`)).toEqual(['a.txt', 'src'])
      for (const [index, wrong] of ['none', 'src', '../tree/a.txt', '/etc/passwd'].entries()) {
        await expect(
          archives.pack(packing(folder, { only: [wrong] }), `${at}/${index}.tar.gz`),
        ).rejects.toMatchObject(failed)
      }
      expect(await files.list(at)).toEqual(['a.tar.gz', 'back', 'tree'])
    })

    it('packs the same tree to the same bytes, and leaves itself out', async () => {
      const bench = await open()
      const { archives, files, folder: at } = bench
      const folder = await tree(bench)
      const dated = packing(folder, { dated: '2026-02-03T04:12:00Z', exclude: ['node_modules'] })
      const first = await archives.pack(dated, `${folder}/releases/one.tar.gz`)
      await files.removeTree(`${folder}/releases/one.tar.gz`)
      await files.removeTree(`${folder}/a.txt`)
      await files.write(`${folder}/a.txt`, 'text')
      expect((await archives.pack(dated, `${folder}/releases/two.tar.gz`)).sha256).toBe(first.sha256)
      await files.removeTree(`${folder}/releases/two.tar.gz`)
      await files.write(`${folder}/a.txt`, 'other')
      expect((await archives.pack(dated, `${at}/three.tar.gz`)).sha256).not.toBe(first.sha256)
    })

    it('packs a link to a file of the tree as that file, and refuses every other link', async () => {
      const bench = await open()
      const { archives, files, folder: at, link } = bench
      const folder = await tree(bench)
      await files.removeTree(`${folder}/node_modules`)
      await link(`${folder}/src/again`, '../a.txt')
      await archives.pack(packing(folder), `${at}/a.tar.gz`)
      await archives.extract(`${at}/a.tar.gz`, `${at}/back`, limits)
      expect(await text(files, `${at}/back/src/again`)).toBe('text')
      for (const target of ['../releases', '../../a.tar.gz', 'nothing']) {
        await files.removeTree(`${folder}/src/wrong`)
        await link(`${folder}/src/wrong`, target)
        await expect(archives.pack(packing(folder), `${at}/b.tar.gz`)).rejects.toMatchObject({
          ...failed,
          message: expect.stringContaining('src/wrong is a link'),
        })
        await expect(archives.packable(packing(folder))).rejects.toMatchObject({
          ...failed,
          message: expect.stringContaining('src/wrong is a link'),
        })
        await archives.packable(packing(folder, { exclude: ['wrong'] }))
      }
      expect(await files.list(at)).toEqual(['a.tar.gz', 'back', 'tree'])
    })

    it('packs nothing over anything, nothing past the limits, and nothing of what is not there', async () => {
      const bench = await open()
      const { archives, files, folder: at } = bench
      const folder = await tree(bench)
      await files.write(`${at}/kept.tar.gz`, 'kept')
      await expect(archives.pack(packing(folder), `${at}/kept.tar.gz`)).rejects.toMatchObject(failed)
      expect(await text(files, `${at}/kept.tar.gz`)).toBe('kept')
      await expect(
        archives.pack(packing(folder, { limits: { ...limits, maxBytes: 5 } }), `${at}/b.tar.gz`),
      ).rejects.toMatchObject(failed)
      await expect(
        archives.pack(packing(folder, { limits: { ...limits, maxMembers: 2 } }), `${at}/b.tar.gz`),
      ).rejects.toMatchObject(failed)
      for (const wrong of [packing(folder, { limits: { ...limits, maxBytes: 5 } }), packing(`${at}/none`)])
        await expect(archives.packable(wrong)).rejects.toMatchObject(failed)
      await expect(archives.pack(packing(`${at}/none`), `${at}/b.tar.gz`)).rejects.toMatchObject(failed)
      await expect(archives.pack(packing(`${at}/kept.tar.gz`), `${at}/b.tar.gz`)).rejects.toMatchObject(
        failed,
      )
      await expect(archives.pack(packing(folder, { as: '../out' }), `${at}/b.tar.gz`)).rejects.toMatchObject({
        code: 'usage',
      })
      expect(await files.list(at)).toEqual(['kept.tar.gz', 'tree'])
    })
  })
}

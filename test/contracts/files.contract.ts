import { describe, expect, it } from 'vitest'
import type { Files } from '../../src/drivers/files.ts'
import { sha256 } from '../../src/kernel/json.ts'

/** What the suite needs besides the port: a folder of its own, links, and what somebody else does to a file. */
export type FilesBench = {
  readonly files: Files
  /** Absolute, exists, empty. */
  readonly folder: string
  link(path: string, target: string): Promise<void>
  /** Writes into an existing file, and sets its time of modification to the start of 2026. */
  rewrite(path: string, body: string): Promise<void>
}

/** What every Files driver must do. */
export function filesContract(name: string, open: () => Promise<FilesBench>): void {
  const failed = { name: 'RunbookError', code: 'failed' }
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

  describe(`files, ${name}`, () => {
    it('tells what is there, and null for what is not', async () => {
      const { files, folder, link } = await open()
      await files.write(`${folder}/file`, 'four')
      await link(`${folder}/link`, `${folder}/file`)
      expect(await files.stat(`${folder}/file`)).toMatchObject({ kind: 'file', bytes: 4, mode: 0o600 })
      expect(await files.stat(folder)).toMatchObject({ kind: 'directory', bytes: 0 })
      expect(await files.stat(`${folder}/link`)).toMatchObject({ kind: 'link', bytes: 0 })
      expect(await files.stat(`${folder}/link/`)).toMatchObject({ kind: 'link' })
      expect(await files.stat(`${folder}/none`)).toBeNull()
      expect(await files.stat(`${folder}/file/below`)).toBeNull()
      expect((await files.stat(folder))?.modifiedAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    })

    it('reads back what was written, up to the bytes allowed and not one more', async () => {
      const { files, folder } = await open()
      const body = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251)
      await files.write(`${folder}/file`, body)
      expect(Buffer.from(await files.read(`${folder}/file`, body.length)).equals(body)).toBe(true)
      await expect(files.read(`${folder}/file`, body.length - 1)).rejects.toMatchObject({
        ...failed,
        message: expect.stringContaining('99999 bytes'),
      })
      await files.write(`${folder}/file`, '')
      expect(text(await files.read(`${folder}/file`, 0))).toBe('')
    })

    it('reads the beginning of a file of any size, and all of a short one', async () => {
      const { files, folder } = await open()
      await files.write(`${folder}/file`, Buffer.alloc(100_000, 'ab'))
      expect(text(await files.head(`${folder}/file`, 3))).toBe('aba')
      await files.write(`${folder}/file`, 'two')
      expect(text(await files.head(`${folder}/file`, 100))).toBe('two')
      expect(text(await files.head(`${folder}/file`, 0))).toBe('')
    })

    it('refuses to read what is no regular file', async () => {
      const { files, folder, link } = await open()
      await files.write(`${folder}/file`, 'four')
      await link(`${folder}/link`, `${folder}/file`)
      for (const path of [folder, `${folder}/none`, `${folder}/link`]) {
        // One after the other: a promise that is rejected before somebody waits for it ends the run.
        for (const reading of [() => files.read(path, 100), () => files.head(path, 100)])
          await expect(reading()).rejects.toMatchObject({
            ...failed,
            message: expect.stringContaining(path),
            hint: expect.any(String),
          })
      }
    })

    it('lets a link lead elsewhere, all at once, and never takes the place of anything else', async () => {
      const { files, folder } = await open()
      await files.makeFolder(`${folder}/one`)
      await files.write(`${folder}/file`, 'x')
      expect(await files.linkTarget(`${folder}/current`)).toBeNull()
      for (const target of ['one', 'two/../nowhere', `${folder}/one`]) {
        await files.writeLink(`${folder}/current`, target)
        expect(await files.linkTarget(`${folder}/current`)).toBe(target)
      }
      for (const path of ['one', 'file', 'none/current'])
        await expect(files.writeLink(`${folder}/${path}`, 'one')).rejects.toMatchObject(failed)
      for (const path of ['one', 'file', 'none'])
        expect(await files.linkTarget(`${folder}/${path}`)).toBeNull()
      expect(await files.list(folder)).toEqual(['current', 'file', 'one'])
      await files.removeTree(`${folder}/current`)
      expect(await files.list(`${folder}/one`)).toEqual([])
    })

    it('resolves every link in a path, also where nothing is at its end', async () => {
      const { files, folder, link } = await open()
      await files.makeFolder(`${folder}/one/two`)
      await link(`${folder}/short`, `${folder}/one`)
      await link(`${folder}/one/up`, '../one/two')
      await link(`${folder}/gone`, `${folder}/one/none`)
      const real = await files.realPath(folder, 10)
      for (const [path, led] of [
        ['one/two', 'one/two'],
        ['short/two', 'one/two'],
        ['short/up/file', 'one/two/file'],
        ['gone', 'one/none'],
        ['gone/file', 'one/none/file'],
        ['none/file', 'none/file'],
      ])
        expect(await files.realPath(`${folder}/${path}`, 10)).toBe(`${real}/${led}`)
    })

    it('lists the names in a folder, sorted, links and folders too', async () => {
      const { files, folder, link } = await open()
      expect(await files.list(folder)).toEqual([])
      await files.write(`${folder}/b`, '')
      await files.makeFolder(`${folder}/c/d`)
      await link(`${folder}/a`, '/nowhere')
      await files.write(`${folder}/B`, '')
      expect(await files.list(folder)).toEqual(['B', 'a', 'b', 'c'])
      for (const path of [`${folder}/b`, `${folder}/none`, `${folder}/a`])
        await expect(files.list(path)).rejects.toMatchObject(failed)
    })

    it('replaces a whole file, and leaves nothing else beside it', async () => {
      const { files, folder } = await open()
      await files.write(`${folder}/file`, 'the longer first text')
      await files.write(`${folder}/file`, 'second')
      expect(text(await files.read(`${folder}/file`, 100))).toBe('second')
      expect(await files.list(folder)).toEqual(['file'])
    })

    it('gives a new file the mode asked for, and lets a replaced one keep its own', async () => {
      const { files, folder } = await open()
      const modeOf = async (name: string) => (await files.stat(`${folder}/${name}`))?.mode
      await files.write(`${folder}/private`, 'x')
      await files.write(`${folder}/page`, 'x', { mode: 0o666 })
      expect([await modeOf('private'), await modeOf('page')]).toEqual([0o600, 0o666])
      await files.write(`${folder}/page`, 'y')
      await files.write(`${folder}/private`, 'y', { mode: 0o644 })
      expect([await modeOf('private'), await modeOf('page')]).toEqual([0o600, 0o666])
    })

    it('never writes through a link or over a folder', async () => {
      const { files, folder, link } = await open()
      await files.write(`${folder}/file`, 'kept')
      await link(`${folder}/link`, `${folder}/file`)
      await files.makeFolder(`${folder}/folder`)
      for (const path of [`${folder}/link`, `${folder}/folder`, `${folder}/none/file`]) {
        await expect(files.write(path, 'lost')).rejects.toMatchObject(failed)
        await expect(files.append(path, 'lost')).rejects.toMatchObject(failed)
      }
      expect(text(await files.read(`${folder}/file`, 100))).toBe('kept')
      expect(await files.list(folder)).toEqual(['file', 'folder', 'link'])
    })

    it('appends at the end, and creates', async () => {
      const { files, folder } = await open()
      await files.append(`${folder}/log`, 'one\n')
      await files.append(`${folder}/log`, 'zwö\n')
      expect(text(await files.read(`${folder}/log`, 100))).toBe('one\nzwö\n')
      expect(await files.stat(`${folder}/log`)).toMatchObject({ mode: 0o600 })
    })

    it('makes a folder and its parents for us alone, and is content with one that is there', async () => {
      const { files, folder, link } = await open()
      await files.makeFolder(`${folder}/a/b/c`)
      await files.makeFolder(`${folder}/a/b/c`)
      for (const path of ['a', 'a/b', 'a/b/c'])
        expect(await files.stat(`${folder}/${path}`)).toMatchObject({ kind: 'directory', mode: 0o700 })
      await files.write(`${folder}/file`, '')
      await link(`${folder}/link`, folder)
      for (const path of ['file', 'file/below', 'link'])
        await expect(files.makeFolder(`${folder}/${path}`)).rejects.toMatchObject(failed)
    })

    it('removes a tree, and what links in it point to stays', async () => {
      const { files, folder, link } = await open()
      await files.makeFolder(`${folder}/kept/deep`)
      await files.write(`${folder}/kept/deep/file`, 'kept')
      await files.makeFolder(`${folder}/tree/below`)
      await files.write(`${folder}/tree/below/file`, 'gone')
      await link(`${folder}/tree/out`, `${folder}/kept`)
      await link(`${folder}/tree/below/up`, `${folder}/kept/deep/file`)
      await link(`${folder}/treeLink`, `${folder}/kept`)
      await files.removeTree(`${folder}/tree`)
      await files.removeTree(`${folder}/treeLink/`)
      await files.removeTree(`${folder}/none`)
      expect(await files.list(folder)).toEqual(['kept'])
      expect(text(await files.read(`${folder}/kept/deep/file`, 100))).toBe('kept')
      await expect(files.removeTree('/')).rejects.toMatchObject(failed)
      expect(await files.list(folder)).toEqual(['kept'])
    })

    it('tells owner and file system', async () => {
      const { files, folder } = await open()
      await files.write(`${folder}/file`, 'four')
      const [file, above] = [await files.stat(`${folder}/file`), await files.stat(folder)]
      expect(file).toMatchObject({ uid: above?.uid, gid: expect.any(Number), device: above?.device })
      const mount = await files.mount(`${folder}/file`, 10)
      expect(mount).toMatchObject({
        device: file?.device,
        point: expect.stringMatching(/^\//),
        type: expect.stringMatching(/./),
        source: expect.stringMatching(/./),
      })
      expect(mount.bytesFree).toBeGreaterThan(0)
      expect(mount.bytesTotal).toBeGreaterThanOrEqual(mount.bytesFree)
      await expect(files.mount(`${folder}/none`, 10)).rejects.toMatchObject({
        ...failed,
        message: expect.stringContaining(`${folder}/none`),
        hint: expect.any(String),
      })
    })

    it('tells a thing from another one in its place, and knows it again after a rename', async () => {
      const { files, folder } = await open()
      await files.makeFolder(`${folder}/one`)
      await files.makeFolder(`${folder}/two`)
      const of = async (name: string) => (await files.stat(`${folder}/${name}`))?.identity
      const [one, two] = [await of('one'), await of('two')]
      expect(one).toMatch(/^\d+$/)
      expect(two).not.toBe(one)
      await files.move(`${folder}/one`, `${folder}/aside`)
      await files.move(`${folder}/two`, `${folder}/one`)
      expect([await of('aside'), await of('one')]).toEqual([one, two])
      await files.write(`${folder}/aside/file`, 'more')
      expect(await of('aside')).toBe(one)
    })

    it('shows a write that keeps the size and sets the time back, and no rename of a folder above', async () => {
      const { files, folder, rewrite } = await open()
      const of = async (name: string) => {
        const { changedAt, ...others } = (await files.stat(`${folder}/${name}`)) ?? { changedAt: null }
        return { changedAt, others }
      }
      await files.makeFolder(`${folder}/one`)
      await files.write(`${folder}/one/file`, '')
      await rewrite(`${folder}/one/file`, 'good')
      const before = await of('one/file')
      expect(before.changedAt).toMatch(/^[\d-]{10}T[\d:]{8}\.\d{9}Z$/)
      expect(await of('one/file')).toEqual(before)
      await rewrite(`${folder}/one/file`, 'evil')
      const after = await of('one/file')
      expect(after.others).toEqual(before.others)
      expect(after.changedAt).not.toBe(before.changedAt)
      const top = await of('one')
      await files.move(`${folder}/one`, `${folder}/two`)
      expect(await of('two/file')).toEqual(after)
      expect((await of('two')).changedAt).not.toBe(top.changedAt)
    })

    it('hashes a file, and nothing else', async () => {
      const { files, folder, link } = await open()
      await files.write(`${folder}/file`, 'four')
      await link(`${folder}/link`, `${folder}/file`)
      expect(await files.hash(`${folder}/file`)).toBe(sha256('four'))
      for (const path of [folder, `${folder}/none`, `${folder}/link`])
        await expect(files.hash(path)).rejects.toMatchObject({
          ...failed,
          message: expect.stringContaining(path),
        })
    })

    it('copies a file whole, to a name that is free', async () => {
      const { files, folder, link } = await open()
      const body = Buffer.alloc(3_000_000, 7)
      await files.write(`${folder}/file`, body)
      await link(`${folder}/link`, `${folder}/file`)
      await files.makeFolder(`${folder}/taken`)
      expect(await files.copy(`${folder}/file`, `${folder}/copy`)).toBe(sha256(body))
      expect(Buffer.from(await files.read(`${folder}/copy`, body.length)).equals(body)).toBe(true)
      const own = { identity: '', modifiedAt: '', changedAt: '' }
      expect({ ...(await files.stat(`${folder}/copy`)), ...own }).toEqual({
        ...(await files.stat(`${folder}/file`)),
        ...own,
      })
      for (const to of ['copy', 'taken', 'link', 'none/copy'])
        await expect(files.copy(`${folder}/file`, `${folder}/${to}`)).rejects.toMatchObject(failed)
      for (const from of ['none', 'taken', 'link'])
        await expect(files.copy(`${folder}/${from}`, `${folder}/new`)).rejects.toMatchObject(failed)
      expect(await files.list(folder)).toEqual(['copy', 'file', 'link', 'taken'])
    })

    it('replaces the bytes of a file by those of another, and only where there is one', async () => {
      const { files, folder, link } = await open()
      await files.write(`${folder}/live`, 'the longer old text')
      await files.write(`${folder}/new`, 'new')
      await link(`${folder}/link`, `${folder}/live`)
      expect(await files.replace(`${folder}/live`, `${folder}/new`)).toBe(sha256('new'))
      expect(text(await files.read(`${folder}/live`, 100))).toBe('new')
      for (const path of ['link', 'none', '.'])
        await expect(files.replace(`${folder}/${path}`, `${folder}/new`)).rejects.toMatchObject(failed)
      await expect(files.replace(`${folder}/live`, `${folder}/none`)).rejects.toMatchObject(failed)
      expect(text(await files.read(`${folder}/live`, 100))).toBe('new')
      expect(await files.list(folder)).toEqual(['link', 'live', 'new'])
    })

    it('T.24: moves a folder to a free name, and never into a folder that is there', async () => {
      const { files, folder, link } = await open()
      await files.makeFolder(`${folder}/live/deep`)
      await files.write(`${folder}/live/deep/file`, 'first')
      const first = await files.tree(`${folder}/live`)
      await files.move(`${folder}/live`, `${folder}/live.20250101`)
      expect(await files.tree(`${folder}/live.20250101`)).toEqual(first)
      expect(await files.stat(`${folder}/live`)).toBeNull()
      await files.makeFolder(`${folder}/live`)
      await files.write(`${folder}/live/other`, 'second')
      await files.makeFolder(`${folder}/empty`)
      await link(`${folder}/link`, `${folder}/empty`)
      for (const to of ['live.20250101', 'empty', 'link', 'none/live', 'live/below']) {
        await expect(files.move(`${folder}/live`, `${folder}/${to}`), to).rejects.toMatchObject({
          ...failed,
          message: expect.stringContaining(to),
        })
      }
      await expect(files.move(`${folder}/none`, `${folder}/new`)).rejects.toMatchObject(failed)
      expect(await files.tree(`${folder}/live.20250101`)).toEqual(first)
      expect(text(await files.read(`${folder}/live/other`, 100))).toBe('second')
    })

    it('moves a file, and a link as a link', async () => {
      const { files, folder, link } = await open()
      await files.write(`${folder}/file`, 'four')
      await link(`${folder}/link`, `${folder}/elsewhere`)
      await files.move(`${folder}/file`, `${folder}/moved`)
      await files.move(`${folder}/link`, `${folder}/way`)
      await files.write(`${folder}/other`, 'kept')
      await expect(files.move(`${folder}/other`, `${folder}/moved`)).rejects.toMatchObject(failed)
      expect(await files.list(folder)).toEqual(['moved', 'other', 'way'])
      expect(await files.stat(`${folder}/way`)).toMatchObject({ kind: 'link' })
      expect(text(await files.read(`${folder}/moved`, 100))).toBe('four')
    })

    it('tells two trees apart by names, contents and kinds', async () => {
      const { files, folder, link } = await open()
      const lay = async (at: string): Promise<void> => {
        await files.makeFolder(`${folder}/${at}/deep/empty`)
        await files.write(`${folder}/${at}/deep/file`, 'four')
        await link(`${folder}/${at}/link`, '/nowhere')
      }
      await lay('one')
      await lay('two')
      const one = await files.tree(`${folder}/one`)
      expect(one).toMatchObject({ files: 1, folders: 3, others: 1, bytes: 4 })
      expect(await files.tree(`${folder}/two`)).toEqual(one)
      const changes = [
        () => files.write(`${folder}/two/deep/file`, 'fore'),
        () => files.move(`${folder}/two/deep/file`, `${folder}/two/file`),
        () => files.makeFolder(`${folder}/two/deep/empty/more`),
        () => files.removeTree(`${folder}/two/link`),
      ]
      for (const change of changes) {
        await files.removeTree(`${folder}/two`)
        await lay('two')
        await change()
        expect((await files.tree(`${folder}/two`)).digest).not.toBe(one.digest)
      }
      await expect(files.tree(`${folder}/none`)).rejects.toMatchObject(failed)
    })

    it('tells the free bytes, also for a path that does not exist yet', async () => {
      const { files, folder } = await open()
      const free = await files.freeBytes(folder)
      expect(free).toBeGreaterThan(0)
      expect(Number.isSafeInteger(free)).toBe(true)
      expect(await files.freeBytes(`${folder}/not/yet`)).toBeGreaterThan(0)
    })

    it('tells that nothing is missing where it may write, also for a folder that does not exist yet', async () => {
      const { files, folder } = await open()
      expect(await files.missingRight(folder)).toBeNull()
      expect(await files.missingRight(`${folder}/not/yet`)).toBeNull()
    })

    it('takes absolute paths only', async () => {
      const { files } = await open()
      const usage = { name: 'RunbookError', code: 'usage' }
      for (const path of ['file', './file', '', '/tmp/nul\0']) {
        await expect(files.stat(path)).rejects.toMatchObject(usage)
        await expect(files.read(path, 1)).rejects.toMatchObject(usage)
        await expect(files.list(path)).rejects.toMatchObject(usage)
        await expect(files.freeBytes(path)).rejects.toMatchObject(usage)
        await expect(files.missingRight(path)).rejects.toMatchObject(usage)
        await expect(files.makeFolder(path)).rejects.toMatchObject(usage)
        await expect(files.write(path, '')).rejects.toMatchObject(usage)
        await expect(files.append(path, '')).rejects.toMatchObject(usage)
        await expect(files.removeTree(path)).rejects.toMatchObject(usage)
        await expect(files.hash(path)).rejects.toMatchObject(usage)
        await expect(files.tree(path)).rejects.toMatchObject(usage)
        await expect(files.mount(path, 1)).rejects.toMatchObject(usage)
        await expect(files.copy(path, '/tmp/x')).rejects.toMatchObject(usage)
        await expect(files.copy('/tmp/x', path)).rejects.toMatchObject(usage)
        await expect(files.replace(path, '/tmp/x')).rejects.toMatchObject(usage)
        await expect(files.move(path, '/tmp/x')).rejects.toMatchObject(usage)
        await expect(files.move('/tmp/x', path)).rejects.toMatchObject(usage)
      }
    })
  })
}

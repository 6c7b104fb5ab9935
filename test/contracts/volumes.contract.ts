import { describe, expect, it } from 'vitest'
import type { Stack } from '../../src/drivers/services.ts'
import type { VolumePath, Volumes } from '../../src/drivers/volumes.ts'
import { sha256 } from '../../src/kernel/json.ts'

/**
 * A service `api` with a volume at /data, which holds `/data/live` (the text `live`, of 1000:1001, mode 0600), the link `/data/link` to
 * it and the folder `/data/docs` with `one` and `.two` in it; and a service `gone` that has no container.
 */
export type VolumesBench = {
  readonly volumes: Volumes
  readonly stack: Stack
  /** Puts a file on this machine. */
  lay(name: string, body: Uint8Array): Promise<string>
  /** What a file of this machine holds; null where none is. */
  body(path: string): Promise<Buffer | null>
  /** A path on this machine where nothing is. */
  free(name: string): string
  /** Writes to the file that is at a path of `api`, as a service does. */
  append(path: string, text: string): Promise<void>
  /** The same volumes as a dry run sees them; left out where that makes no difference. */
  readonly ahead?: Volumes
}

/** What every Volumes driver must do, on a container that does not run. */
export function volumesContract(name: string, open: () => Promise<VolumesBench>): void {
  const failed = { name: 'RunbookError', code: 'failed' }
  const sha = '247610f4dedd4ab7247d07dbda19c81ca9817f85820742cad49d407ffae9e4ed'
  const owned = { uid: 1000, gid: 1001, mode: 0o600 }

  describe(`volumes, ${name}`, () => {
    const bench = async () => {
      const opened = await open()
      const at = (path: string, service = 'api'): VolumePath => ({ stack: opened.stack, service, path })
      return { ...opened, at }
    }

    it('tells what is there with owner, group and mode, and null for what is not', async () => {
      const { volumes, at } = await bench()
      expect(await volumes.stat(at('/data/live'))).toMatchObject({
        kind: 'file',
        bytes: 4,
        ...owned,
        link: null,
      })
      expect(await volumes.stat(at('/data/link'))).toMatchObject({
        kind: 'link',
        bytes: 0,
        link: '/data/live',
      })
      expect(await volumes.stat(at('/data/docs'))).toMatchObject({ kind: 'directory', bytes: 0, link: null })
      expect(await volumes.stat(at('/data/none'))).toBeNull()
      expect(await volumes.stat(at('/data/none/below'))).toBeNull()
      expect((await volumes.stat(at('/data/live')))?.modifiedAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    })

    it('lists a folder, and reads and hashes a file', async () => {
      const { volumes, at } = await bench()
      expect(await volumes.list(at('/data/docs'))).toEqual(['.two', 'one'])
      expect(await volumes.digest(at('/data/live'))).toEqual({ bytes: 4, sha256: sha })
      expect(Buffer.from(await volumes.read(at('/data/live'), 4)).toString()).toBe('live')
      await expect(volumes.read(at('/data/live'), 3)).rejects.toMatchObject(failed)
      for (const path of ['/data/docs', '/data/link', '/data/none'])
        await expect(volumes.digest(at(path)), path).rejects.toMatchObject(failed)
      for (const path of ['/data/live', '/data/none'])
        await expect(volumes.list(at(path)), path).rejects.toMatchObject(failed)
    })

    it('copies out and in again, of any length, with the owner and mode that are asked for', async () => {
      const { volumes, at, lay, body, free } = await bench()
      for (const length of [0, 1, 511, 512, 300_000]) {
        const bytes = Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31) % 251))
        const put = await volumes.put(await lay(`in-${length}`, bytes), at('/data/new'), {
          uid: 7,
          gid: 8,
          mode: 0o640,
        })
        expect(await volumes.stat(at('/data/new')), String(length)).toMatchObject({
          kind: 'file',
          bytes: length,
          uid: 7,
          gid: 8,
          mode: 0o640,
        })
        expect(await volumes.fetch(at('/data/new'), free(`out-${length}`))).toEqual(put)
        expect((await body(free(`out-${length}`)))?.equals(bytes), String(length)).toBe(true)
      }
      expect(await volumes.leftover(at('/data/new'))).toBe(false)
      await volumes.remove(at('/data/new'))
    })

    it('gives a copy of a file with what belongs to it, which is gone afterwards', async () => {
      const { volumes, at, body } = await bench()
      await volumes.write(at('/data/live-wal'), Buffer.from('log'), owned)
      const seen = await volumes.withCopy(at('/data/live'), ['-wal', '-journal'], async (file) => ({
        file,
        bodies: [await body(file), await body(`${file}-wal`), await body(`${file}-journal`)].map(
          (one) => one?.toString() ?? null,
        ),
      }))
      expect(seen.bodies).toEqual(['live', 'log', null])
      for (const ending of ['', '-wal']) expect(await body(`${seen.file}${ending}`)).toBeNull()
      await volumes.remove(at('/data/live-wal'))
      let copied = ''
      const broken = volumes.withCopy(at('/data/live'), ['-wal'], async (file) => {
        copied = file
        expect(await body(`${file}-wal`)).toBeNull()
        throw new RangeError('not readable')
      })
      await expect(broken).rejects.toThrow(new RangeError('not readable'))
      expect([copied === '', await body(copied)]).toEqual([false, null])
      for (const path of ['/data/none', '/data/docs'])
        await expect(volumes.withCopy(at(path), [], async () => 1)).rejects.toMatchObject(failed)
      await expect(volumes.withCopy(at('/data/live', 'gone'), [], async () => 1)).rejects.toMatchObject({
        code: 'preflight',
      })
    })

    it('writes bytes at hand, over what is there too', async () => {
      const { volumes, at } = await bench()
      for (const text of ['rules\n', '', 'x'.repeat(100_000)]) {
        const written = await volumes.write(at('/data/docs/rules'), Buffer.from(text), owned)
        expect(written).toEqual({ sha256: sha256(text), bytes: text.length })
        expect(await volumes.stat(at('/data/docs/rules'))).toMatchObject({
          kind: 'file',
          bytes: text.length,
          ...owned,
        })
        expect(await volumes.digest(at('/data/docs/rules'))).toEqual(written)
      }
      expect(await volumes.leftover(at('/data/docs/rules'))).toBe(false)
      await volumes.remove(at('/data/docs/rules'))
      await expect(volumes.write(at('/elsewhere/rules'), Buffer.from('x'), owned)).rejects.toMatchObject({
        name: 'RunbookError',
      })
    })

    it('replaces what is there, whole', async () => {
      const { volumes, at, lay, free, body } = await bench()
      await volumes.fetch(at('/data/live'), free('old'))
      await volumes.put(await lay('other', Buffer.from('other')), at('/data/live'), owned)
      expect(Buffer.from(await volumes.read(at('/data/live'), 100)).toString()).toBe('other')
      await volumes.put(free('old'), at('/data/live'), owned)
      expect(await volumes.digest(at('/data/live'))).toEqual({ bytes: 4, sha256: sha })
      expect(await body(`${free('old')}.partial`)).toBeNull()
    })

    it('knows a file again after writes and renames, and another one in its place', async () => {
      const { volumes, at, append, ahead } = await bench()
      await volumes.write(at('/data/known'), Buffer.from('1'), owned)
      const first = await volumes.identity(at('/data/known'))
      expect(first).toEqual(expect.any(String))
      await append('/data/known', '2')
      expect(await volumes.identity(at('/data/known'))).toBe(first)
      await volumes.move(at('/data/known'), '/data/moved')
      expect(await volumes.identity(at('/data/known'))).toBeNull()
      await volumes.write(at('/data/known'), Buffer.from('12'), owned)
      expect(await volumes.identity(at('/data/known'))).not.toBe(first)
      expect(await volumes.identity(at('/data/moved'))).toBe(first)
      if (ahead !== undefined) expect(await ahead.identity(at('/data/moved'))).toBeNull()
      for (const path of ['/data/known', '/data/moved']) await volumes.remove(at(path))
      await expect(volumes.identity(at('/data/live', 'gone'))).rejects.toMatchObject({ code: 'preflight' })
    })

    it('renames, never over something, and removes, never a folder', async () => {
      const { volumes, at } = await bench()
      await volumes.move(at('/data/live'), '/data/away -f; $(date)')
      expect(await volumes.stat(at('/data/live'))).toBeNull()
      expect(await volumes.stat(at('/data/away -f; $(date)'))).toMatchObject(owned)
      await expect(volumes.move(at('/data/away -f; $(date)'), '/data/docs')).rejects.toMatchObject(failed)
      await expect(volumes.move(at('/data/none'), '/data/x')).rejects.toMatchObject(failed)
      await volumes.move(at('/data/away -f; $(date)'), '/data/live')
      await volumes.remove(at('/data/none'))
      await expect(volumes.remove(at('/data/docs'))).rejects.toMatchObject(failed)
      expect(await volumes.digest(at('/data/live'))).toMatchObject({ sha256: sha })
    })

    it('T.1: asks for a container that is gone, and for a path that is in no volume, before it touches anything', async () => {
      const { volumes, at, lay } = await bench()
      const file = await lay('file', Buffer.from('x'))
      await expect(volumes.stat(at('/data/live', 'gone'))).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringContaining('gone'),
      })
      await expect(volumes.put(file, at('/data/live', 'gone'), owned)).rejects.toMatchObject({
        code: 'preflight',
      })
      await expect(volumes.put(file, at('/elsewhere/file'), owned)).rejects.toMatchObject({
        name: 'RunbookError',
      })
    })
  })
}

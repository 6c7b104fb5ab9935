import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReleaseHost, Releases } from '../../src/drivers/releases.ts'
import { sha256 } from '../../src/kernel/json.ts'

export interface ReleasesBench {
  readonly releases: Releases
  /** Of a repository `team/shop` that is empty but for the tag `v1.0.1` at `commit`. */
  readonly host: ReleaseHost
  /** Knows the host by a token that it does not accept. */
  readonly stranger: ReleaseHost
  /** Lays a file down; returns its path. */
  file(name: string, body: Uint8Array): Promise<string>
  /** Null where there is none. */
  read(path: string): Promise<Uint8Array | null>
  /** Leaves under a name what an upload that was cut off leaves. */
  cutOff(release: number, name: string): void
  close(): Promise<void>
}

export const commit = 'c0ffee'.repeat(6).padEnd(40, '0')

export function releasesContract(kind: string, open: () => Promise<ReleasesBench>): void {
  describe(`releases: ${kind}`, () => {
    let bench: ReleasesBench
    let releases: Releases
    let host: ReleaseHost
    beforeEach(async () => {
      bench = await open()
      ;({ releases, host } = bench)
    })
    afterEach(() => bench.close())

    const draft = { tag: 'v1.0.1', title: 'v1.0.1', notes: 'made by the test', prerelease: false }
    const bundle = Buffer.alloc(700_000, 'bundle')

    it('tells the commit of a tag, and that there is no tag', async () => {
      expect(await releases.commitOf(host, 'v1.0.1')).toBe(commit)
      expect(await releases.commitOf(host, 'v9')).toBeNull()
      expect(await releases.forTag(host, 'v1.0.1')).toEqual([])
    })

    it('makes a draft, fills it, gives it back byte by byte, and publishes it under the address that the draft told', async () => {
      const made = await releases.draft(host, draft)
      expect(made).toMatchObject({
        tag: 'v1.0.1',
        draft: true,
        assets: [],
        notes: expect.stringMatching(/^made by the test\n/),
        url: expect.stringMatching(/team\/shop\/releases\/tag\/v1\.0\.1$/),
      })
      const asset = await releases.upload(host, made, 'bundle.tar.gz', {
        file: await bench.file('bundle.tar.gz', bundle),
      })
      expect(asset).toEqual({
        id: expect.any(Number),
        name: 'bundle.tar.gz',
        bytes: bundle.length,
        sha256: sha256(bundle),
        whole: true,
      })
      const sums = await releases.upload(host, made, 'SHA256SUMS', { text: 'é\n' })
      expect(await releases.forTag(host, 'v1.0.1')).toEqual([{ ...made, assets: [asset, sums] }])
      expect(await releases.fetched(host, asset)).toEqual({ bytes: bundle.length, sha256: sha256(bundle) })
      expect(await releases.fetched(host, sums)).toEqual({ bytes: 3, sha256: sha256('é\n') })
      expect(await releases.publish(host, made)).toEqual({ ...made, draft: false, assets: [asset, sums] })
      expect(await releases.forTag(host, 'v1.0.1')).toMatchObject([{ id: made.id, draft: false }])
      expect(await releases.forTag(host, 'v1.0')).toEqual([])
    })

    it('tells the latest release: no draft, and no prerelease', async () => {
      expect(await releases.latest(host)).toBeNull()
      const early = await releases.draft(host, { ...draft, prerelease: true })
      await releases.publish(host, early)
      const made = await releases.draft(host, { ...draft, tag: 'v1.0.2' })
      expect(await releases.latest(host)).toBeNull()
      await releases.publish(host, made)
      await releases.draft(host, { ...draft, tag: 'v1.0.3' })
      expect(await releases.latest(host)).toMatchObject({ id: made.id, tag: 'v1.0.2', draft: false })
      await expect(releases.latest({ ...host, repository: 'team/other' })).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringMatching(/team\/other.*404/),
      })
    })

    it('downloads an asset into a new file, and over none', async () => {
      const made = await releases.draft(host, draft)
      const asset = await releases.upload(host, made, 'bundle.tar.gz', {
        file: await bench.file('bundle.tar.gz', bundle),
      })
      const to = `${await bench.file('beside', bundle)}.fetched`
      expect(await releases.download(host, asset, to)).toEqual({
        bytes: bundle.length,
        sha256: sha256(bundle),
      })
      expect(sha256((await bench.read(to)) ?? '')).toBe(sha256(bundle))
      await expect(releases.download(host, asset, to)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('already exists'),
      })
      await expect(releases.download(host, asset, `${to}/x`)).rejects.toMatchObject({ code: 'failed' })
      await releases.removeAsset(host, asset)
      await expect(releases.download(host, asset, `${to}.again`)).rejects.toThrow('404')
      expect(await bench.read(`${to}.again`)).toBeNull()
    })

    it('takes back what was done; what is gone already is no error, and the tag stays', async () => {
      const made = await releases.draft(host, draft)
      const asset = await releases.upload(host, made, 'SHA256SUMS', { text: 'x' })
      await releases.publish(host, made)
      expect(await releases.withdraw(host, made)).toMatchObject({ draft: true })
      for (const _ of [1, 2]) await releases.removeAsset(host, asset)
      expect(await releases.forTag(host, 'v1.0.1')).toEqual([made])
      for (const _ of [1, 2]) await releases.remove(host, made)
      expect(await releases.forTag(host, 'v1.0.1')).toEqual([])
      expect(await releases.commitOf(host, 'v1.0.1')).toBe(commit)
    })

    it('refuses a second asset of a name, and clears away what a cut upload left under it', async () => {
      const made = await releases.draft(host, draft)
      bench.cutOff(made.id, 'SHA256SUMS')
      expect(await releases.forTag(host, 'v1.0.1')).toMatchObject([
        { assets: [{ name: 'SHA256SUMS', bytes: 0, whole: false }] },
      ])
      await releases.upload(host, made, 'SHA256SUMS', { text: 'x' })
      await expect(releases.upload(host, made, 'SHA256SUMS', { text: 'x' })).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('has an asset of that name'),
      })
      expect(await releases.forTag(host, 'v1.0.1')).toMatchObject([{ assets: [{ whole: true }] }])
    })

    it('tells several drafts for a tag, newest first, and publishes only one of them', async () => {
      const [one, two] = [
        await releases.draft(host, draft),
        await releases.draft(host, { ...draft, notes: 'another' }),
      ]
      expect((await releases.forTag(host, 'v1.0.1')).map(({ id }) => id)).toEqual([two.id, one.id])
      await releases.publish(host, one)
      await expect(releases.publish(host, two)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringMatching(/422.*already_exists/),
      })
    })

    it('refuses a repository that is not there, a token that is not accepted, a release and a file that are gone', async () => {
      const nowhere = { ...host, repository: 'team/other' }
      await expect(releases.forTag(nowhere, 'v1.0.1')).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringMatching(/team\/other.*404/),
      })
      await expect(releases.commitOf(nowhere, 'v1.0.1')).rejects.toThrow('404')
      for (const refused of [
        releases.commitOf(bench.stranger, 'v1.0.1'),
        releases.draft(bench.stranger, draft),
      ]) {
        await expect(refused).rejects.toMatchObject({
          code: 'failed',
          message: expect.stringMatching(/the token is not accepted \(401/),
          hint: expect.stringContaining('OTHER_TOKEN'),
        })
      }
      await expect(releases.upload(host, { id: 5, tag: 'v1.0.1' }, 'x', { text: 'x' })).rejects.toThrow('404')
      await expect(releases.publish(host, { id: 5 })).rejects.toThrow('404')
      const made = await releases.draft(host, draft)
      await expect(
        releases.upload(host, made, 'x', { file: `${await bench.file('y', bundle)}.gone` }),
      ).rejects.toThrow('cannot be read')
    })
  })
}

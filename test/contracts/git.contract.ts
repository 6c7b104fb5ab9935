import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GitView } from '../../src/drivers/git.ts'

/** A folder in which a repository can be made. */
export interface GitWorld {
  readonly git: GitView
  readonly top: string
  init(): Promise<void>
  /** From the top; folders on the way are made. Null removes the file. */
  write(path: string, body: string | Uint8Array | null): Promise<void>
  /** All that lies there. @returns its id */
  commit(subject: string, committedAt: string, tag?: string): Promise<string>
  close(): Promise<void>
}

const old = Buffer.from([65, 61, 49, 13, 10, 0, 255, 10, 32])

export function gitContract(kind: string, open: () => Promise<GitWorld>): void {
  describe(`git: ${kind}`, () => {
    let world: GitWorld
    let git: GitView
    let top: string
    beforeEach(async () => {
      world = await open()
      ;({ git, top } = world)
    })
    afterEach(() => world.close())

    const twice = async (): Promise<readonly [string, string]> => {
      await world.init()
      await world.write('.gitignore', 'ignored\n')
      await world.write('app/.env.production', old)
      await world.write('readme', 'one\n')
      const first = await world.commit('first', '2026-02-03T04:12:00Z')
      await world.write('app/.env.production', 'A=2\n')
      const second = await world.commit('second: "two"', '2026-02-04T04:12:00Z', 'v1.0.0')
      return [first, second]
    }

    test('says where a work tree stands, from any folder in it', async () => {
      const [, second] = await twice()
      const head = { sha: second, committedAt: '2026-02-04T04:12:00.000Z', tags: ['v1.0.0'] }
      expect(await git.head(top)).toEqual(head)
      expect(await git.head(`${top}/app`)).toEqual(head)
    })

    test('refuses a folder without a repository, and a repository without a commit', async () => {
      await expect(git.head(top)).rejects.toMatchObject({ code: 'preflight' })
      await expect(git.tracked(top)).rejects.toMatchObject({ code: 'preflight' })
      await world.init()
      await expect(git.head(top)).rejects.toMatchObject({ code: 'preflight' })
    })

    test('lists what differs from the last commit, but not what is ignored', async () => {
      await twice()
      expect(await git.dirty(top)).toEqual({ changed: [], untracked: [] })
      await world.write('ignored', '')
      await world.write('app/new "file"\nof two lines', '')
      await world.write('readme', null)
      await world.write('app/.env.production', 'A=3\n')
      expect(await git.dirty(top)).toEqual({
        changed: ['app/.env.production', 'readme'],
        untracked: ['app/new "file"\nof two lines'],
      })
      expect(await git.dirty(`${top}/app`)).toEqual({
        changed: ['.env.production'],
        untracked: ['new "file"\nof two lines'],
      })
    })

    test('answers for several folders at once: commit, changes, and what it ignores', async () => {
      expect(await git.workTrees([top])).toEqual([null])
      await world.init()
      await world.write('readme', 'one\n')
      expect(await git.workTrees([top])).toEqual([
        { sha: null, changed: [], untracked: ['readme'], ignored: [] },
      ])
      const [, sha] = await twice()
      await world.write('app/new "file"\nof two lines', '')
      await world.write('app/ignored/deeper/file', '')
      await world.write('ignored', '')
      await world.write('readme', null)
      await world.write('app/.env.production', 'A=3\n')
      expect(await git.workTrees([top, `${top}/app`, `${top}/app/ignored/deeper`])).toEqual([
        {
          sha,
          changed: ['app/.env.production', 'readme'],
          untracked: ['app/new "file"\nof two lines'],
          ignored: ['app/ignored', 'ignored'],
        },
        {
          sha,
          changed: ['.env.production'],
          untracked: ['new "file"\nof two lines'],
          ignored: ['ignored'],
        },
        { sha, changed: [], untracked: [], ignored: ['.'] },
      ])
    })

    test('says whether a path is ignored, whether it exists or not, and nothing where there is no repository', async () => {
      expect(await git.ignores(top, 'ignored/run.json')).toBeNull()
      await twice()
      expect(await git.ignores(top, 'ignored/run.json')).toBe(true)
      expect(await git.ignores(`${top}/app`, `${top}/ignored`)).toBe(true)
      expect(await git.ignores(`${top}/app`, 'new/run.json')).toBe(false)
      expect(await git.ignores(top, '/elsewhere/run.json')).toBeNull()
    })

    test('lists what it knows, relative to the folder', async () => {
      await twice()
      await world.write('app/new', '')
      expect(await git.tracked(top)).toEqual(['.gitignore', 'app/.env.production', 'readme'])
      expect(await git.tracked(`${top}/app`)).toEqual(['.env.production'])
    })

    test('shows the exact bytes of a file as of a revision', async () => {
      const [first] = await twice()
      for (const revision of ['HEAD~1', first, first.slice(0, 10)]) {
        expect(Buffer.from(await git.show(top, revision, 'app/.env.production')).equals(old), revision).toBe(
          true,
        )
      }
      expect(Buffer.from(await git.show(`${top}/app`, 'HEAD~1', '.env.production')).equals(old)).toBe(true)
      expect(Buffer.from(await git.show(top, 'v1.0.0', 'app/.env.production')).toString()).toBe('A=2\n')
    })

    test.each([
      ['HEAD~9', 'readme'],
      ['HEAD', 'none'],
      ['HEAD', 'app'],
      ['no-such', 'readme'],
    ])('shows nothing of %s for %s', async (revision, path) => {
      await twice()
      await expect(git.show(top, revision, path)).rejects.toMatchObject({ code: 'failed' })
    })

    test.each(['', '--help', 'HEAD:app'])('takes %j for no revision', async (revision) => {
      await twice()
      await expect(git.show(top, revision, 'readme')).rejects.toMatchObject({ code: 'usage' })
    })

    test('tells the history of one file, newest first', async () => {
      const [first, second] = await twice()
      const commits = [
        { sha: second, committedAt: '2026-02-04T04:12:00.000Z', subject: 'second: "two"' },
        { sha: first, committedAt: '2026-02-03T04:12:00.000Z', subject: 'first' },
      ]
      expect(await git.history(top, 'app/.env.production', 5)).toEqual(commits)
      expect(await git.history(`${top}/app`, '.env.production', 1)).toEqual(commits.slice(0, 1))
      expect(await git.history(top, 'readme', 5)).toEqual(commits.slice(1))
      expect(await git.history(top, 'none', 5)).toEqual([])
    })
  })
}

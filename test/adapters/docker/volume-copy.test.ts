import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { withCopy } from '../../../src/adapters/docker/volume-copy.ts'
import type { VolumePath } from '../../../src/drivers/volumes.ts'
import { RunbookError } from '../../../src/kernel/errors.ts'
import { sha256 } from '../../../src/kernel/json.ts'

const at: VolumePath = {
  stack: {
    kind: 'compose',
    project: 'p',
    directory: '/srv',
    files: [],
    envFiles: [],
    profiles: [],
    environment: {},
  },
  service: 'api',
  path: '/data/app.db',
}

/** A database whose writer acts after each reading of a file. */
function written(files: Map<string, string>, act: (reading: number) => void) {
  let readings = 0
  const read = (path: string): string => {
    const text = files.get(path)
    if (text === undefined) throw new RunbookError('failed', `no such file: ${path}`, { hint: 'none' })
    readings += 1
    act(readings)
    return text
  }
  const digestOf = (text: string) => ({ sha256: sha256(text), bytes: text.length })
  return {
    async stat({ path }: VolumePath) {
      const text = files.get(path)
      if (text === undefined) return null
      return {
        kind: 'file' as const,
        bytes: text.length,
        mode: 0o600,
        uid: 0,
        gid: 0,
        modifiedAt: '',
        link: null,
      }
    },
    digest: async ({ path }: VolumePath) => digestOf(read(path)),
    async fetch({ path }: VolumePath, to: string) {
      const text = read(path)
      await writeFile(to, text)
      return digestOf(text)
    },
  }
}

const both = async (file: string): Promise<readonly string[]> => {
  // Long enough for a folder that is removed too early.
  await new Promise((resolve) => setTimeout(resolve, 20))
  return Promise.all(['', '-wal'].map((ending) => readFile(`${file}${ending}`, 'utf8').catch(() => '(none)')))
}

describe('a copy of a database that is written meanwhile', () => {
  it.each<readonly [string, readonly (readonly [string, string])[]]>([
    ['a commit to the log', [['/data/app.db-wal', 'b2']]],
    [
      'a checkpoint',
      [
        ['/data/app.db', 'a2'],
        ['/data/app.db-wal', ''],
      ],
    ],
  ])('is of one moment: %s during the copy', async (_, changes) => {
    for (let reading = 1; reading <= 3; reading += 1) {
      const files = new Map([
        ['/data/app.db', 'a1'],
        ['/data/app.db-wal', 'b1'],
      ])
      const volumes = written(files, (now) => {
        if (now === reading) for (const [path, text] of changes) files.set(path, text)
      })
      const states = [
        ['a1', 'b1'],
        [files.get('/data/app.db'), files.get('/data/app.db-wal')],
      ]
      const seen = await withCopy(volumes, at, ['-wal'], both)
      expect([...states, [...files.values()]], `reading ${reading}`).toContainEqual(seen)
    }
  })

  it('is of one moment where a log appears or disappears', async () => {
    const files = new Map([['/data/app.db', 'a1']])
    const appears = written(files, (now) => {
      if (now === 2) files.set('/data/app.db-wal', 'b1')
    })
    expect(await withCopy(appears, at, ['-wal'], both)).toEqual(['a1', 'b1'])
    const disappears = written(files, (now) => {
      if (now === 1) files.delete('/data/app.db-wal')
    })
    expect(await withCopy(disappears, at, ['-wal'], both)).toEqual(['a1', '(none)'])
  })

  it('is not made of a file that is written all the time, nor of one that cannot be read', async () => {
    const files = new Map([['/data/app.db', '0']])
    const busy = written(files, (now) => files.set('/data/app.db', String(now)))
    await expect(withCopy(busy, at, ['-wal'], both)).rejects.toThrow('it changes all the time')
    const still = new Map([['/data/app.db', '0']])
    const broken = written(still, () => {
      throw new RunbookError('failed', 'the engine does not answer', { hint: 'none' })
    })
    await expect(withCopy(broken, at, ['-wal'], both)).rejects.toThrow('the engine does not answer')
  })
})

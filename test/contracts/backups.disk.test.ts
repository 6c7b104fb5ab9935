import { execFileSync } from 'node:child_process'
import { constants } from 'node:fs'
import {
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { diskBackups } from '../../src/adapters/disk/backups.ts'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { manifestSeal } from '../../src/adapters/evidence/manifest-seal.ts'
import { signingKey } from '../../src/adapters/evidence/signing-key.ts'
import type { BackupPlace } from '../../src/drivers/backups.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { backupsContract, type BackupsWorld } from './backups.contract.ts'

async function open(): Promise<BackupsWorld> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'runbook-backups-')))
  const directory = join(root, 'backups')
  const state = join(root, 'state')
  await mkdir(directory)
  return {
    directory,
    backups: (scope, clock) => diskBackups({ scope, clock, ...signingIn(state) }),
    async trusting(who) {
      const trusted = join(state, 'allowed_signers')
      // Its own key exists by now, and is listed.
      await copyFile(trusted, `${trusted}.of-this-machine`, constants.COPYFILE_EXCL).catch(() => undefined)
      await rm(trusted, { force: true })
      if (who === 'another machine') {
        await signingKey(join(root, 'another'), diskFiles)
        await copyFile(join(root, 'another', 'allowed_signers'), trusted)
      } else if (who === 'this machine') await copyFile(`${trusted}.of-this-machine`, trusted)
    },
    read: (name) => readFile(join(directory, name)),
    async put(name, body, modifiedAt) {
      const path = join(directory, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, body)
      if (modifiedAt !== undefined) await utimes(path, modifiedAt, modifiedAt)
      return path
    },
    remove: (name) => rm(join(directory, name)),
    close: () => rm(root, { recursive: true }),
  }
}

const signingIn = (state: string) => ({
  seal: manifestSeal(state, diskFiles),
  files: diskFiles,
  program: 'runbook 0.0.0',
})

backupsContract('disk', open)

describe('backups on a disk', () => {
  let world: BackupsWorld
  let place: BackupPlace
  const signing = signingIn('/nonexistent')
  const backups = diskBackups({ scope: watchedScope(), clock: systemClock, ...signing })
  const name = 'app-20260203-041233.db'
  beforeEach(async () => {
    world = await open()
    place = {
      directory: world.directory,
      pattern: '*{time}.db',
      maxAgeSeconds: 1,
      minBytes: 1,
      checksums: 'required',
    }
  })
  afterEach(() => world.close())
  const link = (name: string, to: string) => symlink(to, join(world.directory, name))

  test('what sha256sum writes is what is read', async () => {
    for (const odd of [
      name,
      'with space-20260203-041233.db',
      'back\\slash-20260203-041233.db',
      'new\nline-20260203-041233.db',
      '-dash-20260203-041233.db',
    ]) {
      const file = await world.put(odd, `the bytes of ${odd}`)
      for (const argv of [
        ['--', odd],
        ['-b', '--', odd],
        ['--tag', '--', odd],
        ['--', file],
      ]) {
        await world.put(`${odd}.sha256`, execFileSync('sha256sum', argv, { cwd: world.directory }))
        expect((await backups.verify(place, await backups.find(place, odd))).checksumFile).toBe(
          `${file}.sha256`,
        )
      }
    }
  })

  test('a link is followed: the backup is what it points to, and it is listed once', async () => {
    const file = await world.put(name, 'data')
    await link('latest-20260203-999999.db', name)
    await link('latest.db', name)
    await link('other-20260101-000000.db', name)
    expect(await backups.find(place, 'latest.db')).toMatchObject({
      file,
      name,
      takenAt: '2026-02-03T04:12:33.000Z',
    })
    expect((await backups.list(place)).map((backup) => backup.file)).toEqual([file])
  })

  test('a plain name that became a path of the current folder is looked up in the place', async () => {
    const file = await world.put(`2026/02-03/${name}`, 'data')
    expect(await backups.find(place, join(process.cwd(), name))).toMatchObject({ file })
    for (const elsewhere of [join(process.cwd(), 'sub', name), join(dirname(world.directory), name)])
      await expect(backups.find(place, elsewhere)).rejects.toMatchObject({
        message: expect.stringContaining('does not exist'),
      })
  })

  test('a link whose target has a name of its own keeps the name that fits', async () => {
    const file = await world.put('2026/store', 'data')
    await link(name, '2026/store')
    expect(await backups.list(place)).toMatchObject([{ file, name, takenAt: '2026-02-03T04:12:33.000Z' }])
  })

  test('a link without a time in its name is not named beside the backup that it points to', async () => {
    await world.put(name, 'data')
    await link('latest.db', name)
    await link('gone.db', 'nowhere.db')
    await world.put('other.db', 'data')
    expect((await backups.undated(place)).map((one) => one.name)).toEqual(['other.db'])
  })

  test('a dangling link is no backup, and is called what it is', async () => {
    await link(name, 'gone.db')
    expect(await backups.list(place)).toEqual([])
    await expect(backups.find(place, name)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('is a link to gone.db, which does not exist'),
    })
  })

  test('a pipe is never opened', async () => {
    execFileSync('mkfifo', [join(world.directory, name)])
    expect(await backups.list(place)).toEqual([])
    await expect(backups.find(place, name)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('not a regular file'),
    })
  })

  test('a link that takes the place of a backup after it was found is not followed', async () => {
    await world.put(name, 'data')
    await world.put('secret', 'else')
    const found = await backups.find({ ...place, checksums: 'if-present' }, name)
    await world.remove(name)
    await link(name, 'secret')
    await expect(backups.verify({ ...place, checksums: 'if-present' }, found)).rejects.toMatchObject({
      code: 'verification',
    })
  })

  test('a checksum file of a size that none has is not read', async () => {
    await world.put(name, 'data')
    await truncate(await world.put(`${name}.sha256`, 'x'), 2 ** 31)
    await expect(backups.verify(place, await backups.find(place, name))).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('is not a checksum file'),
    })
  })

  test('a large backup is hashed in pieces and can be stopped in the middle', async () => {
    const stop = new AbortController()
    const reason = new Error('second Ctrl-C')
    const scope = watchedScope({
      signal: stop.signal,
      progress: ({ done }) => done >= 4 << 20 && stop.abort(reason),
    })
    const looking = diskBackups({ scope, clock: systemClock, ...signing })
    await world.put(name, '')
    await truncate(join(world.directory, name), 64 << 20)
    const asked = { ...place, checksums: 'if-present' as const }
    await expect(looking.verify(asked, await looking.find(asked, name))).rejects.toBe(reason)
    expect(scope.steps.at(-1)?.done).toBeLessThan(64 << 20)
  })
})

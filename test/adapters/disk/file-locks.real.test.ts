import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileLocks } from '../../../src/adapters/disk/file-locks.ts'
import type { FilePart, LockHolder } from '../../../src/drivers/locks.ts'
import { holdInProcess } from '../../fixtures/lock-process.ts'
import { root } from '../../fixtures/requirements.ts'

const holder: LockHolder = {
  run: '20261129-131507-aaaaa',
  by: 'anna',
  host: 'here',
  since: '2026-11-29T13:15:07.000Z',
}
const program = fileURLToPath(new URL('../../fixtures/lock-holder.ts', import.meta.url))
const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']

describe.skipIf(!root())('a lock beside a file, among several users', () => {
  let folder: string
  let part: FilePart
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'file-locks-'))
    part = { kind: 'file', path: join(folder, 'shop.db'), what: 'shop.db' }
    await writeFile(part.path, '')
  })
  afterEach(() => rm(folder, { recursive: true }))

  /** What another user gets who tries to take it. */
  const nobodyGets = async (): Promise<unknown> => {
    const [file = '', ...args] = [
      ...asNobody,
      process.execPath,
      program,
      JSON.stringify(part),
      JSON.stringify(holder),
    ]
    const child = execa(file, args, { reject: false, stdin: 'ignore' })
    for await (const line of child.iterable()) {
      child.kill('SIGKILL')
      return JSON.parse(line)
    }
    throw new Error((await child).stderr)
  }

  it.each([
    ['a folder that everybody may write', 0o777],
    ['a sticky one', 0o1777],
  ])('in %s, each excludes the other and is named', async (_, mode) => {
    await chmod(folder, mode)
    const mine = await fileLocks.take(part, holder)
    expect(await nobodyGets()).toEqual({ is: 'held', by: holder })
    if (mine.is === 'taken') await mine.lock.release()
    expect(await nobodyGets()).toMatchObject({ is: 'taken' })
    const theirs = await holdInProcess(part, { ...holder, run: 'theirs' }, {}, asNobody)
    expect(await fileLocks.take(part, holder)).toMatchObject({ is: 'held', by: { run: 'theirs' } })
    await theirs.kill()
    expect(await fileLocks.take(part, holder)).toMatchObject({ is: 'taken' })
  })

  it('whoever may not write the folder sees who holds it, and has no lock when nobody does', async () => {
    await chmod(folder, 0o755)
    expect(await nobodyGets()).toMatchObject({
      is: 'unavailable',
      why: expect.stringContaining('EACCES') as string,
    })
    const mine = await fileLocks.take(part, holder)
    expect(await nobodyGets()).toEqual({ is: 'held', by: holder })
    if (mine.is === 'taken') await mine.lock.release()
    expect(await readdir(folder)).toEqual(['shop.db'])
  })

  it('is the same by every name of the file', async () => {
    const link = join(folder, 'link.db')
    await symlink(part.path, link)
    const mine = await fileLocks.take(part, holder)
    expect(await fileLocks.look({ ...part, path: link })).toEqual({ is: 'held', by: holder })
    if (mine.is === 'taken') await mine.lock.release()
  })

  it('is not taken through a link in its place, and what the link points to stays as it is', async () => {
    const other = join(folder, 'other')
    await writeFile(other, 'something else')
    await symlink(other, join(folder, '.shop.db.runbook-lock'))
    expect(await fileLocks.take(part, holder)).toMatchObject({ is: 'unavailable' })
    expect((await stat(other)).size).toBe('something else'.length)
  })

  it('is taken again where a killed holder left half a file', async () => {
    await writeFile(join(folder, '.shop.db.runbook-lock'), 'half of a database')
    const mine = await fileLocks.take(part, holder)
    expect(mine).toMatchObject({ is: 'taken' })
    if (mine.is === 'taken') await mine.lock.release()
  })

  it('is made with the folder in which processes are recorded, by a run alone', async () => {
    const process: FilePart = {
      ...part,
      path: join(folder, 'missing', 'deep', 'service.app'),
      makesFolder: true,
    }
    expect(await fileLocks.look(process)).toEqual({ is: 'free' })
    expect(await readdir(folder)).toEqual(['shop.db'])
    const mine = await fileLocks.take(process, holder)
    expect(await fileLocks.look(process)).toEqual({ is: 'held', by: holder })
    if (mine.is === 'taken') await mine.lock.release()
    expect(await readdir(join(folder, 'missing', 'deep'))).toEqual([])
  })

  it('removed by hand, it is lost', async () => {
    const mine = await fileLocks.take(part, holder)
    await rm(join(folder, '.shop.db.runbook-lock'))
    if (mine.is !== 'taken') throw new Error('not taken')
    expect(await mine.lock.check()).toMatchObject({ is: 'lost' })
    await mine.lock.release()
  })
})

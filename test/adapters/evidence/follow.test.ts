import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogFollower } from '../../../src/adapters/evidence/follow.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'follow-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const log = (name: string): string => join(folder, 'logs', name)
const texts = async (follower: LogFollower, tail = 4): Promise<readonly string[]> =>
  (await follower.grown((name) => (name.startsWith('02') ? tail : 0))).map(
    ({ log, bytes, leftOut }) => `${log} ${leftOut} ${Buffer.from(bytes).toString()}`,
  )

test('gives the end of the logs that were asked for, then what is written, once', async () => {
  const follower = new LogFollower(folder)
  await mkdir(log(''))
  await writeFile(log('01-choose.log'), 'chosen')
  await writeFile(log('02-restore.log'), '0123456789')
  await writeFile(log('02-restore.log.part-1'), 'a piece')
  expect(await texts(follower)).toEqual(['02-restore.log 0 6789'])
  expect(await texts(follower)).toEqual([])
  await appendFile(log('02-restore.log'), 'more')
  await writeFile(log('03-swap.log'), 'new')
  expect(await texts(follower)).toEqual(['02-restore.log 0 more', '03-swap.log 0 new'])
})

test('takes little memory of much output, and says how much it left out', async () => {
  const follower = new LogFollower(folder)
  expect(await follower.grown(() => 0)).toEqual([])
  await mkdir(log(''))
  await writeFile(log('02-restore.log'), Buffer.alloc(100_000, 'x'))
  const [grown] = await follower.grown(() => 0)
  expect(grown?.bytes.length).toBe(65_536)
  expect(grown?.leftOut).toBe(100_000 - 65_536)
})

test('does not follow a link', async () => {
  await mkdir(log(''))
  await symlink('/etc/hostname', log('02-restore.log'))
  await expect(new LogFollower(folder).grown(() => 4)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('cannot read') as string,
  })
})

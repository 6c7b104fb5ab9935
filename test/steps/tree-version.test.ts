import { expect, it } from 'vitest'
import { digestOf } from '../../src/kernel/json.ts'
import { emptyDisk, fakeWorld, lay } from '../../src/testing/index.ts'
import { requireSameTree, treeVersionOf } from '../../steps/files/lib/tree-version.ts'
import { handsOn } from './hands.ts'

const path = '/staging/data.toml'

function staged() {
  const disk = emptyDisk()
  lay(disk, path, 'good')
  disk.identities.set(path, '7')
  const { look } = handsOn(fakeWorld({ disk }))
  const since = 'it was unpacked'
  return { disk, look, require: (was: string | undefined) => requireSameTree(look, path, was, since) }
}

it('a version shows a write that keeps the size and sets the time of modification back', async () => {
  const { disk, look, require } = staged()
  const was = await treeVersionOf(look, path)
  await require(was)
  lay(disk, path, 'evil')
  disk.modifiedAt.set(path, new Date('2026-01-01T00:00:00Z'))
  await expect(require(was)).rejects.toMatchObject({ code: 'verification' })
})

it('a version that an earlier version of the program recorded is compared as that did', async () => {
  const { disk, require } = staged()
  const facts = {
    kind: 'file',
    bytes: 4,
    mode: 0o600,
    uid: 1000,
    gid: 1000,
    device: 1,
    identity: '7',
    modifiedAt: '2026-01-01T00:00:00.000Z',
  }
  const was = digestOf([facts, null, []])
  await require(was)
  lay(disk, path, 'evils')
  await expect(require(was)).rejects.toMatchObject({ code: 'verification' })
  await require(undefined)
})

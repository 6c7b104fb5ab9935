import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SmallFiles, smallBytes } from '../../../src/adapters/disk/small-files.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(memoryFolder, 'small-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Names with their contents; null for a file that is not there. */
function filesOf(contents: { readonly [name: string]: string | null }) {
  return Object.entries(contents).map(([name, content]) => {
    const at = join(folder, name)
    if (content !== null) writeFileSync(at, content)
    return { at, isSmall: (content?.length ?? 0) <= smallBytes }
  })
}

test('gives each file in its turn, and leaves the large ones to the caller', async () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`small-${at}`, `content ${at}`]))
  const files = filesOf({ ...many, large: 'x'.repeat(smallBytes + 1), empty: '', last: 'end' })
  const small = new SmallFiles(files)
  const taken: (string | null)[] = []
  for (const file of files) taken.push((await small.take(file))?.content.toString() ?? null)
  expect(taken).toEqual([...Object.values(many), null, '', 'end'])
})

test('leaves a file to the caller that has grown since it was listed', async () => {
  const files = filesOf({ grown: 'small' })
  writeFileSync(join(folder, 'grown'), 'x'.repeat(smallBytes + 1))
  const [file] = files
  expect(file && (await new SmallFiles(files).take(file))).toBeNull()
})

test('a file that cannot be read fails in its turn, not before', async () => {
  const files = filesOf({ first: 'one', missing: null, last: 'two' })
  const small = new SmallFiles(files)
  const [first, missing] = files
  expect(first && (await small.take(first))?.content.toString()).toBe('one')
  await expect(missing && small.take(missing)).rejects.toThrow('ENOENT')
  await small.close()
})

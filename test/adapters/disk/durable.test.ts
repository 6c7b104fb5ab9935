import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { appendDurably, linkDurably, writeDurably } from '../../../src/adapters/disk/durable.ts'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { partialBeside } from '../../../src/adapters/disk/partial-name.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-durable-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** The name that a process gives which ends before it has renamed its file. */
async function leftBy(process: 'a dead process' | 'this process', path: string): Promise<string> {
  const own = await partialBeside(path)
  const { pid = 0 } = spawnSync('true')
  const left = process === 'this process' ? own : own.replace(/\.\d+-\d+\./, `.${pid}-1.`)
  await writeFile(left, 'half')
  return basename(left)
}

test('what a killed process left of a file is removed when the file is written again', async () => {
  const [path, other] = [join(folder, 'SHA256SUMS'), join(folder, 'other')]
  await leftBy('a dead process', path)
  const elsewhere = await leftBy('a dead process', other)
  await writeDurably(path, text('whole'))
  expect((await readdir(folder)).sort()).toEqual([elsewhere, 'SHA256SUMS'].sort())
  expect(await readFile(path, 'utf8')).toBe('whole')
})

test('what a living process is writing stays', async () => {
  const path = join(folder, 'SHA256SUMS')
  const living = await leftBy('this process', path)
  await writeDurably(path, text('whole'))
  expect((await readdir(folder)).sort()).toEqual([living, 'SHA256SUMS'].sort())
})

test('the same for a link', async () => {
  const path = join(folder, 'current')
  await leftBy('a dead process', path)
  await linkDurably(path, 'releases/2')
  expect(await readdir(folder)).toEqual(['current'])
  expect(await readlink(path)).toBe('releases/2')
})

test('an undo sees it, and removes it with the file or in its place', async () => {
  const path = join(folder, 'release.lock.json')
  await leftBy('a dead process', path)
  expect(await diskFiles.unfinished(path)).toBe(true)
  await diskFiles.removeTree(path)
  expect(await diskFiles.unfinished(path)).toBe(false)
  expect(await readdir(folder)).toEqual([])
})

test('of several that begin a file at once, each appends its line', async () => {
  const path = join(folder, 'checklist.md')
  const lines = Array.from({ length: 8 }, (_, index) => `line ${index}`)
  await Promise.all(lines.map((line) => appendDurably(path, text(`${line}\n`))))
  expect((await readFile(path, 'utf8')).trim().split('\n').toSorted()).toEqual(lines)
})

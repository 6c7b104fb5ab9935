import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadHint } from '../../src/config/load-hint.ts'
import { RunbookError } from '../../src/kernel/errors.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'load-hint-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What Node throws when it loads a file, since it is Node's words that are read. */
async function thrownBy(name: string, text: string): Promise<Error> {
  await writeFile(join(folder, name), text)
  const code = `import(${JSON.stringify(pathToFileURL(join(folder, name)).href)}).catch((thrown) =>
    process.stdout.write(JSON.stringify([thrown.name, thrown.code, thrown.message, thrown.stack])))`
  const { stdout } = spawnSync(process.execPath, ['--eval', code], { encoding: 'utf8' })
  const [kind, ...parts] = JSON.parse(stdout) as [string, string, string, string]
  const thrown = kind === 'SyntaxError' ? new SyntaxError(parts[1]) : new Error(parts[1])
  return Object.assign(thrown, { code: parts[0], stack: parts[2] })
}

test.each([
  ['export enum A { b }', 'instead of an enum write `const Name = { … } as const`'],
  ['export namespace A { export const b = 1 }', 'instead of a namespace write a file of its own'],
  ['export class A { constructor(readonly b: string) {} }', 'declare the property in the class'],
  ["import a = require('./a')\nexport { a }", "write `import name from '…'`"],
  ['const a = 1\nexport = a', 'write `export default …`', 1],
])('%s', async (text, cure, further = 0) => {
  const thrown = await thrownBy('erasable.mts', `const before = 1\n${text}\n`)
  const hint = await loadHint(thrown, 'config.ts')
  expect(hint).toContain(`in ${join(folder, 'erasable.mts')}:${2 + further}, ${cure}`)
  expect(hint).toContain('"erasableSyntaxOnly": true')
})

test.each([
  ['typo.mts', 'export const a: = 1'],
  ['typo.mjs', 'export const a = )'],
  ['throws.mts', 'const a: object = {}\n;(a as { b(): void }).b()'],
])('the place of a mistake in %s', async (name, text) => {
  const thrown = await thrownBy(name, `\n${text}`)
  const line = 1 + text.split('\n').length
  expect(await loadHint(thrown, join(folder, name))).toBe(
    `fix ${join(folder, name)}:${line}; nothing was changed`,
  )
})

test('the hint of an error of ours counts, and without a place nothing is made up', async () => {
  expect(await loadHint(new RunbookError('usage', 'no', { hint: 'type this' }), 'config.ts')).toBe(
    'type this',
  )
  const missing = await thrownBy('missing.mts', "import './none.ts'")
  expect(await loadHint(missing, join(folder, 'missing.mts'))).toBe('fix the file; nothing was changed')
  expect(await loadHint('thrown', 'config.ts')).toBe('fix the file; nothing was changed')
})

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { castOf, lasting, svgOf, textOf } from '../fixtures/asciicast.ts'
import { castNames, mediaFolder, pictured, pictureNames } from './media.ts'
import { blocks, page, pages, root } from './pages.ts'

const folder = join(root, mediaFolder)
const files = readdirSync(folder).sort()
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const casts = castNames.map((name) => ({ name, cast: castOf(read(`${name}.cast`)) }))

test('every recording and picture is there, and nothing else', () => {
  expect(files).toEqual(
    [
      ...castNames.flatMap((name) => [`${name}.cast`, `${name}.svg`]),
      ...pictureNames.flatMap((name) => [`${name}.png`, `${name}.txt`]),
    ].sort(),
  )
})

test('together they are small', () => {
  expect(files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(2_000_000)
})

test('a document shows or links each of them', () => {
  const linked = pages.flatMap(({ text }) =>
    [...text.matchAll(/\]\((?:docs\/)?media\/([^)]+)\)/g)].map(([, name = '']) => name),
  )
  expect(files.filter((name) => !linked.includes(name))).toEqual([])
})

test.each(casts)('the picture of $name shows what was recorded', async ({ name, cast }) => {
  expect(read(`${name}.svg`)).toBe(await svgOf(pictured(name, cast)))
})

test('they name no machine but the one that they pretend', async () => {
  const texts = await Promise.all(casts.map(({ cast }) => textOf(cast)))
  const shown = [...texts, ...pictureNames.map((name) => read(`${name}.txt`))].join('\n')
  expect(shown).toContain('on shop-1')
  expect(
    [...shown.matchAll(/(?<=^|[\s'"=(])\/[a-z]+/gm)].map(([path]) => path).filter((path) => path !== '/srv'),
  ).toEqual([])
})

test('what night.md quotes was recorded', async () => {
  const texts = await Promise.all(casts.map(({ cast }) => textOf(cast)))
  const recorded = lasting(texts.join('\n'))
  const quoted = blocks(page('docs/night.md'), 'console').flatMap((code) => code.trimEnd().split('\n'))
  expect(quoted.length).toBeGreaterThan(15)
  expect(quoted.filter((line) => line !== '…' && !recorded.includes(lasting(line)))).toEqual([])
})

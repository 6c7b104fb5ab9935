import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchors, page, pages, prose, root } from './pages.ts'

type Link = { readonly from: string; readonly file: string; readonly anchor: string }

const links = pages.flatMap((of): readonly Link[] =>
  [...prose(of).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
    ([, path = '', anchor = '']) => ({
      from: of.file,
      file: path === '' ? of.file : normalize(join(dirname(of.file), path)),
      anchor,
    }),
  ),
)
const told = (list: readonly Link[]): readonly string[] =>
  list.map(({ from, file, anchor }) => `${from} -> ${file}#${anchor}`)

describe('links', () => {
  test('are found', () => {
    expect(pages.map(({ file }) => file)).toContain('docs/architecture.md')
    expect(links.length).toBeGreaterThan(30)
  })

  test('lead to files that exist', () => {
    expect(told(links.filter(({ file }) => !existsSync(join(root, file))))).toEqual([])
  })

  test('lead to headings that exist', () => {
    const toHeadings = links.filter(
      ({ file, anchor }) => anchor !== '' && file.endsWith('.md') && existsSync(join(root, file)),
    )
    expect(toHeadings.length).toBeGreaterThan(0)
    expect(told(toHeadings.filter(({ file, anchor }) => !anchors(page(file)).has(anchor)))).toEqual([])
  })

  test('reach every document from the README', () => {
    const reached = new Set(['README.md'])
    for (const from of reached)
      for (const { file } of links.filter((link) => link.from === from))
        if (file.endsWith('.md')) reached.add(file)
    expect(pages.map(({ file }) => file).filter((file) => !reached.has(file))).toEqual([])
  })
})

test('files and folders that are named exist', () => {
  const named = pages.flatMap((of) =>
    [
      ...prose(of).matchAll(/`((?:src|test|docs|bin|demo|scripts|steps|runbooks|targets|\.ci)\/[\w./-]*)`/g),
    ].map(([, path = '']) => ({ from: of.file, path })),
  )
  expect(named.length).toBeGreaterThan(40)
  // `runbooks/NAME.ts` in a recipe is for the reader to fill in.
  const real = named.filter(({ path }) => !/NAME|FOLDER/.test(path))
  expect(real.filter(({ path }) => !existsSync(join(root, path)))).toEqual([])
})

test('scripts of npm that one is told to run exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: { readonly [name: string]: string }
  }
  const named = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/npm (?:run ([\w:-]+)|(test)\b)/g)].map(([, script, short]) => ({
      file,
      script: script ?? short ?? '',
    })),
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(({ script }) => !(script in scripts))).toEqual([])
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { exportedTypes, readDeclarations } from '../scripts/declarations.ts'
import {
  generatedFromChecks,
  generatedFromRunbooks,
  generatedFromSchemas,
  generatedFromSteps,
} from '../scripts/generate.ts'
import { withRunbooksTable } from '../scripts/runbooks-page.ts'
import { misnamed } from '../scripts/shipped-runbooks.ts'
import { misplaced, stepsIndex, type StepFile } from '../scripts/published-steps.ts'
import { runbook } from '../src/model/runbook.ts'
import { defineStep, isStepFunction } from '../src/model/step.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

test('files that are generated say what the code says', async () => {
  for (const { file, text } of [
    ...(await generatedFromSteps(root)),
    ...(await generatedFromRunbooks(root)),
    ...(await generatedFromSchemas()),
    ...(await generatedFromChecks(root)),
  ])
    expect(readFileSync(join(root, file), 'utf8'), `${file} is stale: run npm run generate`).toBe(text)
}, 60_000)

describe('a step', () => {
  const look = defineStep<{ readonly path: string }, null>({
    kind: 'test.look',
    version: 1,
    effect: 'observe',
    describe: () => 'Looks.',
    run: async () => null,
  })

  test('is recognised by its definition, and nothing else is', () => {
    expect(isStepFunction(look)).toBe(true)
    expect(look.step.kind).toBe('test.look')
    expect([() => look({ path: '/' }), look({ path: '/' }), look.step, null].map(isStepFunction)).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  test('is exported once', () => {
    const inFile = (file: string): StepFile => ({
      file,
      steps: [{ name: 'look', file, step: look.step, summary: '' }],
      types: [],
    })
    expect(stepsIndex([inFile('a/look.ts')])).toContain("export { look } from './a/look.ts'")
    expect(() => stepsIndex([inFile('a/look.ts'), inFile('b/look.ts')])).toThrow(
      'two files of steps export look',
    )
  })
})

test('the types of a step are those that its input and output name', () => {
  const sources: { readonly [file: string]: string } = {
    'a/step.ts': [
      "import { defineStep, type Json } from '../../src/index.ts'",
      "import type { Given, Other } from './given.ts'",
      'export type Unrelated = { readonly other: Other }',
      'export type Seen = { readonly hidden: Json }',
      'type Input = { readonly given: Given; readonly pair: Pair<number, string> }',
      'type Pair<A, B> = { readonly a: A; readonly b: B; readonly made: Made }',
      'export type Made = { readonly inner: Inner }',
      'export type Inner = null',
      '/** Makes it. Then more. */',
      'export const make = defineStep<Input, Made | null, Seen>({',
      '  run: () => null,',
      '})',
    ].join('\n'),
    'a/given.ts': 'export type Given = { readonly path: string }\nexport type Other = null\n',
  }
  const declarationsOf = (file: string) => readDeclarations(sources[file] ?? '')
  expect(
    exportedTypes('a/step.ts', ['make'], {
      declarationsOf,
      resolve: (from, specifier) => join(from, '..', specifier),
    }),
  ).toEqual([
    { name: 'Given', file: 'a/given.ts' },
    { name: 'Made', file: 'a/step.ts' },
  ])
  expect(declarationsOf('a/step.ts').summaries.get('make')).toBe('Makes it.')
})

test('a README without the markers of the table is refused', () => {
  expect(() => withRunbooksTable('# runbook\n', [])).toThrow('cannot write the table of runbooks')
})

const making = 'export const make = defineStep<Input, null>({})'

test.each([
  ['loose.ts', making, 'is neither FOLDER/NAME.ts'],
  ['files/deep/make.ts', making, 'is neither FOLDER/NAME.ts'],
  ['files/make.mts', making, 'is neither FOLDER/NAME.ts'],
  ["files/it's.ts", making, 'is neither FOLDER/NAME.ts'],
  ['files/lib/make.ts', making, 'defines a step'],
  ['files/make.ts', 'export default defineStep({})', 'has a default export'],
])('the file steps/%s, which would leave out a step, is refused', (file, text, why) => {
  expect(misplaced(file, text)).toContain(why)
})

test('files of steps and of what they share are accepted', () => {
  expect(misplaced('files/make-it.ts', making)).toBeNull()
  expect(misplaced('files/lib/parts.ts', 'export const part = 1')).toBeNull()
  expect(misplaced('index.ts', '')).toBeNull()
})

test.each([
  ['more', null, 'is not NAME.ts'],
  ['odd.js', null, 'is not NAME.ts'],
  ['prune2.ts', 'prune', 'defines the runbook prune'],
  ['prune.ts', 'prune', null],
])('the file runbooks/%s with the runbook %j is judged by its name', (file, name, why) => {
  expect(misnamed(file, name)).toBe(why)
})

test('text over several lines stays in its cell', () => {
  const markers = withRunbooksTable(readFileSync(join(root, 'README.md'), 'utf8'), [
    runbook('odd', { title: 'Odd', when: 'One | two\nthree', needs: [], params: {} }, () => undefined),
  ])
  expect(markers).toContain('| `odd` | One \\| two three |')
})

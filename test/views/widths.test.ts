import { existsSync, globSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, it, test } from 'vitest'
import { columns } from '../../src/views/columns.ts'
import { fitted } from '../../src/views/fit.ts'
import { notShown, program, shownBy, views } from './screens.ts'

/** Source text, commands of other programs, and output of steps. */
const asItIs = /^runbook\.config\.ts: export| {2}version: \{|^ *(?:ls -ld|ssh-keygen -Y) |^pg_restore: /

/** A command or a path may be longer than the screen, so that it can be copied. */
const mayBeLonger = (line: string, width: number): boolean =>
  /(?:^ *| {2})(?:npx )?runbook /.test(line) ||
  /`[^`]+`/.test(line) ||
  asItIs.test(line) ||
  line.split(/\s+/).some((word) => word.length > width - 20)

/** Not at a terminal, as `report.md` has it. */
const isMarkdown: readonly string[] = ['evidence', 'import']

describe.each(Object.keys(views))('%s', (name) => {
  it.each([40, 80, 200])('at %i columns', async (width) => {
    const text = views[name]?.(width) ?? ''
    const long = text.split('\n').filter((line) => line.length > width && !mayBeLonger(line, width))
    expect(long).toEqual([])
    await expect(text).toMatchFileSnapshot(`screens/${name}-${width}.txt`)
  })

  it('says the same at every width, and moves no cursor', () => {
    const words = (width: number | null) =>
      (views[name]?.(width) ?? '').split(/\s+/).filter((word) => word !== '')
    // A table has its names once; in lines of its own each value has one.
    const said = new Set(words(40))
    expect(words(isMarkdown.includes(name) ? 200 : null).filter((word) => !said.has(word))).toEqual([])
    // oxlint-disable-next-line no-control-regex
    expect([40, 200, null].map((width) => views[name]?.(width)).join()).not.toMatch(/[\u001b\r]/)
  })
})

test('a table that is too wide goes on in the next line, and on a narrow screen has a name for each value', () => {
  const rows = [
    ['RUN', 'OUTCOME', 'STORY'],
    ['R1', 'failed and was rolled back', ''],
    ['R2', 'succeeded', 'INC-42'],
  ]
  expect(columns(rows, 34)).toEqual([
    'RUN  OUTCOME',
    '    STORY',
    'R1   failed and was rolled back',
    'R2   succeeded',
    '    INC-42',
  ])
  expect(columns(rows, 30)).toEqual([
    'RUN      R1',
    'OUTCOME  failed and was rolled',
    '         back',
    '',
    'RUN      R2',
    'OUTCOME  succeeded',
    'STORY    INC-42',
  ])
  expect(columns(rows, 80)).toEqual(columns(rows))
})

test('the rest of a long line is indented, and a command stays whole', () => {
  expect(fitted('  - one two three four\n    hint: five six', 16)).toBe(
    '  - one two\n      three four\n    hint: five\n      six',
  )
  const command = 'Prove it:  runbook run monthly-spot-restore --target shop'
  expect(fitted(command, 20)).toBe(command)
  expect(fitted(command, null)).toBe(command)
})

describe('every view', () => {
  const texts = globSync('src/{views,init,import,cli,conduct}/**/*.ts').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^export (?:async )?(?:function|const) (\w+Text)\b/gm)].map(
      ([, name = '']) => name,
    ),
  )
  const screens = readFileSync('test/views/screens.ts', 'utf8')

  it('is found', () =>
    expect(texts).toEqual(expect.arrayContaining(['planText', 'reportText', 'endingText'])))

  it('is one of these, or it is said why not', () => {
    const imported = (name: string): boolean =>
      new RegExp(`^import .*\\b${name}\\b.* from`, 'm').test(screens)
    expect(texts.filter((name) => !imported(name) && !Object.hasOwn(notShown, name))).toEqual([])
    expect(Object.keys(notShown).filter((name) => !texts.includes(name) || imported(name))).toEqual([])
  })

  it('of a command has a screen at each width', () => {
    const named = (command: Command): readonly string[] =>
      command.commands.filter((one) => one.name() !== 'help' || command === program).map((one) => one.name())
    const commands = program.commands.flatMap((command) => {
      const below = named(command).map((name) => `${command.name()} ${name}`)
      const itself = below.length === 0 || command.options.length > 0
      return [...(itself ? [command.name()] : []), ...below]
    })
    expect(Object.keys(shownBy).sort()).toEqual([...commands].sort())
    const shown = Object.values(shownBy).filter((view) => !view.startsWith('no view: '))
    const missing = shown.flatMap((view) =>
      [40, 80, 200]
        .map((width) => `test/views/screens/${view}-${width}.txt`)
        .filter((file) => !existsSync(file)),
    )
    expect(missing).toEqual([])
    const others = Object.values(notShown).flatMap((why) => /^screen\.test\.ts: (.*)/.exec(why)?.[1] ?? [])
    expect(
      [...shown, ...others].filter((view) => !Object.hasOwn(views, view) && !others.includes(view)),
    ).toEqual([])
  })

  it('has no screen that nothing compares', () => {
    const known = [...Object.keys(views), 'run', 'status', 'run-begins']
    const left = globSync('test/views/screens/*.txt').filter(
      (file) => !known.some((view) => new RegExp(`/${view}(?:-(?:40|80|200))?\\.txt$`).test(file)),
    )
    expect(left).toEqual([])
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { names } from '../../src/adapters/evidence/statement.ts'
import { runCommandFor } from '../../src/cli/flags.ts'
import { programFor } from '../../src/cli/program.ts'
import { processTerminal } from '../../src/cli/terminal.ts'
import { exits } from '../../src/kernel/errors.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import { param } from '../../src/model/param.ts'
import { isRunbook, type Runbook } from '../../src/model/runbook.ts'
import { statusText, type OpenRun } from '../../src/views/status.ts'
import { blocks, page, pages, root, table } from './pages.ts'

const operating = page('docs/operating.md')
const { program } = await programFor(processTerminal(new Redactor()), '0')

async function shipped(): Promise<readonly Runbook[]> {
  const files = readdirSync(join(root, 'runbooks')).filter((file) => file.endsWith('.ts'))
  const books = []
  for (const file of files.sort()) {
    const module = (await import(join(root, 'runbooks', file))) as { readonly default: unknown }
    if (!isRunbook(module.default)) throw new Error(`runbooks/${file} exports no runbook`)
    books.push(module.default)
  }
  return books
}

/** What is typed in the code of a cell. */
const typed = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, words = '']) => words.replaceAll('\\|', '|'))
const flagsIn = (words: string): readonly string[] =>
  [...words.matchAll(/(?<=^| |\[)--[a-z-]+/g)].map(([flag]) => flag)
const flagsOf = (command: Command): readonly string[] =>
  command.options.flatMap(({ long, short }) => [long ?? '', short ?? ''])

describe('tables of operating.md', () => {
  test('have the exit codes of the program', () => {
    const told = table(operating, 'Exit codes').flatMap(([codes = '', means = '']) =>
      codes.split(', ').map((code) => [Number(code), codes.includes(',') ? 'stopped by a signal' : means]),
    )
    const real = Object.values(exits).map(({ exit, means }) => [
      exit,
      exit > 128 ? 'stopped by a signal' : means,
    ])
    expect(told).toEqual(real)
  })

  test('have the commands of the program, and flags that exist', () => {
    // `evidence show FOLDER` · `verify FOLDER`: what follows in a cell continues the command before.
    const named = new Set(
      table(operating, 'Commands')
        .flatMap(([cell = '']) => typed(cell))
        .map((words) => words.replace(/^(?=verify |story )/, 'runbook evidence ')),
    )
    const real = program.commands.flatMap((command) => {
      const below = command.commands.map((one) => one.name()).filter((name) => name !== 'help')
      // A command with flags of its own acts by itself too.
      const itself = below.length === 0 || command.options.length > 0 ? [`runbook ${command.name()}`] : []
      return [...below.map((name) => `runbook ${command.name()} ${name}`), ...itself]
    })
    const nameOf = (words: string): string =>
      real.find((name) => words === name || words.startsWith(`${name} `)) ?? words
    expect([...new Set([...named].map(nameOf))].sort()).toEqual([...real].sort())
    for (const words of named) {
      const [, first = '', second = ''] = words.split(' ')
      // `run` makes its flags for each runbook; test/cli/usage.test.ts holds them.
      if (first === 'run') continue
      const command = program.commands.find((one) => one.name() === first)
      const at = command?.commands.find((one) => one.name() === second) ?? command
      for (const flag of flagsIn(words)) expect(at === undefined ? [] : flagsOf(at), words).toContain(flag)
    }
  })

  test('have the flags of run that every runbook has', async () => {
    const [any] = await shipped()
    if (any === undefined) throw new Error('there are no runbooks')
    const own = Object.keys(any.about.params).length
    const common = flagsOf(runCommandFor(any))
      .filter((flag) => flag.startsWith('--'))
      .slice(0, -own || undefined)
    const told = table(operating, 'Flags of run').flatMap(([cell = '']) => typed(cell).flatMap(flagsIn))
    expect([...told, '--target'].sort()).toEqual([...common].sort())
  })

  test('have the marks of status', () => {
    const step = (status: string, undo = 'none') => ({ status, undo, failure: null })
    const states = {
      '✔': step('done'),
      '✖': step('failed'),
      '?': step('doubt'),
      '↩': step('done', 'undone'),
      '·': step('waiting'),
      '-': step('skipped'),
    }
    const open = {
      run: 'r',
      holder: null,
      times: new Map(),
      next: null,
      standing: { down: [], unconfirmedSince: null, changed: [], unsure: [] },
      state: {
        plan: {
          title: 't',
          target: { name: 't' },
          steps: Object.keys(states).map((id) => ({ id, title: id })),
        },
        steps: new Map(Object.entries(states)),
        opened: { by: 'me' },
        startedAt: 'now',
        settled: null,
        pivoted: false,
        way: 'forward',
      },
    } as unknown as OpenRun
    const shown = [...statusText([open], { now: new Date() }).matchAll(/^ {2}(.) (.)/gm)]
    expect(shown.map(([, mark]) => mark)).toEqual(Object.keys(states))
    const inProgress = {
      ...open,
      holder: { run: 'r', by: 'me', host: 'box', pid: 7, since: 'now' },
    } as unknown as OpenRun
    expect(statusText([inProgress], { now: new Date() })).toContain('  ▸ ? (in progress)\n')
    const told = [...operating.text.matchAll(/^\| `(.)` \| /gm)].map(([, mark]) => mark)
    expect(told).toEqual([...Object.keys(states), '▸'])
  })
})

test('the table of parameters has every kind of parameter', () => {
  const told = table(page('docs/writing-runbooks.md'), 'Parameters').map(
    ([cell = '']) => /`(\w+)/.exec(cell)?.[1],
  )
  expect(told.sort()).toEqual(Object.keys(param).sort())
})

test('the table of evidence has every file', () => {
  const told = table(page('docs/evidence.md'), 'What is in it').map(([cell = '']) => cell.replaceAll('`', ''))
  expect(told.sort()).toEqual([...Object.values(names), 'logs/'].sort())
})

test('every runbook that is included has its row in the README, in order, and says when as it does itself', async () => {
  const real = (await shipped()).map(({ name, about }) => [`\`${name}\``, about.when])
  expect(real.length).toBeGreaterThan(20)
  expect(table(page('README.md'), 'Runbooks').map(([name, when]) => [name, when])).toEqual(real)
})

test('the README stays short enough to read', () => {
  const lines = page('README.md').text.split('\n').length - 1
  expect(lines, 'say something else in fewer lines, or move it to a page of docs/').toBeLessThanOrEqual(160)
})

test('the map of architecture.md names the folders that there are, with their floors', () => {
  const [map = ''] = blocks(page('docs/architecture.md'), 'text')
  const folders = [...map.matchAll(/^([\w/]+)\/ {2,}/gm)].map(([, folder]) => folder).sort()
  const below = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map((one) => `src/${one.name}`)
  expect(folders).toEqual(['runbooks', 'steps', 'targets', ...below].sort())

  const floors = new Map(
    [...map.matchAll(/^src\/(\w+)\/ +(\d) /gm)].map(([, folder = '', floor]) => [folder, Number(floor)]),
  )
  const rule =
    readFileSync(join(root, 'test', 'architecture.test.ts'), 'utf8')
      .split('= {\n')[1]
      ?.split('\n}')[0] ?? ''
  expect(floors).toEqual(
    new Map([...rule.matchAll(/(\w+): (\d)/g)].map(([, folder = '', floor]) => [folder, Number(floor)])),
  )
})

describe('commands that are shown', () => {
  const shown = pages.flatMap((of) =>
    [
      ...[...blocks(of, 'sh'), ...blocks(of, 'console')].flatMap((code) => code.split('\n')),
      ...[...of.text.matchAll(/`((?:npx )?runbook [^`]+)`/g)].map(([, words = '']) =>
        words.replaceAll('\\|', '|'),
      ),
    ].flatMap((line) => {
      const [, words] = /^(?:\$ )?(?:npx )?runbook ([^#]*)/.exec(line.trim()) ?? []
      return words === undefined ? [] : [{ of: of.file, words: words.trim() }]
    }),
  )

  test('are commands of the program, with flags that exist', async () => {
    expect(shown.length).toBeGreaterThan(40)
    const books = await shipped()
    const faults = shown.flatMap(({ of, words }) => {
      const [first = '', second = ''] = words.split(/[ …]+/)
      // Flags alone: `runbook --config FILE`.
      if (first === '' || first.startsWith('-') || first.startsWith('/')) return []
      const command = program.commands.find((one) => one.name() === first)
      if (command === undefined) return [`${of}: runbook ${words}: there is no such command`]
      const book = first === 'run' ? books.find(({ name }) => name === second) : undefined
      if (first === 'run' && book === undefined && !/^(NAME|restart-writers|--help|)$/.test(second))
        return [`${of}: runbook ${words}: there is no such runbook`]
      const known =
        first === 'run'
          ? [...flagsOf(runCommandFor(book ?? books[0]!)), '--param', '--help']
          : [...flagsOf(command.commands.find((one) => one.name() === second) ?? command), '--help']
      return flagsIn(words)
        .filter((flag) => !known.includes(flag))
        .map((flag) => `${of}: runbook ${words}: there is no ${flag}`)
    })
    expect(faults).toEqual([])
  })
})

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { publishedSteps } from '../scripts/published-steps.ts'
import { sections } from '../src/sections/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Floors of src/: imports point only to lower ones. On one floor, folders do not import one another. */
const floors: { readonly [folder: string]: number } = {
  kernel: 0,
  drivers: 1,
  formats: 2,
  sections: 2,
  scripts: 2,
  model: 3,
  run: 4,
  conduct: 5,
  adapters: 5,
  views: 5,
  config: 5,
  init: 5,
  import: 5,
  testing: 6,
  cli: 6,
}

type Import = { readonly from: string; readonly to: string; readonly typeOnly: boolean }

function filesUnder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => /\.[jt]s$/.test(name) && statSync(join(root, name)).isFile())
    .sort()
}

/** Without comments, so that an example in one is no import; quoted text in this project never looks like one. */
function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
}

function importsOf(file: string): readonly Import[] {
  const text = textOf(file)
  const found = [
    ...text.matchAll(/^\s*(?:import|export)(\s+type)?\s+(?:[\w*{][^;'"`]*?\sfrom\s+)?['"]([^'"]+)['"]/gm),
    ...text.matchAll(/\b(?:import|getBuiltinModule)()\(\s*['"]([^'"]+)['"]\s*[,)]/g),
  ]
  return found.map(([, type, specifier = '']) => ({
    from: file,
    to: specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
    typeOnly: type !== undefined && type.trim() === 'type',
  }))
}

const src = filesUnder('src')
const imports = src.flatMap(importsOf)
const folderOf = (file: string): string => file.split(sep)[1] ?? ''
const told = (list: readonly Import[]): readonly string[] =>
  list.map(({ from, to }) => `${from} imports ${to}`)

test('the reader of imports reads them', () => {
  expect(imports.length).toBeGreaterThan(300)
  expect(told(importsOf('src/adapters/process/shell.ts'))).toContain(
    'src/adapters/process/shell.ts imports node:child_process',
  )
  expect(told(importsOf('src/cli/drivers.ts'))).toContain(
    'src/cli/drivers.ts imports src/adapters/sqlite/databases.ts',
  )
  expect(told(importsOf('src/adapters/http/http.ts'))).toContain(
    'src/adapters/http/http.ts imports node:https',
  )
  expect(src).toContain('src/index.ts')
})

describe('floors', () => {
  const within = imports.filter(({ from, to }) => to.startsWith('src/') && from !== 'src/index.ts')

  test('every folder of src has one', () => {
    expect(
      [...new Set(src.map(folderOf))].filter((folder) => folder !== 'index.ts' && !(folder in floors)),
    ).toEqual([])
  })

  test('imports point only down', () => {
    const wrong = within.filter(
      ({ from, to }) => (floors[folderOf(to)] ?? 9) > (floors[folderOf(from)] ?? -1),
    )
    expect(told(wrong)).toEqual([])
  })

  test('folders of one floor do not import one another', () => {
    const wrong = within.filter(
      ({ from, to }) => folderOf(from) !== folderOf(to) && floors[folderOf(to)] === floors[folderOf(from)],
    )
    expect(told(wrong)).toEqual([])
  })

  test('nothing in src imports the public surface, the steps or the runbooks', () => {
    expect(
      told(
        imports.filter(({ to }) => to === 'src/index.ts' || /^(steps|runbooks|targets|demo|test)\//.test(to)),
      ),
    ).toEqual([])
  })

  test('only the command line imports adapters', () => {
    const wrong = within.filter(
      ({ from, to }) => to.startsWith('src/adapters/') && !['adapters', 'cli'].includes(folderOf(from)),
    )
    expect(told(wrong)).toEqual([])
  })

  test('the kernel, the ports, the sections and the model know no file system, no network and no processes', () => {
    const outside =
      /^(node:(fs|child_process|net|http|https|os|worker_threads)|execa|pg|dockerode|better-sqlite3|listr2|commander|tar)\b/
    expect(
      told(
        imports.filter(
          ({ from, to }) =>
            ['kernel', 'drivers', 'sections', 'model', 'formats', 'run'].includes(folderOf(from)) &&
            outside.test(to),
        ),
      ),
    ).toEqual([])
  })

  test('the ports are types, save for what takes the hands off', () => {
    expect(
      told(
        imports.filter(
          ({ from, to, typeOnly }) => folderOf(from) === 'drivers' && to.startsWith('src/') && !typeOnly,
        ),
      ),
    ).toEqual([])
  })
})

/**
 * Inside src/run: what happened, carrying it out, looking ahead, reporting it, and what every runbook would meet;
 * start.ts and resume.ts on top.
 */
describe('the folders of src/run', () => {
  const below: { readonly [folder: string]: readonly string[] } = {
    journal: [],
    engine: ['journal'],
    'dry-run': ['journal', 'engine'],
    record: ['journal', 'engine'],
    readiness: ['journal', 'engine', 'dry-run', 'record'],
  }
  const inside = imports.filter(({ from, to }) => from.startsWith('src/run/') && to.startsWith('src/run/'))
  const groupOf = (file: string): string => file.split(sep)[2] ?? ''

  test('are these five, and few files stand beside them', () => {
    const groups = new Set(src.filter((file) => file.startsWith('src/run/')).map(groupOf))
    expect([...groups].filter((name) => !name.endsWith('.ts')).sort()).toEqual(Object.keys(below).sort())
  })

  test('import only lower ones', () => {
    const wrong = inside.filter(
      ({ from, to }) =>
        groupOf(from) in below &&
        groupOf(from) !== groupOf(to) &&
        below[groupOf(from)]?.includes(groupOf(to)) !== true,
    )
    expect(told(wrong)).toEqual([])
  })
})

describe('sections of a target', () => {
  test('each file is one section, and stands in the table', () => {
    const files = src.filter((file) => /^src\/sections\/[^/]+\.ts$/.test(file) && !file.endsWith('/index.ts'))
    const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    expect(files).toEqual(
      Object.keys(sections)
        .map((name) => `src/sections/${kebab(name)}.ts`)
        .sort(),
    )
  })

  test('only the configuration and the command line load the schemas; to all others sections are types', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) =>
        to.startsWith('src/sections/') &&
        !typeOnly &&
        !['sections', 'config', 'cli'].includes(folderOf(from)) &&
        to !== 'src/sections/parts/secret.ts',
    )
    expect(told(wrong)).toEqual([])
  })
})

describe('who may do what', () => {
  test('only src/adapters/process/shell.ts starts processes; what it needs to find them is its own', () => {
    const starting = imports.filter(
      ({ to, typeOnly }) =>
        !typeOnly && ['node:child_process', 'child_process', 'execa', 'node:cluster'].includes(to),
    )
    expect([...new Set(starting.map(({ from }) => from))].sort()).toEqual([
      'src/adapters/process/programs.ts',
      'src/adapters/process/shell.ts',
    ])
    expect(told(imports.filter(({ to }) => to === 'src/adapters/process/programs.ts'))).toEqual([
      'src/adapters/process/shell.ts imports src/adapters/process/programs.ts',
    ])
  })

  test('only the conductor knows Listr2', () => {
    expect(
      imports
        .filter(({ to }) => /listr2/.test(to))
        .map(({ from }) => folderOf(from))
        .filter((folder) => folder !== 'conduct'),
    ).toEqual([])
  })

  test('only the command line ends the process or presses its exit code', () => {
    const wrong = src.filter(
      (file) =>
        folderOf(file) !== 'cli' && /process\.(exit\(|exitCode)/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(wrong).toEqual([])
  })
})

describe('what authors write', () => {
  const outer = (from: string): readonly Import[] => filesUnder(from).flatMap(importsOf)

  test('steps import the public surface, one another, and parsers of data', () => {
    const parsers = ['yaml', 'smol-toml']
    expect(
      told(
        outer('steps').filter(
          ({ to }) => !(to === 'src/index.ts' || to.startsWith('steps/') || parsers.includes(to)),
        ),
      ),
    ).toEqual([])
  })

  /** A folder of steps and its lib/ are two rooms, of which none may lead back to itself. */
  test('folders of steps do not import one another in a circle', () => {
    const roomOf = (file: string): string => dirname(file).slice('steps/'.length)
    const ways = new Map<string, Set<string>>()
    for (const { from, to } of outer('steps')) {
      if (!to.startsWith('steps/') || from === 'steps/index.ts' || roomOf(from) === roomOf(to)) continue
      ways.set(roomOf(from), (ways.get(roomOf(from)) ?? new Set<string>()).add(roomOf(to)))
    }
    const reached = (from: string, seen = new Set<string>()): ReadonlySet<string> => {
      for (const room of ways.get(from) ?? [])
        if (!seen.has(room)) {
          seen.add(room)
          reached(room, seen)
        }
      return seen
    }
    expect(ways.size).toBeGreaterThan(10)
    expect([...ways.keys()].filter((room) => reached(room).has(room))).toEqual([])
  })

  test('published steps stand directly in their folder, and what they share one level deeper', async () => {
    const published = new Set((await publishedSteps(root)).map(({ file }) => `steps/${file}`))
    const wrong = filesUnder('steps').filter(
      (file) => file !== 'steps/index.ts' && published.has(file) === file.includes('/lib/'),
    )
    expect(wrong).toEqual([])
  })

  test('runbooks import the public surface and steps, and nothing else', () => {
    expect(
      told(outer('runbooks').filter(({ to }) => !(to === 'src/index.ts' || to.startsWith('steps/')))),
    ).toEqual([])
  })

  test('runbooks and steps import the files that they use, since the list of all steps loads every step', () => {
    const inner = [...outer('runbooks'), ...outer('steps')]
    expect(told(inner.filter(({ to }) => to === 'steps/index.ts'))).toEqual([])
  })

  test('targets import the public surface, and nothing else', () => {
    expect(told(outer('targets').filter(({ to }) => to !== 'src/index.ts'))).toEqual([])
  })
})

describe('files', () => {
  const all = ['src', 'steps', 'runbooks', 'targets'].flatMap(filesUnder)

  /** Words outside comments: a formatter adds lines, but no words. 300 dense lines held 1,600. */
  const wordsIn = (file: string): number => [...textOf(file).matchAll(/\w+/g)].length

  test('none has more than 1,600 words', () => {
    const long = all
      .map((file) => ({ file, words: wordsIn(file) }))
      .filter(({ words }) => words > 1600)
      .map(({ file, words }) => `${file} has ${words}`)
    expect(long, 'move a part that has a name of its own to a file of that name').toEqual([])
  })

  test('none, and no folder, is a drawer for whatever', () => {
    const drawers = /(^|\/)(utils?|helpers?|types|interfaces|common|misc|shared)(\.[jt]s)?(\/|$)/
    expect(all.filter((file) => drawers.test(file))).toEqual([])
  })
})

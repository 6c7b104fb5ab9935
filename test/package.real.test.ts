import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chown, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../src/kernel/json.ts'
import { sections } from '../src/sections/index.ts'
import { cursor, editorOf } from './fixtures/editor.ts'
import { Installed, type Team } from './fixtures/installed.ts'
import { presetInUse } from './fixtures/preset-in-use.ts'
import {
  commonjsConfigs,
  configs,
  layOutMixed,
  mixedTitle,
  type ConfigFile,
  type PackageType,
} from './fixtures/mixed-modules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const about = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly name: string
  readonly version: string
  readonly bin: { readonly runbook: string }
  readonly exports: { readonly [entrance: string]: string | { readonly [condition: string]: string } }
  readonly dependencies: { readonly [name: string]: string }
  readonly peerDependencies: { readonly [name: string]: string }
}
const declared = [...Object.keys(about.dependencies), ...Object.keys(about.peerDependencies)].sort()
/** In the order of the table that lists them: what npm installs, and what the build contains instead. */
const known = async (): Promise<readonly string[]> => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly devDependencies: { readonly [name: string]: string }
  }
  const contained = (await containedIn(installed)).filter((name) => name in devDependencies)
  return [...declared, ...contained].sort()
}

/** The packages whose licences the build brings. */
const containedIn = async (program: Installed): Promise<readonly string[]> =>
  (await program.read('dist/src/chunks/contained.LICENSES'))
    .split(`\n${'-'.repeat(80)}\n\n`)
    .map((licence) => licence.split('\n')[0] ?? '')
const entrances = Object.entries(about.exports)
  .filter(([name]) => name !== './package.json')
  .map(([name]) => `runbook${name.slice(1)}`)

let installed: Installed
let local: Team
let global: Team
beforeAll(async () => {
  installed = await Installed.make()
  local = await installed.local('local')
  global = await installed.global('team')
}, 300_000)
afterAll(() => installed[Symbol.asyncDispose]())

describe('the package', () => {
  test('holds every path that its entrances and its command name', () => {
    const named = [
      about.bin.runbook,
      ...Object.values(about.exports).flatMap((paths) =>
        typeof paths === 'string' ? [paths] : Object.values(paths),
      ),
    ]
    expect(named.length).toBeGreaterThan(entrances.length * 2)
    expect(
      named.map((path) => path.replace(/^\.\//, '')).filter((path) => !installed.files.includes(path)),
    ).toEqual([])
  })

  test('holds what runs and what one reads first, and nothing else', () => {
    const outside = installed.files
      .filter((path) => !/^dist\/(src|steps|runbooks)\/.*\.(js|d\.ts)$/.test(path))
      .filter((path) => !/^(docs|targets)\//.test(path))
      .sort()
    expect(outside).toEqual([
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'bin/node-24.js',
      'bin/own-cache.js',
      'bin/runbook.js',
      'dist/src/chunks/contained.LICENSES',
      'package.json',
    ])
    expect(installed.files.filter((path) => /(^|[/.])(test|demo|fixtures)[/.]/.test(path))).toEqual([])
    // JavaScript is shorter than what it is made of, and declarations are shorter still: more would be maps, or something twice.
    const written = ['src', 'steps', 'runbooks', 'docs', 'targets'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        statSync(join(root, folder, name)),
      ),
    )
    expect(installed.unpackedBytes).toBeLessThan(
      1.25 * written.reduce((bytes, file) => bytes + (file.isFile() ? file.size : 0), 0),
    )
  })

  test('holds the documents and the targets to copy, as they are here', () => {
    const here = ['docs', 'targets'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    )
    expect(here).toContain('docs/operating.md')
    expect(here).toContain('docs/api/runbook.api.md')
    expect(here).toContain('targets/compose-api.ts')
    expect(installed.files.filter((path) => /^(docs|targets)\//.test(path)).sort()).toEqual(here.sort())
  })

  test('has a file for each step and runbook, as TypeScript writes it, and the program around them in a few', async () => {
    const scripts = installed.files.filter((path) => path.startsWith('dist/') && path.endsWith('.js'))
    const written = ['steps', 'runbooks'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => `dist/${folder}/${name.replace(/ts$/, 'js')}`),
    )
    expect(scripts.filter((path) => !path.startsWith('dist/src/')).sort()).toEqual(written.sort())
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    const others = scripts.length - written.length
    expect(others).toBeLessThan(sources.filter((name) => name.endsWith('.ts')).length / 2)
  })

  test('has the same code of steps as a checkout, so that an open run of one resumes in the other', () => {
    const digests = (steps: string): readonly string[] =>
      execFileSync(
        process.execPath,
        [
          '--input-type=module',
          '--eval',
          `
        import { sourceOf } from ${JSON.stringify(join(root, 'src/model/step-source.ts'))}
        import * as steps from ${JSON.stringify(steps)}
        for (const [name, { step }] of Object.entries(steps))
          if (step !== undefined) console.log(name, sourceOf({ ...step, formerly: [] }).digest)`,
        ],
        { encoding: 'utf8' },
      ).split('\n')
    const here = digests(join(root, 'steps/index.ts'))
    expect(here.length).toBeGreaterThan(100)
    expect(digests(local.path('node_modules/runbook/dist/steps/index.js'))).toEqual(here)
  })

  test('imports no package that it does not declare, and declares none that it does not import', async () => {
    const files = installed.files.filter((path) => /^(bin|dist)\/.*\.(js|d\.ts)$/.test(path))
    const texts = await Promise.all(
      files.map(async (path) => (await installed.read(path)).replaceAll(/\/\*[\s\S]*?\*\//g, '')),
    )
    const imported = texts.flatMap((text) =>
      // Statements begin a line; what `init` and `new` write is in texts that begin later.
      [
        ...text.matchAll(
          /(?:^(?:import|export)\b[^;'"`]*? from |^import |\bimport\()\s*['"]([@a-z][\w./:-]*)['"]/gm,
        ),
      ].map(([, name = '']) => name),
    )
    expect(imported.length).toBeGreaterThan(100)
    const packages = [
      ...new Set(
        imported
          .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name))
          .map((name) =>
            name
              .split('/')
              .slice(0, name.startsWith('@') ? 2 : 1)
              .join('/'),
          ),
      ),
    ]
    expect(packages.sort()).toEqual(declared)
  })

  test('declares no package without saying what it is for', async () => {
    const table = await readFile(join(root, 'docs/dependencies.md'), 'utf8')
    const rows = [...table.matchAll(/^\| `([^`]+)` \|(.+)\|$/gm)].map(([, name = '', cells = '']) => ({
      name,
      cells: cells.split('|').map((cell) => cell.trim()),
    }))
    expect(rows.map(({ name }) => name)).toEqual(await known())
    expect(rows.filter(({ cells }) => cells.length !== 2 || cells.some((cell) => cell.length < 10))).toEqual(
      [],
    )
  })

  test('brings the licence of each package that it contains, and loads few files for a short command', async () => {
    const contained = await containedIn(installed)
    expect(contained).toEqual(expect.arrayContaining(['commander', 'cosmiconfig', 'ms', 'zod']))
    const list = local.path('loaded')
    for (const { args, most } of [
      { args: ['list'], most: 20 },
      { args: ['run', 'greet', '--dry-run', '--confirm', 'greet'], most: 40 },
    ]) {
      execFileSync(process.execPath, [local.path('node_modules/runbook/bin/runbook.js'), ...args], {
        cwd: local.path('.'),
        env: {
          ...process.env,
          NODE_OPTIONS: `--import ${join(root, 'test/fixtures/loaded-modules.js')}`,
          LOADED_MODULES: list,
          RESOLVED_MODULES: '/dev/null',
        },
      })
      const files = (await readFile(list, 'utf8')).split('\n').filter((url) => url.startsWith('file:'))
      expect(files.filter((url) => contained.some((name) => url.includes(`/node_modules/${name}/`)))).toEqual(
        [],
      )
      const own = files.filter((url) => url.includes('/runbook/dist/src/'))
      expect(own.length, own.join('\n')).toBeLessThan(most)
    }
  })

  test('has nothing that publint finds', () => {
    const { code, out } = local.tool('publint', '--strict', installed.tarball)
    expect(out).toContain('All good!')
    expect(code).toBe(0)
  })

  // CommonJS of Node 24 may require modules, and moduleResolution `node10` knows no `exports`: neither is a fault here.
  test('has types at each entrance, which are those of what runs', () => {
    const { code, out } = local.tool('attw', '--profile', 'esm-only', '--format', 'json', installed.tarball)
    const { analysis } = JSON.parse(out) as {
      readonly analysis: { readonly entrypoints: object; readonly problems: readonly { kind: string }[] }
    }
    expect(Object.keys(analysis.entrypoints)).toEqual(Object.keys(about.exports))
    expect(
      analysis.problems
        .map(({ kind }) => kind)
        .filter((kind) => !['NoResolution', 'CJSResolvesToESM'].includes(kind)),
    ).toEqual([])
    expect(code).toBe(0)
  })

  test('tells what is new in its version', async () => {
    expect(await installed.read('CHANGELOG.md')).toMatch(
      new RegExp(`^## ${about.version.replaceAll('.', '\\.')}$`, 'm'),
    )
  })
})

describe.each([
  ['in the project', () => local],
  ['globally', () => global],
])('installed %s', (_, which) => {
  test('says its version', () => {
    expect(which().runbook('--version')).toEqual({ code: 0, out: `${about.version}\n`, err: '' })
  })

  test("lists the team's runbooks, and those that come with it", () => {
    const { code, out } = which().runbook('list')
    expect(out).toMatch(/^greet\n {2}Greet$/m)
    expect(out).toContain('full-db-rollback  (included)\n')
    expect(out).toContain('monthly-spot-restore  (included)\n')
    expect(code).toBe(0)
  })

  test("carries out a team's runbook, whose files import it by name", async () => {
    const { code, out, err } = which().runbook('run', 'greet', '--confirm', 'greet')
    expect(err).toContain('[COMPLETED] Write the greeting')
    expect(out).toContain('Succeeded: Greet on shop.')
    expect(code).toBe(0)
    expect(await readFile(which().path('greetings/greeting'), 'utf8')).toBe('hello')
  })

  test('looks through the SQLite processes that it starts', async () => {
    await layOutShop(which())
    const { code, out } = which().runbook(
      'run',
      'full-db-rollback',
      '--dry-run',
      '--confirm',
      'restore the shop',
    )
    expect(out).toContain('No blockers found: Full DB rollback (production) on shop.')
    expect(out).toContain('1. Choose and verify the dump  (observed)')
    expect(code).toBe(0)
  })
})

describe('loads a configuration, a runbook and what they import', () => {
  afterAll(() => rm(local.path('mixed'), { recursive: true }))
  type Case = {
    readonly title: string
    readonly where: 'local' | 'global'
    readonly type: PackageType
    readonly config: ConfigFile
    readonly uid?: number
  }
  const named = (name: keyof typeof configs): ConfigFile => [name, configs[name]]
  const script = (name: keyof typeof commonjsConfigs): ConfigFile => [name, commonjsConfigs[name]]
  const ts = named('runbook.config.ts')
  const js = named('runbook.config.js')
  const cases: readonly Case[] = [
    { title: 'installed in a package that npm made', where: 'local', type: 'commonjs', config: ts },
    { title: 'in a module package', where: 'local', type: 'module', config: js },
    { title: 'in a package without a type', where: 'local', type: 'unnamed', config: js },
    { title: 'in a folder below a package', where: 'local', type: null, config: named('runbook.config.mts') },
    { title: 'from JavaScript', where: 'local', type: 'commonjs', config: named('runbook.config.mjs') },
    { title: 'from JavaScript in a CommonJS package', where: 'local', type: 'commonjs', config: js },
    { title: 'from CommonJS', where: 'local', type: 'commonjs', config: script('runbook.config.js') },
    {
      title: 'from CommonJS in a module package',
      where: 'local',
      type: 'module',
      config: script('runbook.config.js'),
    },
    {
      title: 'from a compiled configuration',
      where: 'local',
      type: 'unnamed',
      config: script('runbook.config.ts'),
    },
    { title: 'installed globally, without any package', where: 'global', type: null, config: ts },
    {
      title: 'installed globally, in a package without a type',
      where: 'global',
      type: 'unnamed',
      config: ts,
    },
    {
      title: 'installed globally, in a package that npm made',
      where: 'global',
      type: 'commonjs',
      config: named('runbook.config.mts'),
    },
    { title: 'as a user who is not root', where: 'global', type: 'commonjs', config: ts, uid: 65_534 },
  ]
  test.each(cases)('$title', async ({ title, where, type, config, uid }) => {
    const team = where === 'local' ? local : global
    const folder = team.path(`mixed/packages/${title.replaceAll(/\W+/g, '-')}`)
    await layOutMixed(folder, type, [config])
    if (uid !== undefined && process.getuid?.() === 0) await giveAway(folder, uid)
    const { code, out, err } = team.at(join(folder, 'lib/inner'), uid).runbook('show', 'mixed')
    expect(err).toBe('')
    expect(out.split('\n')[0]).toBe(`${mixedTitle}  (mixed)`)
    expect(code).toBe(0)
  })

  test('and refuses two configurations in one folder', async () => {
    const folder = local.path('mixed/two')
    await layOutMixed(folder, 'commonjs', Object.entries(configs))
    const { code, err } = local.at(join(folder, 'lib')).runbook('list')
    expect(err).toContain(`more than one configuration in ${folder}: ${Object.keys(configs).join(', ')}\n`)
    expect(code).toBe(2)
    expect(local.at(folder).runbook('--config', 'runbook.config.mts', 'list').code).toBe(0)
  })

  test('and says where TypeScript is that Node does not run, and what to write', async () => {
    const folder = local.path('mixed/enum')
    await layOutMixed(folder, 'commonjs', [ts])
    await writeFile(join(folder, 'lib/module.ts'), "\n\nexport enum State { on }\nexport const first = 'x'\n")
    const { code, err } = local.at(folder).runbook('show', 'mixed')
    expect(err).toContain(`in ${join(folder, 'lib/module.ts')}:3, instead of an enum write \`const Name`)
    expect(code).toBe(2)
  })
})

describe("a team's own", () => {
  test('project is type-checked against what is published, its configuration registered, declarations of libraries included', () => {
    expect(local.typecheck()).toEqual({ code: 0, out: '', err: '' })
  })

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('project needs no types of Node: module %s, moduleResolution %s', async (module, moduleResolution) => {
    const config = `tsconfig.${moduleResolution}.json`
    const compilerOptions = { lib: ['es2024', 'dom'], types: [], module, moduleResolution }
    const include = ['runbook.config.ts', 'runbooks', 'steps', 'tests-of-types.ts']
    await writeFile(
      local.path(config),
      JSON.stringify({ extends: './tsconfig.json', compilerOptions, include }),
    )
    await writeFile(
      local.path('tests-of-types.ts'),
      "import { fakeWorld } from 'runbook/testing'\nexport const disk = fakeWorld().disk\n",
    )
    await rename(local.path('node_modules/@types'), local.path('types-of-node'))
    const { code, out } = local.typecheck(config)
    await rename(local.path('types-of-node'), local.path('node_modules/@types'))
    await rm(local.path('tests-of-types.ts'))
    expect(out).toBe('')
    expect(code).toBe(0)
  })

  test('editor completes sections, their settings, steps, targets and parameters', async () => {
    await using editor = await editorOf(local.folder)
    const config = (inside: string): Promise<readonly string[]> =>
      editor.completes(
        'new.config.ts',
        `import { defineConfig } from 'runbook'\nexport default defineConfig({ targets: { shop: { ${inside} } } })\n`,
      )
    expect(await config(cursor)).toEqual([...Object.keys(sections), 'objectives', 'settings', 'title'].sort())
    expect(await config(`backups: { ${cursor} }`)).toEqual(
      expect.arrayContaining(['directory', 'maxAge', 'pattern']),
    )
    expect(await config(`stack: { kind: 'compose', ${cursor} }`)).toContain('envFiles')

    const script = (inside: string): Promise<readonly string[]> =>
      editor.completes(
        'runbooks/new.ts',
        `import { param, runbook } from 'runbook'
import { stopServices } from 'runbook/steps'
export default runbook(
  'new',
  { title: 'New', when: 'Now.', needs: ['writers'], params: { grace: param.integer('Seconds').default(1) } },
  ({ params, target, step }) => {
    ${inside}
  },
)
`,
      )
    expect(await script(`params.${cursor}`)).toEqual(['grace'])
    expect(await script(`target.${cursor}`)).toContain('writers')
    expect(await script(`target.settings.${cursor}`)).toEqual(['greeting'])
    expect(await script(`step('Stop', stopServices({ ${cursor} }))`)).toEqual(['graceSeconds', 'services'])
    expect(await script(`step('Stop', stopServices({ services: target.writers })).${cursor}`)).toEqual(
      expect.arrayContaining(['names', 'stoppedAt']),
    )
  })

  test('target is copied from the package as docs/targets.md says, and compiles', async () => {
    const page = await installed.read('docs/targets.md')
    const [commands = ''] = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, code]) => code)
    expect(commands).toContain('cp node_modules/runbook/targets/')
    execFileSync('sh', ['-e', '-c', commands], { cwd: local.folder })
    await writeFile(
      local.path('copied.ts'),
      [
        "import { defineConfig } from 'runbook'",
        "import { composeApi } from './targets/compose-api.ts'",
        'export default defineConfig({ targets: { api: composeApi() } })',
        '',
      ].join('\n'),
    )
    expect(local.typecheck()).toEqual({ code: 0, out: '', err: '' })
    expect(local.runbook('--config', 'copied.ts', 'list', '--target', 'api').out).toContain('\n  Fits: api\n')
  })

  test('tests find every entrance', () => {
    const look = entrances.map((name) => `Object.keys(await import('${name}')).length > 0`).join(' && ')
    expect(local.node('--input-type=module', '--eval', `process.stdout.write(String(${look}))`).out).toBe(
      'true',
    )
    expect(local.node('pretended.ts')).toEqual({
      code: 0,
      out: '{"containers":{},"databases":{},"files":{},"folders":["/"],"images":{},"leftovers":[],"links":{},"permissions":{},"releases":{},"repositories":{},"roles":["app"],"services":{},"volumes":{}}',
      err: '',
    })
  })

  test('runbook is used instead of the one of the same name that comes along, and show says so', async () => {
    expect(global.runbook('show', 'full-db-rollback').out).toContain(
      `\nRunbook: included in runbook ${about.version}\n`,
    )
    const text = await readFile(global.path('runbooks/greet.ts'), 'utf8')
    await writeFile(global.path('runbooks/mine.ts'), text.replace("'greet'", "'full-db-rollback'"))
    const { out } = global.runbook('show', 'full-db-rollback')
    expect(out).toContain('\nRunbook: runbooks/mine.ts, used instead of the one included in runbook\n')
    expect(out).toContain('Write the greeting')
    expect(global.runbook('show', 'full-db-rollback', '--format', 'markdown').out).toContain(
      'used instead of the one included in runbook',
    )
    expect(global.runbook('list').out).toMatch(/^full-db-rollback\n {2}Greet$/m)
    expect(global.runbook('show', 'greet').out).not.toContain('Runbook:')
    await rm(global.path('runbooks/mine.ts'))
  })

  test('folder of runbooks may be missing', async () => {
    const config = await readFile(global.path('runbook.config.ts'), 'utf8')
    await mkdir(global.path('bare'))
    await writeFile(global.path('bare/runbook.config.ts'), config)
    expect(existsSync(global.path('bare/runbooks'))).toBe(false)
    expect(global.runbook('--config', 'bare/runbook.config.ts', 'list').out).toMatch(
      /^full-db-rollback {2}\(included\)$/m,
    )
  })
})

describe('a package that only some targets need', () => {
  const secrets = { KEY: 'a-key-of-the-bucket', PASS: 'a-passphrase', TOKEN: 'a-token-of-github' }
  const at = (team: Team, config: string, ...args: readonly string[]) =>
    team.with(secrets).runbook('--config', config, ...args)

  test.each([
    ['@aws-sdk/client-s3', ['backups'], 3],
    ['@octokit/request', ['run', 'release-fetch', '--dry-run'], 3],
    ['age-encryption', ['run', 'data-backup', '--encrypt', '--dry-run'], 3],
  ] as const)(
    '%s is not installed along; a run that needs it is refused with what to type',
    async (name, args, exit) => {
      const config = await layOutOptional(local)
      const { code, out, err } = at(local, config, ...args)
      expect(out + err).toContain(`the npm package ${name} is not installed`)
      expect(out + err).toMatch(new RegExp(`hint: install it: npm install --save-dev ${name}@[\\d.]+`))
      expect(code).toBe(exit)
      await installed.add(local, Object.keys(about.peerDependencies))
      expect(at(local, config, ...args).out).not.toContain('is not installed')
      await installed.remove(local, Object.keys(about.peerDependencies))
    },
  )

  test('is named by doctor', async () => {
    const { out } = at(local, await layOutOptional(local), 'doctor')
    expect(out).toContain(
      'problem: cannot read the bucket backups: the npm package @aws-sdk/client-s3 is not installed',
    )
    expect(out).toContain('problem: cannot use GitHub: the npm package @octokit/request is not installed')
  })
})

/** A target whose backups are in S3, whose archives are encrypted with age, and whose bundles are on GitHub. */
async function layOutOptional(team: Team): Promise<string> {
  for (const folder of ['live', 'kept', 'staged']) await mkdir(team.path(folder), { recursive: true })
  for (const name of ['one', 'two']) await writeFile(team.path(`live/${name}`), name)
  await writeFile(
    team.path('optional.ts'),
    `import { defineConfig, secret } from 'runbook'
const nowhere = 'http://127.0.0.1:9'
export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  targets: {
    shop: {
      database: { engine: 'sqlite', file: './shop.db' },
      backups: {
        from: { kind: 's3', bucket: 'backups', endpoint: nowhere, accessKeyId: 'A', secretAccessKey: secret('KEY') },
        pattern: 'shop-{time}.db',
      },
      data: {
        directory: './kept',
        pattern: 'data-{time}.tar.gz*',
        source: './live',
        encryption: 'age',
        passphrase: secret('PASS'),
      },
      staging: './staged',
      release: { name: 'shop' },
      publication: { repository: 'example/shop', token: secret('TOKEN'), api: nowhere },
    },
  },
})
`,
  )
  return 'optional.ts'
}

presetInUse(() => installed)

async function giveAway(folder: string, uid: number): Promise<void> {
  for (const name of ['', ...(await readdir(folder, { recursive: true }))])
    await chown(join(folder, name), uid, uid)
}

/** A database, and a dump of it with its checksum, an hour old. */
async function layOutShop(team: Team): Promise<void> {
  const database = new Database(team.path('shop.db'))
  database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders DEFAULT VALUES')
  database.close()
  await mkdir(team.path('backups'))
  const time = new Date(Date.now() - 3_600_000)
    .toISOString()
    .slice(0, 19)
    .replaceAll(/[-:]/g, '')
    .replace('T', '-')
  const dump = `shop-${time}.db`
  await copyFile(team.path('shop.db'), team.path(`backups/${dump}`))
  await writeFile(
    team.path(`backups/${dump}.sha256`),
    `${sha256(await readFile(team.path('shop.db')))}  ${dump}\n`,
  )
}

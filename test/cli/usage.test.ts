import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommandFor } from '../../src/cli/flags.ts'
import { runbook } from '../../src/model/runbook.ts'
import { jsonLines, Project } from '../fixtures/cli.ts'

let project: Project
beforeAll(async () => {
  project = await Project.make()
})
afterAll(() => project[Symbol.asyncDispose]())

const byNpx = { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'runbook list' }

describe('list', () => {
  test('shows when to use each, and for which targets', async () => {
    const { code, out } = await project.run(['list'])
    expect(code).toBe(0)
    expect(out).toContain('three-files\n  Three files\n  When: A test needs three files.\n  Fits: here\n\n')
    expect(out).not.toContain('bare (missing: staging)')
  })

  test('shows what one target lacks', async () => {
    expect((await project.run(['list', '--target', 'bare'])).out).toContain(
      'three-files\n  Three files\n  When: A test needs three files.\n  Not for: bare (missing: staging)\n',
    )
    expect(await project.run(['list', '--target', 'bear'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('did you mean "bare"?'),
    })
  })
})

describe('show', () => {
  test.each(['text', 'markdown', 'mermaid', 'json'])('%s', async (format) => {
    const { code, out } = await project.run(['show', 'all-kinds', '--format', format])
    expect(code).toBe(0)
    expect(out).toContain('Write red')
    if (format === 'json') expect(JSON.parse(out)).toMatchObject({ schema: 1, runbook: 'all-kinds' })
  })

  test('with the objectives of the target', async () => {
    expect((await project.run(['show', 'three-files', '--target', 'here'])).out).toContain(
      '\nObjectives: RTO 15m\n',
    )
  })

  test('for a target that lacks what it needs', async () => {
    const { code, err } = await project.run(['show', 'three-files', '--target', 'bare'])
    expect(code).toBe(2)
    expect(err).toContain(
      'error: cannot plan three-files for bare: not configured: staging\nhint: add staging to the target bare in runbook.config.ts',
    )
  })
})

describe('a run or runbook that is not named', () => {
  test.each([
    [['evidence', 'verify'], 'history'],
    [['evidence', 'show'], 'history'],
    [['ack'], 'status'],
    [['unlock'], 'status'],
    [['show'], 'list'],
  ])('%j says what lists them, as it has to be typed', async (args, command) => {
    const { code, err } = await project.run(args, byNpx)
    expect(code).toBe(2)
    expect(err).toContain(`hint: \`npx runbook ${command}\` lists the `)
  })

  test('list has the commands as they have to be typed', async () => {
    const { out } = await project.run(['list', '--target', 'bare'], byNpx)
    expect(out).toContain('To configure: npx runbook help config staging')
  })
})

describe('help', () => {
  test('the exit codes', async () => {
    const { code, out } = await project.run(['help', 'exit-codes'])
    expect(code).toBe(0)
    expect(out).toContain(' 11  failed and the rollback is incomplete\n')
    expect(out).toContain('143  stopped by TERM at a safe boundary\n')
  })

  test('what can be configured, where there is no configuration that one could read', async () => {
    const { code, out, err } = await project.run(['--config', 'other.ts', 'help', 'config', 'retention'])
    expect(err).toBe('')
    expect(out).toContain("\n  retention.keepOld: Duration, default: '7d'\n")
    expect(out).toMatch(/^ {2}Required by .*full-db-rollback/m)
    expect(code).toBe(0)
  })

  test('run has the flags of every run, the variables and two examples', async () => {
    for (const args of [
      ['run', '--help'],
      ['help', 'run'],
    ]) {
      const { code, out } = await project.run(args)
      expect(code).toBe(0)
      const common = runCommandFor(runbook('bare', { title: '', when: '' }, () => undefined)).options.map(
        ({ flags }) => flags,
      )
      expect(common).toEqual(expect.arrayContaining(['--dry-run', '--confirm <phrase>', '--story <id>']))
      for (const flags of common) expect(out).toContain(`\n  ${flags} `)
      for (const name of ['RUNBOOK_PARAM_NAME', 'RESTORE_CONFIRM=YES', 'XDG_STATE_HOME', 'NO_COLOR'])
        expect(out).toContain(`\n  ${name} `)
      expect(out.match(/^ {2}runbook run .+ --target \w+/gm)).toHaveLength(2)
    }
  })

  test('a runbook has its parameters as flags', async () => {
    const { code, out } = await project.run(['run', 'all-kinds', '--help'])
    expect(code).toBe(0)
    expect(out).toContain('Usage: runbook run all-kinds [flags]')
    for (const flag of [
      '--what <TEXT>',
      '--how-many <N>',
      '--bad-since <TIME>',
      '--colour <red|green>',
      '--loud ',
      '--password <env:VAR|file:PATH>',
    ])
      expect(out).toContain(flag)
    expect(out.replaceAll(/\s+/g, ' ')).toContain('A number (required; or RUNBOOK_PARAM_HOW_MANY)')
  })

  test.each([
    [['help']],
    [['--help']],
    [['help', 'run']],
    [['help', 'evidence', 'verify']],
    [['run', '--help']],
    [['resume', '--help']],
  ])('%j', async (args) => {
    const { code, out } = await project.run(args)
    expect(code).toBe(0)
    expect(out).toContain('Usage: runbook')
  })
})

describe('mistakes: exit 2, and what was probably meant', () => {
  const all = ['run', 'all-kinds']
  test.each<[string, readonly string[], string]>([
    ['no such command', ['lst'], "unknown command 'lst'\n(Did you mean list?)"],
    ['no such runbook', ['run', 'al-kinds'], 'runbook "al-kinds" not found; did you mean "all-kinds"?'],
    ['no such runbook to show', ['show', 'x'], 'runbook "x" not found\n'],
    ['no such flag', [...all, '--hwo-many', '3'], "unknown option '--hwo-many'\n(Did you mean --how-many?)"],
    [
      'a flag with an escape sequence',
      [...all, '--x\u001b[2J\u009b2J\u202e'],
      "unknown option '--x\\u001b[2J\\u009b2J\\u202e'",
    ],
    ['a command with an escape sequence', ['st\u001b[2J'], "unknown command 'st\\u001b[2J'"],
    [
      'no such target',
      [...all, '--what', 'x', '--how-many', '1', '--target', 'hree'],
      'target "hree" not found; did you mean "here"?',
    ],
    ['no name', ['run'], 'no runbook given: type `runbook run NAME [flags]`'],
    [
      'flags before the name',
      ['run', '--dry-run', 'all-kinds'],
      'no runbook given: type `runbook run NAME [flags]`',
    ],
    ['too much', [...all, 'and', 'more'], 'too many arguments'],
    ['no value', [...all, '--what'], "option '--what <TEXT>' argument missing"],
    ['all that is missing, at once', all, 'cannot run all-kinds:\n  missing: --what, --how-many\n'],
    [
      'all that is wrong, at once',
      [...all, '--how-many', 'x', '--bad-since', 'noon', '--colour', 'blue'],
      '  --how-many: "x" is not an integer\n  --bad-since: "noon" is not a time with a zone; write it as 2026-02-03T04:12:00Z or 2026-02-03T05:12:00+01:00\n' +
        '  --colour: "blue" is not one of red, green\n  missing: --what\n',
    ],
    [
      'a secret on the command line',
      [...all, '--what', 'x', '--how-many', '1', '--password', 'hunter2'],
      '--password: a secret cannot be given on the command line: use env:VARIABLE or file:PATH',
    ],
    ['no reason to unlock', ['unlock', 'x'], "required option '--reason <text>' not specified"],
    ['no help on it', ['help', 'everything'], 'help topic "everything" not found'],
    [
      'no such section',
      ['help', 'config', 'retenton'],
      'unknown section "retenton" in the configuration\nhint: did you mean retention?',
    ],
    [
      'a format that the help does not have',
      ['help', 'run', '--format', 'markdown'],
      '--format applies only to `runbook help config`',
    ],
    ['an odd format', ['show', 'all-kinds', '--format', 'pdf'], "argument 'pdf' is invalid"],
    ['a configuration that is not there', ['--config', 'other.ts', 'list'], 'cannot load other.ts'],
    [
      'a story that names no folder',
      [...all, '--what', 'x', '--how-many', '1', '--story', '../x'],
      'story "../x" is not a valid folder name',
    ],
  ])('%s', async (_, args, message) => {
    const { code, out, err } = await project.run(args, { TEST_PASSWORD: 'long-enough' })
    expect(err).toContain(message)
    expect(out).toBe('')
    expect(code).toBe(2)
  })

  test('parameters come from the environment too, and a flag wins', async () => {
    const environment = {
      TEST_PASSWORD: 'long-enough',
      RUNBOOK_PARAM_HOW_MANY: '7',
      RUNBOOK_PARAM_WHAT: 'from the environment',
      RUNBOOK_PARAM_COLOUR: 'purple',
    }
    const wrong = await project.run(all, environment)
    expect(wrong.err).toContain('RUNBOOK_PARAM_COLOUR: "purple" is not one of red, green')
    const { code, out } = await project.run(
      [...all, '--colour', 'green', '--what', 'from a flag', '--json'],
      environment,
    )
    expect(code).toBe(0)
    expect(jsonLines(out)[0]).toMatchObject({
      entry: {
        plan: { params: { howMany: 7, what: 'from a flag', colour: 'green', loud: false, badSince: null } },
      },
    })
  })
})

describe('files that do not do', () => {
  const withFile = async (name: string, text: string, then: () => Promise<void>): Promise<void> => {
    await writeFile(project.path(name), text)
    try {
      await then()
    } finally {
      await rm(project.path(name))
    }
  }

  test('a runbook that does not load is named with its cause; others still run', async () => {
    await withFile('runbooks/broken.ts', "import './nowhere.ts'\n", async () => {
      const { code, err } = await project.run(['list'])
      expect(code).toBe(2)
      expect(err).toMatch(/error: cannot load runbook file .*\/runbooks\/broken\.ts: .*nowhere\.ts/)
      expect((await project.run(['show', 'three-files'])).code).toBe(0)
    })
  })

  test('a step that changes something without a way back is refused when its file loads', async () => {
    const text = `
      import { defineStep, runbook } from 'runbook'
      const pauseQueue = defineStep({
        kind: 'team.pause-queue', version: 1, effect: 'change',
        describe: () => 'Pauses it.', survey: async () => null, run: async () => null,
        probe: async () => ({ is: 'absent' }),
      } as never)
      export default runbook('pause', { title: 'Pause', when: 'Never.', needs: [], params: {} }, ({ step }) =>
        void step('Pause', pauseQueue({})))
    `
    await withFile('runbooks/pause.ts', text, async () => {
      const { code, err } = await project.run(['show', 'pause'])
      expect(code).toBe(2)
      expect(err).toMatch(
        /^error: cannot load runbook file .*\/runbooks\/pause\.ts: the step team\.pause-queue changes something and has neither undo nor irreversible\n {2}at .*\/runbooks\/pause\.ts:3\nhint: add undo\(io, act\), or irreversible: .*\n$/,
      )
    })
  })

  test('a step that returns something else than programs from needs opens no run', async () => {
    const text = `
      import { defineStep, runbook } from 'runbook'
      const readQueue = defineStep({
        kind: 'team.read-queue', version: 1, effect: 'observe',
        describe: () => 'Reads it.', needs: () => ['queuectl'], run: async () => null,
      } as never)
      export default runbook('read', { title: 'Read', when: 'Never.', needs: [], params: {} }, ({ step }) =>
        void step('Read', readQueue({})))
    `
    await withFile('runbooks/read.ts', text, async () => {
      const { code, err } = await project.run(['run', 'read'])
      expect(err).toBe(
        "error: cannot plan \"Read\": the step team.read-queue: needs must return programs such as { program: 'tar', atLeast: '1.2', why: '…' }, not [\"queuectl\"]\n" +
          'hint: fix needs of the step team.read-queue\n',
      )
      expect(code).toBe(2)
      expect((await project.run(['status'])).out).not.toContain('read')
    })
  })

  test('a step that was not called is told at its place in the script, as no bug of the program', async () => {
    const text = `import { runbook } from 'runbook'
import { writeFile } from '../steps/files.ts'
export default runbook('uncalled', { title: 'Uncalled', when: 'Never.' }, ({ step }) => {
  const call = writeFile
  step('Write', call)
})
`
    await withFile('runbooks/uncalled.ts', text, async () => {
      const { code, err } = await project.run(['show', 'uncalled'])
      expect(err).toBe(
        `error: cannot record the runbook uncalled: "Write" is given the step test.write, which was not called\n` +
          `  at ${project.path('runbooks/uncalled.ts')}:5\n` +
          "hint: call it with its input: step('Write', stopServices({ … }))\n",
      )
      expect(code).toBe(2)
    })
  })

  test('what the script of a runbook throws is told at its place', async () => {
    const text = `import { runbook } from 'runbook'
export default runbook('throws', { title: 'Throws', when: 'Never.' }, ({ target }) => {
  for (const check of target.health) void check
})
`
    await withFile('runbooks/throws.ts', text, async () => {
      const { code, err } = await project.run(['show', 'throws'])
      expect(err).toMatch(/^error: cannot record the runbook throws: .*not iterable/)
      expect(err).toContain(`\n  at ${project.path('runbooks/throws.ts')}:3\nhint: fix its script\n`)
      expect(code).toBe(2)
    })
  })

  test('a file without a runbook', async () => {
    await withFile('runbooks/other.ts', 'export const x = 1\n', async () => {
      expect((await project.run(['list'])).err).toMatch(/other\.ts does not export a runbook/)
    })
  })

  test('two of one name', async () => {
    await withFile(
      'runbooks/zwei.ts',
      await readFile(project.path('runbooks/approved.ts'), 'utf8'),
      async () => {
        expect((await project.run(['list'])).err).toMatch(
          /runbook name approved is used twice: .*approved\.ts and .*zwei\.ts/,
        )
      },
    )
  })

  test('a script that is no runbook', async () => {
    const text =
      "import { param, runbook } from 'runbook'\nexport default runbook('odd', { title: '', when: '', needs: [], params: { x: param.text('') } }, ({ params }) => { `${params.x}` })\n"
    await withFile('runbooks/odd.ts', text, async () => {
      const { code, err } = await project.run(['show', 'odd'])
      expect(err).toContain('--x is a ref, not a value, and was turned into text')
      expect(err).toContain(`\n  at ${project.path('runbooks/odd.ts')}:2\n`)
      expect(code).toBe(2)
    })
  })

  test('a parameter that is called as a flag of every run', async () => {
    const text =
      "import { param, runbook } from 'runbook'\nexport default runbook('odd', { title: '', when: '', needs: [], params: { dryRun: param.text('') } }, () => undefined)\n"
    await withFile('runbooks/odd.ts', text, async () => {
      expect((await project.run(['run', 'odd'])).err).toContain(
        'parameter dryRun of runbook odd conflicts with --dry-run, a flag of every run',
      )
    })
  })

  test('what everybody can write is not loaded, unless that is wanted', async () => {
    await chmod(project.path('runbooks/approved.ts'), 0o666)
    const { code, err } = await project.run(['show', 'approved'])
    expect(code).toBe(2)
    expect(err).toMatch(/refused to load .*approved\.ts: it is world-writable/)
    const trusted = await project.run([
      '--trust',
      'runbooks/approved.ts',
      'run',
      'approved',
      '--confirm',
      'yes do it',
      '--reason',
      'a test',
      '--json',
    ])
    expect(trusted.code).toBe(0)
    expect(trusted.err).toMatch(
      /^warning: loading code although it is not safe: .*approved\.ts \(is world-writable\)\n$/,
    )
    expect(jsonLines(trusted.out)[0]).toMatchObject({
      entry: {
        reason: expect.stringMatching(
          /^a test; code loaded with --trust on .*: .*approved\.ts \(is world-writable\)$/,
        ),
      },
    })
    await chmod(project.path('runbooks/approved.ts'), 0o600)
  })

  test('a folder that is not there', async () => {
    await mkdir(project.path('deep'))
    await withFile(
      'deep/runbook.config.ts',
      "export default { runbooks: ['./none'], targets: { x: {} } }\n",
      async () => {
        expect((await project.run(['--config', 'deep/runbook.config.ts', 'list'])).err).toMatch(
          /cannot read the runbooks in .*\/deep\/none: no such folder/,
        )
      },
    )
  })
})

const old = ['/usr/local/bin/node', '/usr/bin/node'].find((path) => {
  const major = Number(
    /^v(\d+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 99,
  )
  return major < 24
})

test.skipIf(old === undefined)('an older Node is told what is needed, before anything is loaded', () => {
  const { status, stderr, stdout } = spawnSync(
    old ?? '',
    [fileURLToPath(new URL('../../bin/runbook.js', import.meta.url)), 'list'],
    { encoding: 'utf8' },
  )
  expect(status).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(
    /^runbook needs Node 24 or newer, and this is Node \d+\.\S+: type `npm ci` in your project, .*, then `npx runbook …`\n$/,
  )
})

test('a key of the configuration that nobody knows is answered with the one that was meant', async () => {
  await using fresh = await Project.make()
  await writeFile(
    fresh.path('runbook.config.ts'),
    "export default { artifact: './x', targets: { here: { helth: [], staging: 7 } } }\n",
  )
  const { code, err } = await fresh.run(['list'])
  expect(err).toContain('unknown setting "artifact"; did you mean "artifacts"?')
  expect(err).toContain('targets.here: unknown setting "helth"; did you mean "health"?')
  expect(err).toContain('targets.here.staging: ')
  expect(code).toBe(2)
})

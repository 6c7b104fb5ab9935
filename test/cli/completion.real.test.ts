import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scripts } from '../../src/cli/completion-scripts.ts'
import { Project, type Running } from '../fixtures/cli.ts'
import { eventually } from '../fixtures/eventually.ts'
import { program } from '../fixtures/requirements.ts'

const bin = fileURLToPath(new URL('../../bin/runbook.js', import.meta.url))

/** A choice that a shell would run if it were ever evaluated. */
const hostile = 'x$(touch pwned-by-a-choice)'

let project: Project
/** A run of the journal. */
let run: string
beforeAll(async () => {
  project = await Project.make()
  await mkdir(project.path('node_modules/.bin'), { recursive: true })
  await mkdir(project.path('programs'))
  await mkdir(project.path('deep'), { recursive: true })
  const says = `printf 'STARTED %s' "\${0##*/}"; printf ' [%s]' "$@"; printf '.ENDED\\n'`
  const asked = `case "$1" in completion) exec '${process.execPath}' '${bin}' "$@" ;; esac`
  for (const [name, script] of [
    ['node_modules/.bin/runbook', `${asked}\n${says}`],
    ['programs/npx', says],
    ['programs/npm', says],
    ['programs/runbook', `${asked}\n${says}`],
  ] as const) {
    await writeFile(project.path(name), `#!/bin/sh\n${script}\n`)
    await chmod(project.path(name), 0o755)
  }
  await writeFile(
    project.path('runbooks/watched.ts'),
    `import { param, runbook } from 'runbook'
export default runbook('watched',
  { title: '\`touch pwned-by-a-title\` $(touch pwned-by-a-title)', when: 'Never.', params: { mode: param.choice('How', [${JSON.stringify(hostile)}, 'other']).optional() } },
  () => undefined)
`,
  )
  for (const [shell, script] of Object.entries(scripts))
    await writeFile(project.path(`script.${shell}`), script)
  const ended = await project.run(['run', 'three-files', '--json'])
  expect(ended.code).toBe(0)
  run = /"run":"([^"]+)"/.exec(ended.out)?.[1] ?? ''
  expect(run).not.toBe('')
}, 60_000)
afterAll(() => project[Symbol.asyncDispose]())

const starts = {
  bash: ['--norc', '--noprofile', '-i'],
  zsh: ['-f', '-i'],
  fish: ['--no-config', '-i'],
} as const
const prepared = {
  bash: ['complete -W "before-ours" -F _theirs npm; _theirs() { COMPREPLY=(install); }', '. ./script.bash'],
  zsh: [
    'autoload -Uz compinit; compinit -u -D',
    '_theirs() { compadd install }; compdef _theirs npm',
    '. ./script.zsh',
  ],
  fish: ['complete -c npm -f -a install', 'source script.fish'],
} as const

/** A shell in which somebody types. */
class Shell {
  readonly #running: Running

  private constructor(running: Running) {
    this.#running = running
  }

  static async open(shell: keyof typeof starts): Promise<Shell> {
    const running = project.programAtTerminal(shell, starts[shell], {
      HOME: project.folder,
      XDG_CONFIG_HOME: project.path('.config'),
      XDG_DATA_HOME: project.path('.data'),
      PATH: `${project.path('programs')}:/usr/bin:/bin`,
      TEST_COLUMNS: '200',
    })
    for (const command of prepared[shell]) running.type(`${command}\r`)
    running.type("printf 'sh%s\\n' ell-is-ready\r")
    await running.shows('shell-is-ready')
    return new Shell(running)
  }

  /** What is started when a line is typed, then Tab and Enter. */
  async starts(line: string): Promise<string> {
    const before = this.#running.seen.length
    const found = (): string | undefined =>
      /STARTED(.*)\.ENDED/.exec(this.#running.seen.slice(before))?.[1]?.trim()
    this.#running.type(`${line}\t\r`)
    await eventually(() => found() !== undefined, `it starts something for ${line}`)
    return found() ?? ''
  }

  async goTo(folder: string): Promise<void> {
    this.#running.type(`cd ${folder}; printf 'now-%s\\n' in-${folder}\r`)
    await this.#running.shows(`now-in-${folder}`)
  }

  async close(): Promise<void> {
    this.#running.hangUp()
    await this.#running.ended
  }
}

describe.each(['bash', 'zsh', 'fish'] as const)('in %s', (name) => {
  describe.skipIf(!program('python3') || (name !== 'bash' && !program(name)))('at a terminal', () => {
    let shell: Shell
    beforeAll(async () => {
      shell = await Shell.open(name)
    }, 30_000)
    afterAll(() => shell?.close())

    test.each([
      ['a command', 'runbook resu', 'runbook [resume]'],
      ['a runbook of npx', 'npx runbook run thr', 'npx [runbook] [run] [three-files]'],
      [
        'a runbook of npx with flags',
        'npx --no -- runbook run thr',
        'npx [--no] [--] [runbook] [run] [three-files]',
      ],
      ['a runbook of npm exec', 'npm exec runbook show thr', 'npm [exec] [runbook] [show] [three-files]'],
      [
        'a flag of npm exec',
        'npm exec -- runbook run three-files --must',
        'npm [exec] [--] [runbook] [run] [three-files] [--must-exist]',
      ],
      ['a runbook of a local copy', './node_modules/.bin/runbook run wat', 'runbook [run] [watched]'],
      ['a target', 'npx runbook list --target b', 'npx [runbook] [list] [--target] [bare]'],
      ['a target after =', 'npx runbook list --target=b', 'npx [runbook] [list] [--target=bare]'],
      ['a parameter', 'npx runbook run all-kinds --how', 'npx [runbook] [run] [all-kinds] [--how-many]'],
      [
        'a value',
        "npx runbook run 'all-kinds' --colour g",
        'npx [runbook] [run] [all-kinds] [--colour] [green]',
      ],
      ['what npm was completed with before', 'npm ins', 'npm [install]'],
    ])('completes %s', async (_, line, expected) => {
      expect(await shell.starts(line)).toBe(expected)
    })

    test('completes a run, below the folder of the project', async () => {
      await shell.goTo('deep')
      const typed = 'npx runbook --config ../runbook.config.ts evidence verify'
      expect(await shell.starts(`${typed} ${run.slice(0, 12)}`)).toBe(
        `npx [runbook] [--config] [../runbook.config.ts] [evidence] [verify] [${run}]`,
      )
      await shell.goTo('..')
    })

    test('offers no flag that npm would take for itself', async () => {
      expect(await shell.starts('npm exec runbook run three-files --must')).toBe(
        'npm [exec] [runbook] [run] [three-files] [--must]',
      )
    })

    test('offers files where a file is meant', async () => {
      expect(await shell.starts('npx runbook run three-files --must-exist script.z')).toBe(
        'npx [runbook] [run] [three-files] [--must-exist] [script.zsh]',
      )
    })

    test('executes nothing that it was given as a name', async () => {
      // The title is shown, the choice is inserted and then passed on by Enter.
      expect(await shell.starts('npx runbook run watch')).toBe('npx [runbook] [run] [watched]')
      expect(await shell.starts('npx runbook run watched --mode x')).toBe(
        `npx [runbook] [run] [watched] [--mode] [${hostile}]`,
      )
      expect(existsSync(project.path('pwned-by-a-title'))).toBe(false)
      expect(existsSync(project.path('pwned-by-a-choice'))).toBe(false)
    })

    test('executes nothing that was typed', async () => {
      const typed = project.path(`typed-in-${name}`)
      // Quoted, so that Enter does not run it either.
      const got = await shell.starts(`npx runbook run '$(touch ${typed})' --dry`)
      expect(got).toContain(`[$(touch ${typed})]`)
      expect(existsSync(typed)).toBe(false)
    })
  })
})

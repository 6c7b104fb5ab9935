import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wordsOfBash } from '../../src/cli/completion.ts'
import { scripts } from '../../src/cli/completion-scripts.ts'
import { Project } from '../fixtures/cli.ts'

let project: Project
beforeAll(async () => {
  project = await Project.make()
})
afterAll(() => project[Symbol.asyncDispose]())

/** The values that are offered for the last word. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const { code, out, err } = await project.run(['completion', 'bash', '--', ...words])
  expect(err).toBe('')
  expect(code).toBe(0)
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '')
}

describe('what is offered', () => {
  test.each<[words: readonly string[], some: readonly string[], not: readonly string[]]>([
    [[''], ['run', 'show', 'evidence', 'completion', 'help'], ['--config']],
    [['r'], ['run', 'resume', 'rollback'], ['show']],
    [['--'], ['--config', '--trust', '--help'], ['--dry-run']],
    [['run', ''], ['three-files', 'all-kinds', 'full-db-rollback'], ['here']],
    [['show', 'three'], ['three-files'], ['all-kinds']],
    [['run', 'three-files', '--'], ['--dry-run', '--target', '--text', '--must-exist', '--help'], ['--loud']],
    [['run', 'all-kinds', '--target', ''], ['here', 'bare'], []],
    [['list', '--target', 'b'], ['bare'], ['here']],
    [['run', 'all-kinds', '--colour', '=', 'r'], ['red'], ['green']],
    [['run', 'all-kinds', '--colour', ''], ['red', 'green'], ['here']],
    [['run', 'all-kinds', '--how-many', '3', '--lo'], ['--loud'], []],
    [['show', 'all-kinds', '--format', 'm'], ['markdown', 'mermaid'], ['text']],
    [['evidence', ''], ['show', 'verify', 'story'], ['run']],
    [['help', ''], ['run', 'exit-codes', 'config'], []],
    [['help', 'config', 'reten'], ['retention'], ['backups']],
    [['help', 'evidence', 'v'], ['verify'], ['show']],
    [['completion', ''], ['bash', 'zsh', 'fish'], []],
    [['--config', 'runbook.config.ts', 'run', 'three'], ['three-files'], []],
  ])('after %j', async (words, some, not) => {
    const values = await offered(...words)
    expect(values).toEqual(expect.arrayContaining([...some]))
    for (const one of not) expect(values).not.toContain(one)
    expect(values.filter((value) => !value.startsWith(words.at(-1) ?? ''))).toEqual([])
  })

  test.each([
    [['run', 'three-files', '--must-exist', '']],
    [['run', 'three-files', '']],
    [['run', 'no-such-runbook', '--']],
    [['--config', 'other.ts', 'run', 'three']],
    [['no-such-command', '']],
  ])('nothing after %j, so that the shell offers files', async (words) => {
    const values = await offered(...words)
    expect(values.filter((value) => value !== '--help')).toEqual([])
  })

  test('the runs of the journal', async () => {
    const run = await project.run(['run', 'three-files', '--json'])
    expect(run.code).toBe(0)
    const [name = ''] = await offered('evidence', 'verify', '')
    expect(name).not.toBe('')
    expect(run.out).toContain(name)
    // It is not open.
    expect(await offered('resume', '')).toEqual([])
  })
})

describe('the words of bash', () => {
  test.each<[typed: readonly string[], words: readonly string[], kept: number]>([
    [['run', 'thr'], ['run', 'thr'], 0],
    [['run', "'all-kinds'", ''], ['run', 'all-kinds', ''], 0],
    [['run', "'all-ki"], ['run', 'all-ki'], 0],
    [['run', '"a \\"b\\" $c"', 'd\\ e'], ['run', 'a "b" $c', 'd e'], 0],
    [['list', '--target', '='], ['list', '--target='], 9],
    [['list', '--target', '=', 'he'], ['list', '--target=he'], 9],
    [['list', '--target', '=', 'here', '--'], ['list', '--target=here', '--'], 0],
    [['--password', 'env', ':', 'TOK'], ['--password', 'env:TOK'], 4],
    [['run', 'x', '=', 'y'], ['run', 'x', '=', 'y'], 0],
    [["'$(touch x)'"], ['$(touch x)'], 0],
    [[''], [''], 0],
  ])('%j are %j', (typed, words, kept) => {
    expect(wordsOfBash(typed)).toEqual({ words, kept })
  })
})

describe('the script of bash', () => {
  const bin = fileURLToPath(new URL('../../bin/runbook.js', import.meta.url))

  test('offers what the program does, and evaluates nothing that was typed', async () => {
    const touched = project.path('touched')
    await mkdir(project.path('programs'))
    await writeFile(
      project.path('programs/runbook'),
      `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(bin)} "$@"\n`,
      { mode: 0o755 },
    )
    const ask = (line: string): string => {
      const { stdout, stderr } = spawnSync(
        'bash',
        [
          '--norc',
          '-c',
          `${scripts.bash}
PATH=${JSON.stringify(project.path('programs'))}:$PATH
COMP_WORDS=(${line}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
_runbook runbook; printf '%s\\n' "\${COMPREPLY[@]}"`,
        ],
        { cwd: project.folder, encoding: 'utf8' },
      )
      expect(stderr).toBe('')
      return stdout
    }
    expect(ask("runbook run 'thr'")).toBe('three-files\n')
    expect(ask(`runbook run '$(touch ${touched})' '--dry'`)).toBe('\n')
    const { out } = await project.run(['completion', 'bash'])
    expect(out).toBe(scripts.bash)
    const { status } = spawnSync('test', ['-e', touched])
    expect(status).toBe(1)
  })

  test.each(['bash', 'zsh', 'fish'] as const)('and of %s is printed', async (shell) => {
    const { code, out } = await project.run(['completion', shell])
    expect(code).toBe(0)
    expect(out).toBe(scripts[shell])
  })

  test('another shell is refused', async () => {
    const { code, err } = await project.run(['completion', 'tcsh'])
    expect(code).toBe(2)
    expect(err).toContain('Allowed choices are bash, zsh, fish')
  })
})

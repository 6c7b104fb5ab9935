import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scripts } from '../../src/cli/completion.ts'
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

describe('the script of bash', () => {
  const bin = fileURLToPath(new URL('../../bin/runbook.js', import.meta.url))

  test('offers what the program does, and evaluates nothing that was typed', async () => {
    const touched = project.path('touched')
    const ask = (line: string): string => {
      const { stdout, stderr } = spawnSync(
        'bash',
        [
          '--norc',
          '-c',
          `${scripts.bash}
runbook() { ${JSON.stringify(process.execPath)} ${JSON.stringify(bin)} "$@"; }
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

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asTyped, calledAs, typedIn } from '../../src/cli/command-hints.ts'
import { commandNames as commands } from '../../src/cli/program.ts'

const npx = { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'runbook run x' }

test.each([
  ['installed', {}, undefined, 'runbook'],
  ['through npx', npx, undefined, 'npx runbook'],
  ['with a path by npx', { ...npx, npm_lifecycle_script: '"runbook" "status"' }, undefined, 'npx runbook'],
  [
    'under another program that npx started',
    { ...npx, npm_lifecycle_script: 'vitest run' },
    undefined,
    'runbook',
  ],
  [
    'under an npm script',
    { npm_lifecycle_event: 'test', npm_lifecycle_script: 'runbook list' },
    undefined,
    'runbook',
  ],
  ['with a configuration', npx, 'ops/runbook.config.ts', 'npx runbook --config ops/runbook.config.ts'],
  ['with a name that the shell would split', {}, "my team's.ts", "runbook --config 'my team'\\''s.ts'"],
])('%s', (_, environment, config, called) => {
  expect(calledAs({ environment, config })).toBe(called)
})

test('every command that is to be typed, and no other word', () => {
  const text = [
    'Resume with:',
    '  runbook resume R',
    'Go back:  runbook rollback R',
    'hint: `runbook status` shows it; then `runbook resume R`',
    'this is a bug in runbook, not in your system',
    'the runbook run by ada',
    'runbook restart-writers',
    'hint: runbook list',
    'Next:  runbook status  then  runbook resume R  or  runbook rollback R',
    'Next: runbook resume R or runbook rollback R. Run R',
    'To configure: runbook help config stack; runbook help config health',
  ].join('\n')
  expect(asTyped(text, { environment: npx, config: undefined }, commands).split('\n')).toEqual([
    'Resume with:',
    '  npx runbook resume R',
    'Go back:  npx runbook rollback R',
    'hint: `npx runbook status` shows it; then `npx runbook resume R`',
    'this is a bug in runbook, not in your system',
    'the runbook run by ada',
    'runbook restart-writers',
    'hint: npx runbook list',
    'Next:  npx runbook status  then  npx runbook resume R  or  npx runbook rollback R',
    'Next: npx runbook resume R or npx runbook rollback R. Run R',
    'To configure: npx runbook help config stack; npx runbook help config health',
  ])
})

test('each command of the program, one that is new included', () => {
  expect(commands.length).toBeGreaterThan(9)
  const hints = (names: readonly string[]): string =>
    names.map((name) => `hint: runbook ${name} X`).join('\n')
  expect(asTyped(hints(commands), { environment: npx, config: undefined }, commands)).toBe(
    hints(commands).replaceAll('runbook', 'npx runbook'),
  )
  expect(asTyped('`runbook new`', { environment: npx, config: undefined }, [...commands, 'new'])).toBe(
    '`npx runbook new`',
  )
})

const root = join(import.meta.dirname, '../..')
const sources = globSync('{src,steps,runbooks,targets}/**/*.ts', { cwd: root })

/** Lines of code, without comments, that match. */
function linesWith(pattern: RegExp): readonly string[] {
  expect(sources.length).toBeGreaterThan(300)
  return sources.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && pattern.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  )
}

/** A command behind a word is not recognised, so it would lack the npx that was used. */
test('no text has a command where it is not recognised', () => {
  expect(linesWith(new RegExp(`[a-z,)}] runbook (?:${commands.join('|')})\\b`))).toEqual([])
})

test('a path in a command that a person types is quoted, since folders have blanks in their names', () => {
  const programs =
    'ls(?: -\\w+)?|chmod [\\w+-]+|chown \\S+|df -[hi]|mkdir -p|mv|cat|lsof(?: \\+D)?|lsattr -d|fuser -v|namei -l|rclone lsf|git|--trust'
  const bare = new RegExp(`[\`( ](?:${programs}) \\$\\{(?!shellWord\\(|\\[.*shellWord|.*shellWord\\()`)
  const typed = linesWith(bare).filter((line) => !line.startsWith('src/import/'))
  // Words of a sentence, flags that are constants, and paths that are quoted before.
  const others = [
    'src/adapters/docker/volume-hint.ts',
    'src/cli/command-hints.ts',
    'src/cli/context.ts',
    'steps/config/earlier-version.ts',
  ]
  expect(typed.filter((line) => !others.some((file) => line.startsWith(`${file}:`)))).toEqual([])
})

test('the command that closes a run has what it requires', () => {
  const bare = linesWith(/runbook unlock\\?`/).filter((line) => !line.includes('was closed with'))
  expect(bare).toEqual([])
})

test('the configuration is named as it was given, and a path that ends like it is left alone', () => {
  const text = [
    'set stack.files in runbook.config.ts',
    'read `runbook.config.ts`: see /srv/ops/runbook.config.ts, runbook.config.tsx and my-runbook.config.ts',
    'hint: `runbook doctor`',
  ].join('\n')
  expect(asTyped(text, { environment: {}, config: 'ops/other.ts' }, commands)).toBe(
    [
      'set stack.files in ops/other.ts',
      'read `ops/other.ts`: see /srv/ops/runbook.config.ts, runbook.config.tsx and my-runbook.config.ts',
      'hint: `runbook --config ops/other.ts doctor`',
    ].join('\n'),
  )
  expect(asTyped(text, { environment: {}, config: undefined }, commands)).toBe(text)
})

test('a configuration that was found is named as it is called, and --config is before it', () => {
  const found = { environment: {}, config: undefined, found: 'runbook.config.mjs' }
  const text = 'set stack.files in runbook.config.ts: `runbook doctor`'
  expect(asTyped(text, found, commands)).toBe('set stack.files in runbook.config.mjs: `runbook doctor`')
  expect(asTyped(text, { ...found, config: 'ops.ts' }, commands)).toBe(
    'set stack.files in ops.ts: `runbook --config ops.ts doctor`',
  )
})

test('what a person reads of JSON is as it has to be typed, and nothing else is changed', () => {
  const typed = (text: string): string => asTyped(text, { environment: npx, config: 'ops.ts' }, commands)
  expect(
    typedIn(
      {
        code: 'failed',
        hint: 'hint: runbook status',
        file: 'runbook.config.ts',
        findings: [{ problem: 'no runbook.config.ts', about: 'runbook.config.ts' }],
        fits: { why: 'see `runbook doctor`' },
        remarks: ['then `runbook drills`', 'describe it (runbook doctor)'],
      },
      typed,
    ),
  ).toEqual({
    code: 'failed',
    hint: 'hint: npx runbook --config ops.ts status',
    file: 'runbook.config.ts',
    findings: [{ problem: 'no ops.ts', about: 'runbook.config.ts' }],
    fits: { why: 'see `npx runbook --config ops.ts doctor`' },
    remarks: [
      'then `npx runbook --config ops.ts drills`',
      'describe it (npx runbook --config ops.ts doctor)',
    ],
  })
})

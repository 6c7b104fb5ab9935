import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asTyped, calledAs } from '../../src/cli/command-hints.ts'
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

/** A command behind a word is not recognised, so it would lack the npx that was used. */
test('no text has a command where it is not recognised', () => {
  const root = join(import.meta.dirname, '../..')
  const files = globSync('{src,steps,runbooks,targets}/**/*.ts', { cwd: root })
  const hidden = new RegExp(`[a-z,)}] runbook (?:${commands.join('|')})\\b`)
  const lines = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && hidden.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  )
  expect(files.length).toBeGreaterThan(300)
  expect(lines).toEqual([])
})

import { describe, expect, test } from 'vitest'
import { endArgv, execArgv, tagsIn } from '../../../src/adapters/docker/exec-argv.ts'

const tags = { run: '20260203-041233-abcde', step: 'dump the old', call: 'c0ffee' }

describe('a program in a container', () => {
  test('is tagged by words that the daemon can tell, and secrets are named only', () => {
    const argv = execArgv(
      'c1',
      { argv: ['pg_dump', '-Fc', "it's"], user: 'postgres', envNames: ['PGPASSWORD'], stdin: true },
      tags,
    )
    expect(argv).toEqual([
      'docker',
      'exec',
      '--interactive',
      '--user',
      'postgres',
      '--env',
      'PGPASSWORD',
      'c1',
      'env',
      'RUNBOOK_RUN=20260203-041233-abcde',
      'RUNBOOK_STEP=dump the old',
      'RUNBOOK_CALL=c0ffee',
      'pg_dump',
      '-Fc',
      "it's",
    ])
  })

  test('without input, user or environment has no words for them', () => {
    expect(execArgv('c1', { argv: ['true'], envNames: [], stdin: false }, tags).slice(0, 4)).toEqual([
      'docker',
      'exec',
      'c1',
      'env',
    ])
  })

  test('is recognised by its words, and nothing else is', () => {
    const words = execArgv('c1', { argv: ['true'], envNames: [], stdin: false }, tags).slice(4)
    expect(tagsIn('env', words)).toEqual(tags)
    expect(tagsIn('sh', words)).toBeNull()
    expect(tagsIn('env', ['RUNBOOK_RUN=x', 'true'])).toBeNull()
  })

  test('is ended as its own user', () => {
    const argv = endArgv('c1', 'postgres', 'RUNBOOK_CALL=c0ffee', 1_450)
    expect(argv.slice(0, 6)).toEqual(['docker', 'exec', '--user', 'postgres', 'c1', 'sh'])
    expect(argv.slice(-2)).toEqual(['RUNBOOK_CALL=c0ffee', '15'])
  })
})

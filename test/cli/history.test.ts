import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Entry } from '../../src/run/journal/entry.ts'
import { openJournal } from '../../src/adapters/journal/open.ts'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'
import { jsonLines, Project } from '../fixtures/cli.ts'
import { opened, settled } from '../fixtures/entries.ts'
import { down, intent, planWith, up } from '../fixtures/told-run.ts'

let project: Project
let dry: string
let real: string
beforeAll(async () => {
  project = await Project.make()
  const ran = async (...flags: readonly string[]) =>
    String(jsonLines((await project.run(['run', 'three-files', ...flags, '--json'])).out).at(-1)?.['run'])
  dry = await ran('--dry-run')
  real = await ran()
})
afterAll(() => project[Symbol.asyncDispose]())

const runsOf = async (...flags: readonly string[]) => {
  const { code, out, err } = await project.run(['history', ...flags, '--json'])
  expect(code, err).toBe(0)
  return out === '' ? [] : jsonLines(out)
}

test('says of each run how long it took, what it measured, and its exit code', async () => {
  const [one, other] = await runsOf()
  expect(one).toMatchObject({
    run: real,
    exit: 0,
    endedAt: expect.any(String),
    seconds: expect.any(Number),
    measures: { rto: { objectiveSeconds: 900 } },
  })
  expect(other).toMatchObject({ run: dry, exit: 0, measures: null })
  const { out } = await project.run(['history'])
  expect(out).toMatch(/^RUN +STARTED +RUNBOOK +TARGET +OUTCOME +EXIT +TOOK +DOWNTIME +RTO +RPO +STORY\n/)
  expect(out).toMatch(new RegExp(`^${real} .* succeeded +0 +\\d`, 'm'))
})

test.each([
  [['--target', 'here'], 2],
  [['--target', 'bare'], 0],
  [['--runbook', 'three-files'], 2],
  [['--runbook', 'approved'], 0],
  [['--since', '1h'], 2],
  [['--since', '2026-01-01'], 2],
  [['--since', '2999-01-01'], 0],
  [['--since', '2999-01-01T00:00:00+01:00', '--target', 'here'], 0],
] as const)('with %s lists only those', async (flags, count) => {
  expect(await runsOf(...flags)).toHaveLength(count)
  if (count === 0) expect((await project.run(['history', ...flags])).out).toBe('No runs match.\n')
})

test.each(['yesterday', '2026-02-03T04:12:00', '2026-02-31T25:00:00Z', '30', ''])(
  'refuses %j, which is not a time',
  async (since) => {
    const { code, err } = await project.run(['history', '--since', since])
    expect(code).toBe(2)
    expect(err).toContain(`cannot list runs since ${JSON.stringify(since)}: it is not a time`)
    expect(err).toContain("'31d'")
  },
)

test('shows a page of many runs, and all to programs and on request', async () => {
  const journal = await openJournal(project.path('state'))
  for (let number = 0; number < 50; number += 1) {
    const run = `old-${number}`
    const hold = await journal.hold('old', { ...thisProcess('ada'), run, since: '' })
    await journal.append(hold, run, opened({ mode: 'dry-run', target: 'old', system: 'old' }))
    await journal.append(hold, run, settled('foretold'))
    await hold.release()
  }
  await journal.close()
  const shown = async (...flags: readonly string[]) =>
    (await project.run(['history', ...flags])).out.trim().split('\n')
  expect((await shown()).slice(50)).toEqual([
    expect.stringMatching(/^old-0 /),
    '',
    '2 older runs: --all lists every run, --since those since a time.',
  ])
  expect(await shown('--target', 'old')).toHaveLength(51)
  expect(await shown('--all')).toHaveLength(53)
  expect(await shown('--since', '1h')).toHaveLength(53)
  expect(await runsOf()).toHaveLength(52)
})

test('says of an open run what is down since when, how long at least, and what to type', async () => {
  const journal = await openJournal(project.path('state'))
  const plan = planWith([
    { title: 'Stop writers', kind: 'services.stop', ...down },
    { title: 'Check health', ...up },
  ])
  const hold = await journal.hold('dead', { ...thisProcess('ada'), run: 'dead-1', since: '' })
  await journal.append(hold, 'dead-1', { ...opened(), plan } as Entry)
  const { at } = await journal.append(hold, 'dead-1', {
    ...intent('Stop writers'),
    before: { running: ['web'] },
  } as Entry)
  await hold.release()
  await journal.close()
  const { out } = await project.run(['history'])
  expect(out).toMatch(/^dead-1 .* open .*at least 0m?s, since 20/m)
  expect(out).toContain(
    `\ndead-1 is open. DOWN since ${at}: web (stopped by this run, not started again). What to type next: runbook status\n`,
  )
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'

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

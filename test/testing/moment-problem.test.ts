import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import {
  listed,
  notRepeatable,
  problemOf,
  type DisturbedRun,
  type MomentProblem,
} from '../../src/testing/moment-problem.ts'

const world = (web: string, more: JsonObject = {}): JsonObject => ({
  services: { web: { state: web }, idle: { state: 'exited' } },
  databases: { shop: { data: 'old', owner: 'app' } },
  files: { '/srv/page': 'digest' },
  volumes: { 'web:/data/a': { body: 'digest' } },
  images: { one: { tags: [] } },
  ...more,
})
const worlds = {
  before: world('running'),
  after: world('running', { databases: { shop: { data: 'new', owner: 'app' } } }),
}
const ended = (more: Partial<DisturbedRun>): DisturbedRun => ({
  where: 'killed at it, time 1, then resume',
  ended: 'rolled-back',
  why: null,
  found: worlds.before,
  ...more,
})
const found = (more: Partial<DisturbedRun>): MomentProblem => {
  const problem = problemOf(ended(more), worlds)
  if (problem === null) throw new Error('nothing found')
  return problem
}

describe('the end of a disturbed run', () => {
  it.each([
    ['rolled back, and all is as before', ended({})],
    ['succeeded, and all is as after an undisturbed run', ended({ ended: 'succeeded', found: worlds.after })],
    ['never begun', ended({ ended: 'not begun' })],
  ])('is no problem where it is %s', (_, run) => {
    expect(problemOf(run, worlds)).toBeNull()
  })

  it.each<readonly [string, Partial<DisturbedRun>, MomentProblem['kind'], string]>([
    [
      'a service that ran does not run',
      { ended: 'needs-human', why: 'the disk\n  is full', found: world('exited') },
      'left down',
      'not settled: ended needs-human, and service web is left down: the disk is full',
    ],
    [
      'a service is missing',
      { found: world('running', { services: {} }) },
      'left down',
      'ended rolled-back, and service web is left down; differs from the world before in services.idle, services.web',
    ],
    [
      'a database is gone',
      { ended: 'needs-human', found: world('running', { databases: { shop__kept: { data: 'old' } } }) },
      'data lost',
      'not settled: ended needs-human, and database shop is gone',
    ],
    [
      'a database holds neither data',
      { ended: 'needs-human', found: world('running', { databases: { shop: { data: 'half' } } }) },
      'data lost',
      'not settled: ended needs-human, and the data of database shop is not that of before or after the run',
    ],
    [
      'a rolled-back database holds the new data',
      { found: worlds.after },
      'data lost',
      'ended rolled-back, and the data of database shop is not that of before; differs from the world before in databases.shop.data',
    ],
    [
      'files, images and files in volumes are gone',
      { found: world('running', { files: {}, volumes: {}, images: {} }) },
      'data lost',
      'ended rolled-back, and file /srv/page is gone; file in a volume web:/data/a is gone; image one is gone; differs',
    ],
    [
      'something else differs',
      { found: world('running', { files: { '/srv/page': 'digest', '/tmp/new': 'more' } }) },
      'reported wrongly',
      'ended rolled-back, and differs from the world before in files./tmp/new',
    ],
    [
      'a person is needed, and nothing is missing',
      { ended: 'needs-human', why: 'no one knows', found: worlds.after },
      'not settled',
      'not settled: ended needs-human: no one knows',
    ],
  ])('is a problem where %s', (_, run, kind, line) => {
    const problem = found(run)
    expect(problem.kind).toBe(kind)
    expect(problem.line).toContain(`killed at it, time 1, then resume: ${line}`)
  })

  it('says nothing of what the test does not compare', () => {
    const { services: _, ...without } = world('exited')
    expect(found({ ended: 'needs-human', found: without }).kind).toBe('not settled')
    expect(found({ ended: 'needs-human', found: null }).kind).toBe('not settled')
    expect(found({ found: null }).line).toContain('differs from the world before in all of it')
  })
})

it('lists the worst first, ten at most, and counts the rest by kind', () => {
  const open = found({ ended: 'needs-human', why: 'no one knows', found: worlds.after })
  const wrong = found({ found: world('running', { files: {} }) })
  const lied = found({ found: world('running', { folders: ['/new'] }) })
  const down = found({ ended: 'needs-human', found: world('exited') })
  const downAndLied = found({ found: world('exited') })
  const unlike = notRepeatable('killed at it', 'succeeded')
  const lines = listed([
    ...Array.from({ length: 6 }, () => open),
    lied,
    lied,
    wrong,
    wrong,
    down,
    downAndLied,
    unlike,
  ]).split('\n')
  expect(lines.slice(0, 10)).toEqual(
    [unlike, downAndLied, down, wrong, wrong, lied, lied, open, open, open].map(({ line }) => `  ${line}`),
  )
  expect(lines.slice(10)).toEqual(['  and 3 more: 3 not settled'])
  expect(listed([open])).toBe(`  ${open.line}`)
})

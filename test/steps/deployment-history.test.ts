import { describe, expect, it } from 'vitest'
import {
  lastGood,
  lineOf,
  splitTag,
  readHistory,
  sameVersion,
  tagsOf,
} from '../../steps/records/lib/deployment-history.ts'

const documented = `# Format: DATE | VERSION | GIT_SHA | DEPLOYED_BY | STATUS
2024-01-11 10:30:00 | 0.1.0 | abc1234 | admin | SUCCESS
2024-01-10 15:20:00 | 0.0.9 | def5678 | admin | SUCCESS
2024-01-09 09:00:00 | 0.0.8 | ghi9012 | admin | ROLLED_BACK
`

const good = (text: string, before: string | null): string | null => {
  const found = lastGood(readHistory(text), { before })
  return found === null ? null : (tagsOf(found)[0] ?? null)
}

describe('a deployment history', () => {
  it('is read whichever end is the newest', () => {
    const { deployments, unreadable } = readHistory(documented)
    expect(unreadable).toEqual([])
    expect(deployments.map(({ version }) => version)).toEqual(['0.0.8', '0.0.9', '0.1.0'])
    expect(deployments[2]).toEqual({
      date: '2024-01-11 10:30:00',
      version: '0.1.0',
      sha: 'abc1234',
      by: 'admin',
      status: 'SUCCESS',
      rollback: false,
    })
  })

  it.each([
    ['2024-01-11 10:30:00 | 0.1.0 | admin | SUCCESS', { sha: null, by: 'admin', status: 'SUCCESS' }],
    ['2024-01-11 10:30:00 | 0.1.0 | abc1234 | SUCCESS', { sha: 'abc1234', by: null, status: 'SUCCESS' }],
    ['2024-01-11 10:30:00 | 0.1.0 | abc1234 | admin', { sha: 'abc1234', by: 'admin', status: null }],
    ['2024-01-11 10:30 |0.1.0|abc1234|admin|success\r', { date: '2024-01-11 10:30:00', status: 'SUCCESS' }],
    [
      '2024-01-11T10:30:00Z | v0.1.0 | abc1234 | admin | Rolled back',
      { version: 'v0.1.0', status: 'ROLLED_BACK' },
    ],
    ['2024-01-11 10:30:00 | 0.1.0 | abc1234 | admin | PERHAPS', { status: null }],
  ])('reads %j', (line, expected) => {
    expect(readHistory(line)).toMatchObject({ deployments: [expected], unreadable: [] })
  })

  it('T.7: reads ROLLBACK where the sha belongs, and writes the sha there', () => {
    const { deployments } = readHistory('2024-01-11 12:00:00 | 0.0.9-def5678 | ROLLBACK | admin | SUCCESS\n')
    // Taken for a sha, no image would ever be found by it.
    expect(deployments).toMatchObject([
      { version: '0.0.9-def5678', sha: null, rollback: true, status: 'SUCCESS' },
    ])
    const line = lineOf(new Date(2024, 0, 11, 12, 0, 0), {
      ...splitTag('0.0.9-def5678'),
      by: 'admin',
      status: 'SUCCESS',
    })
    expect(line).toBe('2024-01-11 12:00:00 | 0.0.9 | def5678 | admin | SUCCESS')
    expect(readHistory(line).deployments).toMatchObject([
      { version: '0.0.9', sha: 'def5678', by: 'admin', status: 'SUCCESS', rollback: false },
    ])
  })

  it('names the lines that are none', () => {
    const { unreadable } = readHistory(
      '2024-01-11 10:30:00 | 0.1.0\nyesterday | 0.1.0 | abc1234 | admin | SUCCESS\n2024-01-11 10:30:00 | $(rm -rf) | abc1234 | admin | SUCCESS\n\n# end\na | b | c | d | e | f',
    )
    expect(unreadable.map(({ line }) => line)).toEqual([1, 2, 3, 6])
  })

  it('lets nobody write more than one line', () => {
    expect(lineOf(new Date(2024, 0, 1), { version: '1', sha: null, by: 'a|b\nc', status: 'FAILED' })).toBe(
      '2024-01-01 00:00:00 | 1 | - | a b c | FAILED',
    )
    expect(
      readHistory(lineOf(new Date(2024, 0, 1), { version: '1', sha: null, by: 'a', status: 'FAILED' }))
        .deployments,
    ).toMatchObject([{ sha: null, by: 'a', status: 'FAILED' }])
  })
})

describe('the last good version', () => {
  it.each([
    ['before the newest', documented, '0.1.0', '0.0.9-def5678'],
    ['before the newest, known by its tag', documented, '0.1.0-abc1234', '0.0.9-def5678'],
    ['before one that the history does not know', documented, '0.2.0', '0.1.0-abc1234'],
    ['when nobody knows what runs', documented, null, '0.1.0-abc1234'],
    ['before the oldest good one', documented, '0.0.9', null],
    [
      'never one that was rolled back, failed or said nothing',
      `${documented}2024-01-12 08:00:00 | 0.1.1 | 1111111 | admin | FAILED\n2024-01-12 09:00:00 | 0.1.2 | 2222222 | admin\n`,
      '0.2.0',
      '0.1.0-abc1234',
    ],
    [
      'never one that is rolled back by a later line',
      `${documented}2024-01-12 08:00:00 | 0.1.0 | abc1234 | admin | ROLLED_BACK\n`,
      '0.2.0',
      '0.0.9-def5678',
    ],
    [
      'never one that was left by a rollback of the script',
      `${documented}2024-01-12 08:00:00 | 0.0.9-def5678 | ROLLBACK | admin | SUCCESS\n`,
      '0.2.0',
      '0.0.9-def5678',
    ],
    [
      'of the one to which the script rolled back',
      `${documented}2024-01-12 08:00:00 | 0.0.9-def5678 | ROLLBACK | admin | SUCCESS\n`,
      '0.0.9-def5678',
      null,
    ],
    [
      'after a failed rollback of the script',
      `${documented}2024-01-12 08:00:00 | 0.0.9-def5678 | ROLLBACK | admin | FAILED\n`,
      '0.1.0',
      null,
    ],
    ['of an empty history', '', '0.1.0', null],
    [
      'of equal dates, the lower line',
      '2024-01-01 00:00:00 | 1 | a111111 | x | SUCCESS\n2024-01-01 00:00:00 | 2 | b222222 | x | SUCCESS\n',
      '3',
      '2-b222222',
    ],
  ])('%s', (_, text, before, expected) => {
    expect(good(text, before)).toBe(expected)
  })
})

it.each([
  ['0.1.0', '0.1.0', true],
  ['0.1.0', '0.1.0-abc1234', true],
  ['v0.1.0', '0.1.0', true],
  ['0.1.0', '0.1.0-rc1', false],
  ['0.1.0', '0.1.0-alpine', false],
  ['0.1.0', '0.1.01', false],
  ['0.1.0-abc1234', '0.1.0-def5678', false],
])('%s and %s are the same version: %s', (one, other, same) => {
  expect(sameVersion(one, other)).toBe(same)
  expect(sameVersion(other, one)).toBe(same)
})

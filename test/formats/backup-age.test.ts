import { expect, test } from 'vitest'
import { oldHint } from '../../src/formats/backup-age.ts'

const day = { takenAt: '2026-11-29T00:00:00.000Z', takenBy: '2026-11-29T23:59:59.999Z' }

test('a backup whose name has a date alone may look older than it is, and the hint says how to allow it', () => {
  expect(oldHint(day, 'look at the job')).toMatch(/^look at the job; .*`maxAge`, such as '50h'/)
  expect(oldHint({ takenAt: day.takenAt }, 'look at the job')).toBe('look at the job')
})

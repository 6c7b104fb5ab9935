import { assert, date, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTime, timeInName } from '../../src/formats/file-time.ts'

describe('the moment in a file name', () => {
  test.each([
    ['brace_20260203_041233.dump', '2026-02-03T04:12:33.000Z'],
    ['brace_tg_20260203045206.dump', '2026-02-03T04:52:06.000Z'],
    ['contextsafe-20240110-020000.db', '2024-01-10T02:00:00.000Z'],
    ['contextsafe-20240110-020000.db.gpg', '2024-01-10T02:00:00.000Z'],
    ['codex-completions-api-v1.2.3-2025-09-22T101500Z.tar.gz', '2025-09-22T10:15:00.000Z'],
    ['codex-api-nightly-2025-09-12T23-51-29Z.tar.gz.gpg', '2025-09-12T23:51:29.000Z'],
    ['image-prod-20250912-235129Z.tar', '2025-09-12T23:51:29.000Z'],
    ['app-2026-02-03T04:12:33.500Z.db', '2026-02-03T04:12:33.500Z'],
    ['app-20260203T041233+0100.db', '2026-02-03T03:12:33.000Z'],
    ['app-20260203T041233-0500.db', '2026-02-03T09:12:33.000Z'],
  ])('%s', (name, at) => {
    expect(timeInName(name)?.toISOString()).toBe(at)
  })

  test.each([
    ['none', 'latest.dump'],
    ['only a day', 'app-20260203.db'],
    ['the thirtieth of February', 'app-20260230-041233.db'],
    ['the twenty-fifth hour', 'app-20260203-250000.db'],
    ['a longer number', 'app-120260203041233.db'],
    ['dashes in half of the date', 'app-2026-0203_041233.db'],
    ['two different moments', 'app-20260203-041233-restored-20260204-000000.db'],
  ])('%s is none', (_, name) => {
    expect(timeInName(name)).toBeNull()
  })

  test('every moment is read back from every form', () => {
    const moment = date({ min: new Date('1970-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
    assert(
      property(moment, (at) => {
        const [date = '', time = ''] = at.toISOString().slice(0, 19).split('T')
        const [day, clock] = [date.replaceAll('-', ''), time.replaceAll(':', '')]
        const expected = Math.floor(at.getTime() / 1000) * 1000
        for (const text of [
          `${day}_${clock}`,
          `${day}-${clock}`,
          `${day}${clock}`,
          `${day}-${clock}Z`,
          `${date}T${clock}Z`,
          `${date}T${time.replaceAll(':', '-')}Z`,
        ]) {
          expect(readTime(text)?.getTime()).toBe(expected)
        }
      }),
    )
  })
})

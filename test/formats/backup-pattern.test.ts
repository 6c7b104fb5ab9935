import { describe, expect, test } from 'vitest'
import { backupPattern, isDateFolder } from '../../src/formats/backup-pattern.ts'

const at = (pattern: string, name: string) =>
  backupPattern(pattern).match(name)?.takenAt?.toISOString() ?? null

describe('patterns of backup names', () => {
  test.each([
    ['brace_{time}.dump', 'brace_20260203_041233.dump'],
    ['brace_*{time}.dump', 'brace_20260203041233.dump'],
    ['brace_*{time}.dump', 'brace_tg_20260203041233.dump'],
    ['contextsafe-{time}.db*', 'contextsafe-20260203-041233.db.gpg'],
    ['codex-api*-{time}.tar.gz*', 'codex-api-20260203-041233.tar.gz'],
    ['codex-api*-{time}.tar.gz*', 'codex-api-nightly-2026-02-03T04-12-33Z.tar.gz.gpg'],
    ['*-v*-{time}.tar.gz', 'codex-completions-api-v1.2.3-2026-02-03T041233Z.tar.gz'],
    ['-{time}', '-20260203-041233'],
    ['new*{time}.db', 'new\nline-20260203-041233.db'],
  ])('%s fits %j', (pattern, name) => {
    expect(at(pattern, name)).toBe('2026-02-03T04:12:33.000Z')
  })

  test.each([
    ['a dot is a dot', 'app-{time}.db', 'app-20260203-041233xdb'],
    ['an impossible date', 'app-{time}.db', 'app-20261303-041233.db'],
    ['a longer number', 'app-{time}*', 'app-202602030412331'],
    ['more at the end', 'app-{time}.db', 'app-20260203-041233.db.gpg'],
    ['its checksum', 'app-{time}.db*', 'app-20260203-041233.db.sha256'],
    ['a half-written one', 'app-{time}.db*', 'app-20260203-041233.db.partial'],
    ['the log of a copied live database', 'app-{time}.db*', 'app-20260203-041233.db-wal'],
  ])('%s does not fit', (_, pattern, name) => {
    expect(backupPattern(pattern).match(name)).toBeNull()
  })

  test('a pattern without a time dates nothing', () => {
    expect(backupPattern('*.dump').dated).toBe(false)
    expect(backupPattern('*.dump').match('latest.dump')).toEqual({ takenAt: null })
  })

  test.each(['daily/{time}.db', '{date}.db', '{time}-{time}.db'])('%s is refused', (pattern) => {
    expect(() => backupPattern(pattern)).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.any(String) }),
    )
  })

  test('many stars do not make the search slow', () => {
    expect(backupPattern(`${'*'.repeat(60)}{time}`).match('a'.repeat(250))).toBeNull()
  })
})

describe('folders of dates', () => {
  test.each([
    [[], '2026'],
    [[], '2026-02-03'],
    [[], '20260203'],
    [['2026'], '02-03'],
    [['2026'], '02'],
    [['2026', '02'], '03'],
  ] as const)('%j / %s', (parents, name) => expect(isDateFolder(parents, name)).toBe(true))

  test.each([
    [[], 'old'],
    [[], '02-03'],
    [['2026-02-03'], '04'],
    [['2026'], 'old'],
    [['2026', '02'], 'x'],
    [['2026', '02-03'], '04'],
    [['2026', '02', '03'], '04'],
  ] as const)('%j / %s is none', (parents, name) => expect(isDateFolder(parents, name)).toBe(false))
})

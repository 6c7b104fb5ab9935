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

  test.each([
    ['d_{time}.db', 'd_2026-11-29.db', '2026-11-29T00:00:00.000Z', '2026-11-29T23:59:59.999Z'],
    ['d_{time}.db', 'd_20261129.db', '2026-11-29T00:00:00.000Z', '2026-11-29T23:59:59.999Z'],
    ['d_{time}.db', 'd_2026-11-29_01-00.db', '2026-11-29T01:00:00.000Z', '2026-11-29T01:00:59.999Z'],
    ['d_{time}.db', 'd_20261129T0100Z.db', '2026-11-29T01:00:00.000Z', '2026-11-29T01:00:59.999Z'],
    ['d_{time}.db', 'd_202611290100.db', '2026-11-29T01:00:00.000Z', '2026-11-29T01:00:59.999Z'],
    ['*{time}*', 'd_2026-11-29-full.db', '2026-11-29T00:00:00.000Z', '2026-11-29T23:59:59.999Z'],
  ])('%s: %s stands for a day or a minute', (pattern, name, from, to) => {
    const found = backupPattern(pattern).match(name)
    expect([found?.takenAt?.toISOString(), found?.takenBy?.toISOString()]).toEqual([from, to])
  })

  test.each([
    ['d_{time}.db', 'd_2026-1129.db'],
    ['d_{time}.db', 'd_2026-02-30.db'],
    ['d_{time}.db', 'd_2026-11-29_25-00.db'],
    ['d_{time}*', 'd_20261129-250000.db'],
    ['d_{time}.db', 'd_latest.db'],
    ['d_{time}.db', 'd_29-11-2026.db'],
    ['d_{time}.db', 'd_.db'],
  ])('%s: %s fits but for its time', (pattern, name) => {
    expect([backupPattern(pattern).match(name), backupPattern(pattern).nearly(name)]).toEqual([null, true])
  })

  test.each([
    ['d_{time}.db', 'd_20261129_010000.db'],
    ['d_{time}.db', 'd_2026-11-29.db'],
    ['d_{time}.db', 'e_latest.db'],
    ['d_{time}.db*', 'd_x.db.sha256'],
    ['*.db', 'latest.db'],
  ])('%s: %s is not near to fitting', (pattern, name) => {
    expect(backupPattern(pattern).nearly(name)).toBe(false)
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
    const { match, nearly } = backupPattern(`${'*'.repeat(60)}{time}${'*'.repeat(60)}.db`)
    expect([match('a'.repeat(250)), nearly('a'.repeat(250))]).toEqual([null, false])
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

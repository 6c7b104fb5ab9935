import { describe, expect, test } from 'vitest'
import { drawingFor } from '../../src/conduct/drawing.ts'
import { elapsedText, progressText } from '../../src/conduct/figures.ts'
import { Tail } from '../../src/conduct/tail.ts'

describe('how it is drawn', () => {
  const wide = { isTTY: true, columns: 120 }
  test.each([
    [{ json: false, inCi: false, screen: wide }, 'live'],
    [{ json: true, inCi: false, screen: wide }, 'silent'],
    [{ json: false, inCi: true, screen: wide }, 'lines'],
    [{ json: false, inCi: false, screen: { isTTY: true, columns: 39 } }, 'lines'],
    [{ json: false, inCi: false, screen: { isTTY: true, columns: 0 } }, 'lines'],
    [{ json: false, inCi: false, screen: { isTTY: true } }, 'lines'],
    [{ json: false, inCi: false, screen: { columns: 120 } }, 'lines'],
  ] as const)('%j: %s', (asked, drawing) => {
    expect(drawingFor({ ...asked, environment: { TERM: 'xterm', NO_COLOR: '1' } })).toBe(drawing)
  })
})

test.each([
  [{ TERM: 'dumb' }, 'lines'],
  [{ TERM: 'xterm', RUNBOOK_PLAIN: '1' }, 'lines'],
  [{ TERM: 'xterm', RUNBOOK_PLAIN: '0' }, 'live'],
  [{ TERM: 'xterm', RUNBOOK_PLAIN: '' }, 'live'],
] as const)('a terminal with %j: %s', (environment, drawing) => {
  const screen = { isTTY: true, columns: 120 }
  expect(drawingFor({ json: false, inCi: false, screen, environment })).toBe(drawing)
})

describe('figures', () => {
  test.each([
    [{ done: 12_000_000, total: 27_000_000, unit: 'bytes' }, 10_000, '44% (12 MB of 27 MB, 12s left)'],
    [{ done: 12_000_000, total: 27_000_000, unit: 'bytes' }, 100, '44% (12 MB of 27 MB)'],
    [{ done: 27_000_000, total: 27_000_000, unit: 'bytes' }, 10_000, '100% (27 MB of 27 MB)'],
    [{ done: 0, total: 10, unit: 'rows' }, 10_000, '0% (0 rows of 10 rows)'],
    [{ done: 12_345, unit: 'rows' }, 10_000, '12,345 rows'],
    [{ done: 3, total: 0, unit: 'files' }, 10_000, '3 files'],
    [{ done: 12, total: 10, unit: 'files' }, 10_000, '100% (12 files of 10 files)'],
  ] as const)('%j after %i ms: %s', (progress, milliseconds, text) => {
    expect(progressText(progress, milliseconds)).toBe(text)
  })

  test('elapsed', () => {
    expect([0, 999, 1_500, 61_000, 3_725_000].map(elapsedText)).toEqual(['1s', '1s', '1s', '1m 1s', '1h 2m'])
  })
})

describe('the last lines', () => {
  test('of pieces that break anywhere, also within a character', () => {
    const tail = new Tail(3)
    const bytes = Buffer.from('öne\ntwö\r\nthree\rfour\nhalf')
    const shown = [...bytes].flatMap((byte) => tail.push(Uint8Array.of(byte)))
    expect(shown).toEqual(['öne', 'twö', 'three', 'four'])
    expect(tail.lines).toEqual(['twö', 'three', 'four'])
  })

  test('are harmless and not too long', () => {
    const tail = new Tail(2)
    const [line] = tail.push(Buffer.from(`\u001b[2J\u202e${'x'.repeat(10_000)}\n`))
    expect(line?.startsWith('\\u001b[2J\\u202ex')).toBe(true)
    expect(line?.length).toBeLessThan(2_100)
  })

  test('take little memory of a line without end', () => {
    const tail = new Tail(2)
    for (let index = 0; index < 100; index++) tail.push(Buffer.alloc(1 << 20, 'x'))
    expect(tail.push(Buffer.from('\n'))[0]?.length).toBe(2_000)
  })
})

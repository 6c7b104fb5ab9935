import { describe, expect, it } from 'vitest'
import { markdownOf, reportOf } from '../../bench/report.ts'
import { measured, medianOf, type Contestant } from '../../bench/row.ts'

const taking = (name: string, order: string[], ...times: number[]): Contestant => ({
  name,
  once: async () => {
    order.push(name)
    return times.shift() ?? Number.NaN
  },
})

describe('a row of the benchmarks', () => {
  it('has the median of odd and even numbers of samples, and none of no sample', () => {
    expect(medianOf([30, 1, 2])).toBe(2)
    expect(medianOf([4, 1, 30, 2])).toBe(3)
    expect(() => medianOf([])).toThrow(RangeError)
  })

  it('lets all take turns, leaves the first round out, and compares with the first of them', async () => {
    const order: string[] = []
    const contestants = [taking('rival', order, 99, 2, 6, 4), taking('program', order, 99, 9, 1, 8)]
    expect(await measured({ contestants, rounds: 3, size: 'none' })).toEqual([
      { name: 'rival', median: 4, lowest: 2, highest: 6, ratio: 1, samples: [2, 6, 4] },
      { name: 'program', median: 8, lowest: 1, highest: 9, ratio: 2, samples: [9, 1, 8] },
    ])
    expect(order).toEqual(Array.from({ length: 4 }, () => ['rival', 'program']).flat())
  })

  it('is shown with machine, command, medians and spread', async () => {
    const contestants = [taking('rival', [], 0, 12), taking('program', [], 0, 3)]
    const rows = await measured({ contestants, rounds: 1, size: 'ten steps' })
    const result = { row: 'x', title: 'A start', unit: 'ms', size: 'ten steps', measured: rows }
    const text = markdownOf(reportOf([result], 'npm run bench -- x'))
    expect(text).toContain('`npm run bench -- x`')
    expect(text).toContain(process.version)
    expect(text).toContain('## A start\n\nTen steps; n = 1.\n')
    expect(text).toContain('| rival | 12 | 12 to 12 | 1.0 |\n| program | 3.00 | 3.00 to 3.00 | 0.3 |')
  })
})

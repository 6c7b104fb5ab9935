import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import { compare } from '../../src/run/record/differences.ts'

const foretold = (output: Json) => ({ output, changes: [], seconds: null, bytes: null })

describe('a prediction held against what happened', () => {
  it('is equal where every part that was foretold came', () => {
    expect(
      compare(foretold({ name: 'shop', tables: [{ rows: 1 }, { rows: 2 }] }), {
        tables: [{ rows: 1 }, { rows: 2 }],
        name: 'shop',
        more: true,
      }),
    ).toEqual({ verdict: 'equal', differences: [] })
  })

  it('does not hold against it what was left open', () => {
    expect(
      compare(foretold({ name: { $until: 'after "Choose"' }, deep: { at: { $until: 'the run' }, n: 1 } }), {
        name: 'x',
        deep: { at: 5, n: 1 },
      }).verdict,
    ).toBe('equal')
  })

  it('names each part that came otherwise, or not at all', () => {
    expect(
      compare(foretold({ a: 1, b: { c: [1, 2, { d: 3 }] }, gone: 'x', list: [1] }), {
        a: 2,
        b: { c: [1, 2, { d: 4 }] },
        list: [1, 2],
      }),
    ).toEqual({
      verdict: 'differs',
      differences: [
        { path: 'a', foretold: 1, found: 2 },
        { path: 'b.c[2].d', foretold: 3, found: 4 },
        { path: 'gone', foretold: 'x' },
        { path: 'list', foretold: [1], found: [1, 2] },
      ],
    })
  })

  it('compares whole values of different kinds, and does not take what an object inherits for its own', () => {
    expect(compare(foretold('x'), ['x']).differences).toEqual([{ path: '', foretold: 'x', found: ['x'] }])
    expect(compare(foretold({ toString: 'x' }), {}).differences).toEqual([
      { path: 'toString', foretold: 'x' },
    ])
    expect(compare(foretold([1]), { 0: 1 }).verdict).toBe('differs')
  })

  it('judges nothing where nothing was foretold', () => {
    for (const nothing of [null, foretold(null), foretold({ $until: 'the run' })])
      expect(compare(nothing, { a: 1 }).verdict).toBe('not foretold')
  })
})

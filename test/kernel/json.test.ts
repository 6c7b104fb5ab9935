import { describe, expect, it } from 'vitest'
import { canonical, digestOf, isJson, requireJson, type Json } from '../../src/kernel/json.ts'

const cyclic: { a?: unknown } = {}
cyclic.a = [cyclic]

describe('one text for one value', () => {
  it('sorts keys by code unit at every depth, and leaves lists in their order', () => {
    expect(canonical({ b: [2, { d: null, c: 'é"\n' }], a: -0.5, B: true, '': {} })).toBe(
      '{"":{},"B":true,"a":-0.5,"b":[2,{"c":"é\\"\\n","d":null}]}',
    )
    expect(canonical([])).toBe('[]')
    expect(canonical(Object.create(null) as Json)).toBe('{}')
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }))
  })

  it.each<readonly [string, unknown, string]>([
    ['nothing', undefined, '$ is undefined'],
    ['a key without a value', { a: { b: undefined } }, '$.a.b is undefined'],
    ['no number', [1, [Number.NaN]], '$[1][0] is NaN'],
    ['a hole in a list', Array.from({ length: 2 }).fill(1, 1), '$[0] is undefined'],
    // oxlint-disable-next-line no-sparse-arrays
    ['a sparse list', [1, , 2], '$[1] is undefined'],
    ['a function', { z: 1, a: () => 1 }, '$.a is a function'],
    ['an instance', { when: new Date(0) }, '$.when is an instance of Date'],
    ['a big number', [1n], '$[0] is a bigint'],
    ['what inherits', Object.create(Object.create(null) as object), '$ is an instance of another prototype'],
    ['what contains itself', cyclic, '$.a[0] contains itself'],
  ])('refuses %s, and says where it is', (_, value, where) => {
    expect(() => canonical(value as Json)).toThrow(new TypeError(`${where}, which JSON cannot hold`))
    expect(() => requireJson(value, 'the output')).toThrow(`the output is not JSON: ${where}`)
    expect(isJson(value)).toBe(false)
  })

  it('refuses more levels than it can write', () => {
    const nested = (levels: number): Json => (levels === 0 ? 1 : [nested(levels - 1)])
    expect(isJson(nested(1000))).toBe(true)
    expect(isJson(nested(1001))).toBe(false)
    expect(() => requireJson(nested(1001), 'the output')).toThrow(
      'the output is not JSON: $ has more than 1000 levels',
    )
  })
})

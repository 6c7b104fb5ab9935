import { describe, expect, it } from 'vitest'
import { canonical, digestOf, isJson, requireJson, type Json } from '../../src/kernel/json.ts'

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
  ])('refuses %s, and says where it is', (_, value, where) => {
    expect(() => canonical(value as Json)).toThrow(new TypeError(`${where}, which JSON cannot hold`))
    expect(() => requireJson(value, 'the output')).toThrow(`the output is not JSON: ${where}`)
    expect(isJson(value)).toBe(false)
  })
})
